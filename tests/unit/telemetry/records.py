"""Log records as a process of the gateway tells them, for the tests."""

import contextlib
import io
import json
import logging
from collections.abc import Iterator
from typing import Any

from gateway.telemetry import LogFormat, handler


@contextlib.contextmanager
def listening(name: str, form: LogFormat = "json") -> Iterator[tuple[logging.Logger, io.StringIO]]:
    """A logger of this name, and what is written of its records."""
    stream, log = io.StringIO(), logging.getLogger(name)
    writes, level, passes = handler(form, stream), log.level, log.propagate
    log.addHandler(writes)
    log.setLevel(logging.DEBUG)
    log.propagate = False
    try:
        yield log, stream
    finally:
        log.removeHandler(writes)
        log.setLevel(level)
        log.propagate = passes


def line_of(stream: io.StringIO) -> dict[str, Any]:
    """The one JSON line that was written."""
    text = stream.getvalue()
    assert text.endswith("\n")
    assert text.count("\n") == 1
    found: dict[str, Any] = json.loads(text)
    return found
