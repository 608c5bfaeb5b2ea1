"""The log of a process: where it goes, how much, and in which form."""

import logging
import sys
from typing import Literal, TextIO

from gateway.telemetry.formats import JsonFormat, TextFormat
from gateway.telemetry.messages import OWN

LogFormat = Literal["auto", "json", "text"]
"""``auto`` is text on a terminal and JSON elsewhere."""

_UNTOLD = (
    '{"level":"error","logger":"gateway.process","message":"a log record could not be told"}\n'
)


class _Handler(logging.StreamHandler[TextIO]):
    """A handler that prints no record's values when it fails, as logging's own would."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 as logging names it
        """Tell that a record is missing, if even that can be told."""
        try:
            self.stream.write(_UNTOLD)
        except (OSError, ValueError):  # the stream is gone: there is nowhere to tell it
            return


def handler(form: LogFormat = "auto", stream: TextIO | None = None) -> logging.Handler:
    """A handler that writes records in a form; to standard error without a ``stream``."""
    made = _Handler(stream or sys.stderr)
    is_text = form == "text" or (form == "auto" and made.stream.isatty())
    made.setFormatter(TextFormat() if is_text else JsonFormat())
    return made


def configure(level: str, form: LogFormat = "auto", stream: TextIO | None = None) -> None:
    """Set up the log of this process.

    ``level`` (debug, info, warning, error) is that of the gateway's own loggers. Libraries are
    told from warnings on, uvicorn from info on, whatever it is: what some of them tell while
    debugging is what callers send.
    """
    logging.raiseExceptions = False
    # What no form of ours tells need not be looked up for each record.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    root = logging.getLogger()
    root.handlers[:] = [handler(form, stream)]
    wanted = logging.getLevelNamesMapping()[level.upper()]
    root.setLevel(max(wanted, logging.WARNING))
    logging.getLogger(OWN).setLevel(wanted)
    logging.getLogger("uvicorn").setLevel(max(wanted, logging.INFO))
    for known in tuple(logging.root.manager.loggerDict.values()):
        if isinstance(known, logging.Logger):  # all tell through the one handler
            known.handlers.clear()
            known.propagate = True
