"""Doubt: attempts of which nobody knows whether they had their effect.

A step stays in doubt until an attempt of it is answered: that a later one was declined, or may not
be made any more, does not undo what an earlier one may have done.
"""

from gateway.model.execution import Step, StepStatus
from gateway.model.problem import Problem

OUTCOME_UNKNOWN = "OUTCOME_UNKNOWN"
"""The code of the problem of a step in doubt."""

_SILENT = frozenset(
    {
        StepStatus.READY,
        StepStatus.DISPATCHED,
        StepStatus.WAITING_APPROVAL,
        StepStatus.REJECTED,
        StepStatus.EXPIRED,
    }
)
"""States that do not say by themselves what became of an earlier attempt."""


def outcome_unknown(contract_key: str, reason: str, retry_after: float | None = None) -> Problem:
    """The problem of a command that may have had its effect; ``reason`` is one sentence, and
    ``retry_after`` are the seconds that its service asked to be left alone for."""
    return Problem(
        code=OUTCOME_UNKNOWN,
        title="Nobody knows whether the action happened",
        status=502,
        detail=f"{contract_key} may or may not have had its effect: {reason} Look at the target "
        "system, then settle the step.",
        category="dependency",
        retry_after=retry_after,
    )


def in_doubt(step: Step) -> bool:
    """True for a step whose earlier attempt may have had its effect, and that no later one settled.

    An operator who has a step tried again under its earlier key (``base`` above ``key_base``) says
    nothing of what the earlier attempts did, so until the first answer of the new round it is in
    doubt, whatever its problem says.
    """
    told = step.problem or {}
    answered = step.attempt - step.base - (step.status is StepStatus.DISPATCHED)
    doubted = told.get("code") == OUTCOME_UNKNOWN or (step.base > step.key_base and not answered)
    return doubted and step.status in _SILENT
