"""Observing: what a process counts and traces, by its settings, for as long as it runs."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gateway import __version__
from gateway.environment import settings_invalid
from gateway.model.problem import Issue
from gateway.settings import Settings
from gateway.telemetry import instruments, spans

if TYPE_CHECKING:
    from gateway.telemetry.otlp import OtlpRecorder

_LIBRARY = "OTEL_"
"""What the names of OpenTelemetry's own variables begin with."""


@contextmanager
def observing(settings: Settings) -> Iterator[None]:
    """Count and trace while the context lasts; spans that wait are sent at its end.

    Raises:
        ProblemError: SETTINGS_INVALID where OpenTelemetry refuses its own variables.
    """
    instruments.switch(on=settings.metrics == "on")
    try:
        with _tracing(settings):
            yield
    finally:
        instruments.switch(on=False)


def is_observed(settings: Settings) -> bool:
    """True where anything of a call is counted or traced."""
    return settings.metrics == "on" or settings.traces != "off"


def open_recorder(settings: Settings) -> "OtlpRecorder":
    """What sends spans as the settings say, to be closed by the caller.

    Raises:
        ProblemError: SETTINGS_INVALID where OpenTelemetry refuses its own variables.
    """
    where = (settings.traces_endpoint, settings.traces_ratio)
    try:
        from gateway.telemetry.otlp import OtlpRecorder  # which takes long to import

        return OtlpRecorder(*where, __version__, secrets.token_hex(8))
    except (OSError, RuntimeError, ValueError) as error:  # some are read at the import
        given = sorted(name for name in os.environ if name.startswith(_LIBRARY))
        if not given:
            raise
        told = (
            f"OpenTelemetry refuses what its own variables say ({', '.join(given)}): "
            f"{str(error).rstrip('.')}. Correct or remove the variable, or set GATEWAY_TRACES to "
            "off."
        )
        raise settings_invalid(
            [Issue(given[0] if len(given) == 1 else f"{_LIBRARY}*", "SETTING_INVALID", told)]
        ) from error


@contextmanager
def _tracing(settings: Settings) -> Iterator[None]:
    if settings.traces == "off":
        yield
        return

    recorder = open_recorder(settings)
    spans.install(recorder)
    try:
        yield
    finally:
        spans.install(None)
        recorder.close()
