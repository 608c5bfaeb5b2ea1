"""Observing: what a process counts and traces, by its settings, for as long as it runs."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from gateway import __version__
from gateway.settings import Settings
from gateway.telemetry import instruments, spans


@contextmanager
def observing(settings: Settings) -> Iterator[None]:
    """Count and trace while the context lasts; spans that wait are sent at its end."""
    instruments.switch(on=settings.metrics == "on")
    try:
        with _tracing(settings):
            yield
    finally:
        instruments.switch(on=False)


def is_observed(settings: Settings) -> bool:
    """True where anything of a call is counted or traced."""
    return settings.metrics == "on" or settings.traces != "off"


@contextmanager
def _tracing(settings: Settings) -> Iterator[None]:
    if settings.traces == "off":
        yield
        return

    from gateway.telemetry.otlp import OtlpRecorder  # which takes long to import

    where = (settings.traces_endpoint, settings.traces_ratio)
    recorder = OtlpRecorder(*where, __version__, secrets.token_hex(8))
    spans.install(recorder)
    try:
        yield
    finally:
        spans.install(None)
        recorder.close()
