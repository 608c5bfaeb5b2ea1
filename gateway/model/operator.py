"""What operators may do with a run: the one table of commands, states and effects."""

from collections.abc import Mapping
from enum import StrEnum

from gateway.model.execution import ExecutionStatus


class OperatorCommand(StrEnum):
    """A command with which a person steers a run from outside."""

    CANCEL = "cancel"
    PAUSE = "pause"
    RESUME = "resume"
    SHUTDOWN = "shutdown"
    ABORT = "abort"
    RETRY = "retry"
    RECONCILE = "reconcile"
    COMPENSATE = "compensate"


class Reconciliation(StrEnum):
    """How an operator settles a step of which nobody knows whether it had its effect."""

    DONE = "done"
    FAILED = "failed"
    REPEAT = "repeat"


_E = ExecutionStatus

_UNDONE = "a run of its own undoes the completed steps, last first"
_SETTLED_ONLY = "an unresolved step is settled; the run stays as it ended"

EFFECTS: Mapping[OperatorCommand, Mapping[ExecutionStatus, str]] = {
    OperatorCommand.CANCEL: {
        _E.RECEIVED: "CANCELLED",
        _E.COMPILED: "CANCELLED",
        _E.VERIFIED: "CANCELLED",
        _E.RUNNING: "CANCELLED; attempts on their way are still recorded",
        _E.WAITING_APPROVAL: "CANCELLED; open requests become void",
        _E.PAUSED: "CANCELLED; attempts on their way are still recorded",
        _E.UNRESOLVED: "CANCELLED; the step stays unresolved",
    },
    OperatorCommand.PAUSE: {
        _E.RUNNING: "PAUSED; attempts on their way are finished",
        _E.WAITING_APPROVAL: "PAUSED; requests stay open",
    },
    OperatorCommand.RESUME: {_E.PAUSED: "RUNNING"},
    OperatorCommand.SHUTDOWN: {
        _E.RUNNING: "CANCELLED once nothing is on its way",
        _E.WAITING_APPROVAL: "CANCELLED once nothing is on its way",
        _E.PAUSED: "CANCELLED once nothing is on its way",
        _E.UNRESOLVED: "CANCELLED; the step stays unresolved",
    },
    OperatorCommand.ABORT: {
        _E.RUNNING: "ABORTED; attempts on their way become unresolved",
        _E.WAITING_APPROVAL: "ABORTED; open requests become void",
        _E.PAUSED: "ABORTED; attempts on their way become unresolved",
        _E.UNRESOLVED: "ABORTED; the step stays unresolved",
    },
    OperatorCommand.RETRY: {
        _E.UNRESOLVED: "RUNNING; unresolved steps are tried again with their keys",
        _E.FAILED: "RUNNING; failed and unresolved steps are tried again",
        _E.EXPIRED: "RUNNING; what expired is asked for again",
    },
    OperatorCommand.RECONCILE: {
        _E.RUNNING: "an unresolved step is settled; the run goes on",
        _E.WAITING_APPROVAL: "an unresolved step is settled; the run goes on",
        _E.PAUSED: "an unresolved step is settled; the run stays paused",
        _E.UNRESOLVED: "RUNNING; the step is settled and the run goes on",
        _E.FAILED: _SETTLED_ONLY,
        _E.REJECTED: _SETTLED_ONLY,
        _E.EXPIRED: _SETTLED_ONLY,
        _E.CANCELLED: _SETTLED_ONLY,
        _E.ABORTED: _SETTLED_ONLY,
    },
    OperatorCommand.COMPENSATE: {
        _E.FAILED: _UNDONE,
        _E.REJECTED: _UNDONE,
        _E.EXPIRED: _UNDONE,
        _E.CANCELLED: _UNDONE,
        _E.ABORTED: _UNDONE,
    },
}
"""What each command does in each state of an execution. What is absent is a CONFLICT."""
