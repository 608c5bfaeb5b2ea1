"""One piece of work for the thread of a journal."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True, eq=False)
class Work:
    """One piece of work: ``call`` gets the tables, ``done`` the outcome, on the event loop.

    One that ``expires`` is given up where it is not begun in time.
    ``effects`` run on the event loop before ``done``, and only where ``error`` is None.
    """

    call: Callable[[Any], Any]
    done: Callable[["Work"], None]
    expires: bool = False
    result: Any = None
    error: Exception | None = None
    effects: list[Callable[[], None]] = field(default_factory=list)

    def fail(self, error: Exception) -> None:
        """Let this work end with ``error``, whatever came of it before."""
        self.result, self.error, self.effects = None, error, []


def run(work: Work, *given: Any, part: Callable[..., Any] | None = None) -> None:
    """Call the work's function, or one part of it, and keep what it returns or raises, as if it
    had not run before."""
    work.error, work.effects = None, []
    try:
        work.result = (part or work.call)(*given)
    except StopIteration as error:  # a future refuses this one
        work.error = RuntimeError(f"a unit of work raised {error!r}")
    except Exception as error:  # whatever it is, it belongs to the caller
        work.error = error
