"""Doubt: attempts of which nobody knows whether they had their effect.

A step stays in doubt until an attempt of it is answered: that a later one was declined, or may not
be made any more, does not undo what an earlier one may have done.
"""

from gateway.model.execution import Step, StepStatus
from gateway.model.problem import Problem

OUTCOME_UNKNOWN = "OUTCOME_UNKNOWN"
"""The code of the problem of a step in doubt."""


def outcome_unknown(contract_key: str, reason: str) -> Problem:
    """The problem of a command that may have had its effect; ``reason`` is one sentence."""
    return Problem(
        code=OUTCOME_UNKNOWN,
        title="Nobody knows whether the action happened",
        status=502,
        detail=f"{contract_key} may or may not have had its effect: {reason} Look at the target "
        "system, then settle the step.",
        category="dependency",
    )


def in_doubt(step: Step) -> bool:
    """True for a step to be tried again whose earlier attempt may have had its effect."""
    told = step.problem or {}
    is_open = step.status in (StepStatus.READY, StepStatus.DISPATCHED)
    return is_open and told.get("code") == OUTCOME_UNKNOWN
