"""The settings of the operator console."""

from typing import Literal

from pydantic import ValidationInfo, field_validator

from gateway.place_settings import PlaceSettings
from gateway.setting_values import CodeFlowSetting, Origin
from gateway.setting_values import setting as _setting


class ConsoleSettings(PlaceSettings):
    """The part of ``Settings`` that is about the console, and how browsers reach it."""

    console: Literal["on", "off"] = _setting(
        "on",
        "Whether the operator console is served at /console (docs/console.md).",
        "on or off",
    )
    public_url: Origin | None = _setting(
        None,
        "Origin under which browsers reach the gateway, where that is not the one that they name.",
        "an origin such as https://gateway.example.com",
        shown="none",
    )
    console_oidc: CodeFlowSetting | None = _setting(
        None,
        "The OpenID Connect provider at which people sign in to the console.",
        'JSON such as {"issuer": "https://id.example.com", "client_id": "console"}, with '
        "GATEWAY_PUBLIC_URL and the issuer among GATEWAY_OIDC_ISSUERS",
        shown="none: people paste a token",
        secret=True,
    )

    @field_validator("console_oidc")
    @classmethod
    def _has_a_way_back(
        cls, value: CodeFlowSetting | None, info: ValidationInfo
    ) -> CodeFlowSetting | None:
        if value is not None and info.data.get("public_url", ...) is None:
            raise ValueError("GATEWAY_PUBLIC_URL does not say where the provider sends people back")
        return value
