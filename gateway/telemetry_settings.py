"""The settings of what a process tells of its own working: logs, metrics, traces."""

from typing import Literal

from pydantic import ValidationInfo, field_validator
from pydantic_settings import BaseSettings

from gateway.setting_values import setting as _setting


class TelemetrySettings(BaseSettings):
    """The part of ``Settings`` that is about observing a process (docs/observability.md)."""

    log_level: Literal["debug", "info", "warning", "error"] = _setting(
        "info", "How much is logged.", "debug, info, warning or error"
    )
    log_format: Literal["auto", "json", "text"] = _setting(
        "auto",
        "Form of the log. auto: text on a terminal, else a JSON object a line.",
        "auto, json or text",
    )
    metrics: Literal["on", "off"] = _setting(
        "off",
        "Whether /metrics tells what was counted, for Prometheus.",
        "on or off; see docs/observability.md",
    )
    metrics_token: str = _setting(
        "",
        "Bearer token that /metrics asks for. Without it, whoever reaches the port may read.",
        "16 to 512 characters without spaces, or leave it out",
        shown="none",
        secret=True,
        pattern=r"^$|^[\x21-\x7e]{16,512}$",
    )
    traces: Literal["off", "otlp"] = _setting(
        "off",
        "Whether spans are sent to a collector of OpenTelemetry, by OTLP over HTTP.",
        "off or otlp; see docs/observability.md",
    )
    traces_endpoint: str = _setting(
        "http://127.0.0.1:4318",
        "Where the collector is; spans go to /v1/traces below it.",
        "an http or https address without user, query or fragment",
        pattern=r"^https?://[^\s/?#@]+(?:/[^\s?#]*)?$",
    )
    traces_ratio: float = _setting(
        1.0,
        "Share of the traces that begin here which is recorded; whoever calls within a trace says "
        "whether that one is.",
        "a number from 0 to 1",
        ge=0,
        le=1,
        allow_inf_nan=False,
    )

    @field_validator("metrics_token")
    @classmethod
    def _has_metrics(cls, value: str, info: ValidationInfo) -> str:
        if value and info.data.get("metrics") == "off":
            raise ValueError("GATEWAY_METRICS is off, so nothing would ask for it")
        return value
