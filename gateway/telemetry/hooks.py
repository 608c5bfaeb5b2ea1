"""Where Python itself would print values: uncaught exceptions, warnings, the event loop."""

import asyncio
import logging
import os
import sys
import threading
import warnings
from types import TracebackType
from typing import Any, TextIO

from gateway.telemetry.failures import place, type_name

_log = logging.getLogger("gateway.process")

_LOOP_MESSAGES = (
    "Task exception was never retrieved",
    "Future exception was never retrieved",
    "Task was destroyed but it is pending!",
    "Exception in callback",
    "Unhandled exception in client_connected_cb",
    "Fatal error",
    "an error occurred during closing of asynchronous generator",
    "unhandled exception during asyncio.run() shutdown",
    "SSL handshake failed",
    "SSL error",
    "socket.accept() out of system resource",
)
"""How messages of event loops begin. The rest of them is made of callbacks and their arguments."""


def install_hooks() -> None:
    """Have this process tell uncaught exceptions and warnings in its log, without their texts.

    To be called again once everything is imported: libraries put hooks of their own there.
    """
    os.environ["STRAWBERRY_DISABLE_RICH_ERRORS"] = "1"  # else it does so when it is imported
    sys.excepthook = _uncaught
    sys.unraisablehook = _unraisable
    threading.excepthook = _in_thread
    warnings.showwarning = _warned


def loop_error(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """The exception handler of an event loop: what happened and where, not with which values."""
    said = str(context.get("message", ""))
    known = (begin for begin in _LOOP_MESSAGES if said.startswith(begin))
    _log.error("%s in the event loop", next(known, "Error"), exc_info=_exc_info(context))


def _exc_info(context: dict[str, Any]) -> BaseException | None:
    error = context.get("exception")
    return error if isinstance(error, BaseException) else None


def _uncaught(
    _kind: type[BaseException], error: BaseException, _trace: TracebackType | None
) -> None:
    _log.critical("the process ends by an exception", exc_info=error)


def _in_thread(given: threading.ExceptHookArgs) -> None:
    if given.exc_type is not SystemExit:
        _log.error("a thread ended by an exception", exc_info=given.exc_value)


def _unraisable(given: "sys.UnraisableHookArgs") -> None:
    _log.error("an exception that nobody can catch", exc_info=given.exc_value)


def _warned(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """A warning by its kind and place; the rest, which may quote values, is passed over."""
    _log.warning("%s at %s", type_name(category), place(filename, lineno, "?"))
