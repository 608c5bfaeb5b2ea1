"""Spans: what takes how long within a trace. Where traces are off, nothing is made at all.

A span begins where a request comes in or a run goes on (``begin``); everything else is part of one
(``child``), and outside of any there is none. Attributes are names of ``SAFE_FIELDS``.
"""

from types import TracebackType
from typing import Literal, Protocol

from gateway.telemetry.failures import code_of, type_name
from gateway.telemetry.trace_context import TraceContext

Kind = Literal["server", "internal", "client"]


class Span:
    """A span, for as long as the ``with`` over it lasts. This one is of no trace.

    ``traceparent`` names it as the parent of others, where it is of a trace.
    """

    __slots__ = ()

    @property
    def traceparent(self) -> str | None:
        """The header by which others go on from here."""
        return None

    def note(self, **fields: object) -> None:
        """Add attributes; those that are None are left out.

        Raises:
            ValueError: a name is not in ``SAFE_FIELDS``.
        """

    def failed(self, problem: str) -> None:
        """Say with which code it failed."""

    def __enter__(self) -> "Span":
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """End it; an exception is told by its code, or else by its type."""
        if error is not None:
            self.failed(code_of(error) or type_name(type(error)))


NO_SPAN = Span()


class Recorder(Protocol):
    """What makes spans and takes them where they are looked at."""

    def begin(
        self, name: str, kind: Kind, parent: TraceContext | None, trace_id: str | None
    ) -> Span:
        """A span within ``parent``, or else the first of the trace ``trace_id``, or a new one."""
        ...

    def child(self, name: str, kind: Kind) -> Span:
        """A span that is part of the present one; ``NO_SPAN`` outside of any."""
        ...

    def current(self) -> str | None:
        """The header of the present span."""
        ...


_recorder: Recorder | None = None


def install(recorder: Recorder | None) -> None:
    """Have this process make spans by ``recorder`` from now on, or none."""
    global _recorder
    _recorder = recorder


def is_tracing() -> bool:
    """True where this process makes spans."""
    return _recorder is not None


def begin(
    name: str, kind: Kind, parent: TraceContext | None = None, trace_id: str | None = None
) -> Span:
    """A span that goes on from ``parent``, or begins the trace ``trace_id``, or a new one."""
    return NO_SPAN if _recorder is None else _recorder.begin(name, kind, parent, trace_id)


def child(name: str, kind: Kind = "internal") -> Span:
    """A span within the present one."""
    return NO_SPAN if _recorder is None else _recorder.child(name, kind)


def current_traceparent() -> str | None:
    """The header by which others go on from the present span, if there is one."""
    return None if _recorder is None else _recorder.current()
