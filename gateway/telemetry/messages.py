"""The message of a log record as it may be told.

The gateway's own messages are constant templates with safe arguments; they are redacted all the
same. Those of libraries, and of a deployment's own handlers, may be made of anything: of them the
template is told where it is a constant in the code that logs, with the numbers among its arguments.
"""

import logging
import re
import sys
from types import FrameType

from gateway.telemetry.failures import code_of, type_name
from gateway.telemetry.redaction import redacted

OWN = "gateway"
"""The name of our loggers, and what it begins with."""

FREE_TEXT = "(the text of this message is withheld)"
_MISFIT = "(the arguments of this message do not fit it)"
_MOST_STACK = 30
_LARGEST = 10_000_000
"""Below it are ports, sizes and durations; above it could be the numbers of accounts or phones."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def is_own(record: logging.LogRecord) -> bool:
    """True for a record of a logger of ours."""
    return record.name == OWN or record.name.startswith(f"{OWN}.")


def message_of(record: logging.LogRecord) -> str:
    """The message of a record, on one line. It never raises."""
    try:
        told = _own(record) if is_own(record) else _foreign(record)
    except Exception:  # a message that cannot be made must not cost the line
        told = _MISFIT
    return _CONTROL.sub(" ", told)


def _own(record: logging.LogRecord) -> str:
    template = record.msg
    if not isinstance(template, str):
        return FREE_TEXT
    given = record.args
    if not given:
        return template  # a literal in our code: a test sees to that
    if isinstance(given, tuple):
        return redacted(template % tuple(_quiet(value) for value in given))
    return redacted(template % {name: _quiet(value) for name, value in given.items()})


def _quiet(value: object) -> object:
    """An exception is told by its code or its type, whatever it says."""
    if isinstance(value, BaseException):
        return code_of(value) or type_name(type(value))
    return value


def _foreign(record: logging.LogRecord) -> str:
    template = record.msg
    if not isinstance(template, str) or not _is_constant(template, record):
        return FREE_TEXT
    if not record.args:
        return template
    given = record.args
    if isinstance(given, tuple):
        return redacted(template % tuple(_numbers(value) for value in given))
    return redacted(template % {name: _numbers(value) for name, value in given.items()})


def _numbers(value: object) -> object:
    """Small numbers as they are, anything else by its type alone."""
    if isinstance(value, int | float) and abs(value) < _LARGEST:
        return value
    return _Hidden(type(value))


class _Hidden:
    """Stands in for an argument, whichever way it is formatted."""

    def __init__(self, kind: type) -> None:
        self._told = f"<{type_name(kind)}>"

    def __str__(self) -> str:
        return self._told

    __repr__ = __str__


def _is_constant(template: str, record: logging.LogRecord) -> bool:
    """True where the function that logs holds the message as a literal: an f-string is none.

    Where that function is not on the stack, nothing is known of the message.
    """
    frame: FrameType | None = sys._getframe()  # noqa: SLF001 what inspect and logging use as well
    for _ in range(_MOST_STACK):
        if frame is None:
            return False
        code = frame.f_code
        if code.co_filename == record.pathname and code.co_name == record.funcName:
            return template in code.co_consts
        frame = frame.f_back
    return False
