"""What the sweeper cannot do now: told in the log, counted, and tried again."""

import contextlib
import logging
from collections.abc import Iterator

from gateway.model.problem import ProblemError
from gateway.telemetry import metrics

_log = logging.getLogger(__name__)


def tell(what: str, error: Exception) -> None:
    """Log and count that something failed, by the name of the failure alone."""
    named = error.problem.code if isinstance(error, ProblemError) else type(error).__name__
    metrics.privacy_failures.add()
    _log.error("%s failed and is tried again: %s", what, named)


@contextlib.contextmanager
def going_on(what: str) -> Iterator[None]:
    """Tell what goes wrong within, and go on: the next pass tries again."""
    try:
        yield
    except Exception as error:
        tell(what, error)
