"""An execution as its clients may see it: a small machine, written from ARCHITECTURE.md.

A run also moves by itself, so from one state several may follow at any moment (``moves``); what a
client is answered says which of them it was (``answer``).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from tests.faults.checker.tables import COMMANDS, UNDER_WAY
from tests.faults.history import FAIL, OK, Operation

_NOT_WHILE_STOPPING = ("pause", "resume", "shutdown")
_MAY_REFUSE_MORE = ("retry", "reconcile", "compensate")
"""Commands that depend on single steps too, which this machine does not follow."""


@dataclass(frozen=True)
class State:
    """Where an execution stands; None before it was received.

    ``stopping`` is true after a shutdown, ``approved`` and ``rejected`` are ids of steps.
    """

    status: str | None = None
    stopping: bool = False
    approved: frozenset[str] = frozenset()
    rejected: frozenset[str] = frozenset()


def moves(state: State) -> Iterator[State]:
    """The states that a run may reach by itself."""
    if state.status is None or state.status not in UNDER_WAY:
        return
    if state.stopping:
        yield replace(state, status="CANCELLED", stopping=False)
        return
    # What people rejected stands: the run can neither complete nor wait for anything any more.
    ends = {"REJECTED", "FAILED"}
    if not state.rejected:
        ends = _GOES_ON[state.status]
    for status in ends:
        yield replace(state, status=status)


_GOES_ON: dict[str, set[str]] = {
    "RUNNING": {"WAITING_APPROVAL", "UNRESOLVED", "COMPLETED", "FAILED", "EXPIRED"},
    "WAITING_APPROVAL": {"RUNNING", "UNRESOLVED", "FAILED", "EXPIRED"},
    "PAUSED": {"COMPLETED", "FAILED", "EXPIRED"},
}
"""What a run may become by itself while nobody rejected or stopped it."""


def answer(state: State, operation: Operation) -> Iterator[State]:
    """The states after an operation took effect in ``state``; none where it cannot have done so.

    An operation of unknown outcome takes effect here as if it had been answered.
    """
    if operation.outcome == FAIL:
        if _refused(state, operation):
            yield state
        return
    for after in _taken(state, operation):
        if operation.outcome != OK or operation.status in (None, after.status):
            yield after


def _taken(state: State, operation: Operation) -> Iterator[State]:
    kind = operation.kind
    if kind == "read":
        yield state
    elif kind in _BEFORE_THE_RUN:
        befores, after = _BEFORE_THE_RUN[kind]
        if state.status in befores:
            yield replace(state, status=after)
    elif kind in ("approve", "reject"):
        yield from _decided(state, operation)
    elif not (state.stopping and kind in _NOT_WHILE_STOPPING):
        yield from _commanded(state, kind)


_BEFORE_THE_RUN: dict[str, tuple[tuple[str | None, ...], str]] = {
    "submit": ((None,), "RECEIVED"),
    "compile": (("RECEIVED", "COMPILED", "VERIFIED"), "COMPILED"),
    "verify": (("COMPILED", "VERIFIED"), "VERIFIED"),
    "start": (("VERIFIED",), "RUNNING"),
}


def _decided(state: State, operation: Operation) -> Iterator[State]:
    step = operation.step or ""
    open_ = state.status in UNDER_WAY and not state.stopping
    if open_ and step not in state.approved | state.rejected:
        if operation.kind == "approve":
            yield replace(state, approved=state.approved | {step})
        else:
            yield replace(state, rejected=state.rejected | {step})


def _commanded(state: State, command: str) -> Iterator[State]:
    after = COMMANDS[command].get(state.status or "")
    if after is None:
        return
    if command == "shutdown" and state.status in UNDER_WAY:
        yield replace(state, stopping=True)  # something was on its way
    if command == "retry" and state.rejected:
        return
    asked_anew = command in ("retry", "reconcile")
    approved = frozenset[str]() if asked_anew else state.approved
    if command == "compensate":
        yield state
    else:
        yield replace(state, status=after, stopping=_still(state, after), approved=approved)


def _still(state: State, after: str) -> bool:
    return state.stopping and after in UNDER_WAY


def _refused(state: State, operation: Operation) -> bool:
    """Whether a CONFLICT that names its state is right in this one."""
    if operation.status is not None and operation.status != state.status:
        return False
    if operation.kind in _MAY_REFUSE_MORE:
        return True
    return not any(True for _ in _taken(state, operation))
