"""Separation of duties: whoever brought an action about does not approve it."""

from gateway.model.entry import EntryType
from gateway.model.execution import Execution
from gateway.model.json import decode
from gateway.model.operator import Reconciliation
from gateway.model.ports import Records
from gateway.model.principal import Principal, is_among
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


def settlers(records: Records, execution: Execution) -> frozenset[str]:
    """Who has said so far what a step of an execution, or of the one that it undoes, answered:
    what comes later may be done with that, so they have brought it about as well."""
    chains = [one for one in (execution.id, execution.compensates) if one is not None]
    kind = EntryType.STEP_RECONCILED
    told = [entry for one in chains for entry in records.entries_of_type(one, kind)]
    done = Reconciliation.DONE.value
    return frozenset(entry.actor for entry in told if decode(entry.body)["outcome"] == done)


def with_a_part(records: Records, execution: Execution) -> frozenset[str]:
    """Everybody who may not consent to what comes next in an execution."""
    return settlers(records, execution).union(involved(records, execution).values())


def refuse_settler() -> Exception:
    """The refusal of somebody who is among ``settlers``."""
    return refuse(
        "FORBIDDEN",
        "You settled a step with an output on which this may rest, so you cannot approve it. Ask "
        "another holder of the role.",
    )


def require_separation(records: Records, execution: Execution, person: Principal) -> None:
    """Refuse the approval of somebody who submitted, compiled or started what is approved.

    Raises:
        ProblemError: FORBIDDEN, naming what they did.
    """
    for deed, subject in involved(records, execution).items():
        if is_among(person.subject, (subject,)):
            raise refuse(
                "FORBIDDEN",
                f"You {deed}, so you cannot approve it. Ask another holder of the role.",
            )
