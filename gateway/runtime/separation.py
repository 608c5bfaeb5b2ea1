"""Separation of duties: whoever brought an action about does not approve it."""

from gateway.model.execution import Execution
from gateway.model.ports import Records
from gateway.model.principal import Principal
from gateway.model.problem import refuse


def involved(records: Records, execution: Execution) -> dict[str, str]:
    """Who brought an execution's actions about: the subject by what they did."""
    plan = records.plan(execution.plan_id or "")
    found = {
        "submitted its intent": execution.submitter.subject,
        "compiled its plan": plan.compiler if plan else None,
        "started its run": execution.starter,
    }
    return {deed: subject for deed, subject in found.items() if subject is not None}


def require_separation(records: Records, execution: Execution, person: Principal) -> None:
    """Refuse the approval of somebody who submitted, compiled or started what is approved.

    Raises:
        ProblemError: FORBIDDEN, naming what they did.
    """
    for deed, subject in involved(records, execution).items():
        if person.subject == subject:
            raise refuse(
                "FORBIDDEN",
                f"You {deed}, so you cannot approve it. Ask another holder of the role.",
            )
