"""Separation of duties: whoever brought an action about does not approve it."""

from gateway.model.entry import EntryType
from gateway.model.execution import Execution
from gateway.model.json import decode
from gateway.model.operator import Reconciliation
from gateway.model.ports import Records
from gateway.model.principal import Principal, is_among
from gateway.model.problem import refuse

_SETTLED = "settled a step with an output on which this may rest"
_RETRIED = "had a step of this execution tried again"
_FAILED = "settled a step as FAILED, for which this is undone"


def involved(records: Records, execution: Execution) -> dict[str, str]:
    """Who brought an execution's actions about: the subject by what they did.

    Where nobody asked for a compensation, but a plan did, these are also those behind that plan.
    """
    plan = records.plan(execution.plan_id or "")
    found = {
        "submitted its intent": execution.submitter.subject,
        "compiled its plan": plan.compiler if plan else None,
        "started its run": execution.starter,
    }
    undone = _undone_by_itself(records, execution)
    if undone is not None:
        asking = records.plan(undone.plan_id or "")
        found["compiled the plan that asks for it"] = asking.compiler if asking else None
        found["started the run that it undoes"] = undone.starter
    return {deed: subject for deed, subject in found.items() if subject is not None}


def _undone_by_itself(records: Records, execution: Execution) -> Execution | None:
    """What an execution undoes without an operator, because the plan asked for that."""
    if execution.compensates is None:
        return None
    begun = records.entries_of_type(execution.compensates, EntryType.COMPENSATION_STARTED)
    asked = any(e.actor and decode(e.body)["compensationId"] == execution.id for e in begun)
    return None if asked else records.execution(execution.workspace, execution.compensates)


def steered(records: Records, execution: Execution) -> dict[str, str]:
    """What operators did so far that what comes next rests on or happens by, by their subject: who
    said what a step of an execution, or of the one that it undoes, answered, who had a step of it
    tried again, and who said that a step failed whose run was then undone by itself. So they have
    brought it about as well."""
    again = records.entries_of_type(execution.id, EntryType.RUN_RETRIED)
    found = dict.fromkeys((entry.actor for entry in again), _RETRIED)
    by_itself = _undone_by_itself(records, execution) is not None
    for chain in (execution.id, execution.compensates):
        told = records.entries_of_type(chain, EntryType.STEP_RECONCILED) if chain else []
        for entry in told:
            outcome = decode(entry.body)["outcome"]
            if outcome == Reconciliation.DONE.value:
                found[entry.actor] = _SETTLED
            elif outcome == Reconciliation.REPEAT.value and chain == execution.id:
                found.setdefault(entry.actor, _RETRIED)
            elif outcome == Reconciliation.FAILED.value and chain != execution.id and by_itself:
                found.setdefault(entry.actor, _FAILED)
    return found


def with_a_part(records: Records, execution: Execution) -> frozenset[str]:
    """Everybody who may not consent to what comes next in an execution."""
    return frozenset(steered(records, execution)).union(involved(records, execution).values())


def refuse_steerer(records: Records, execution: Execution, person: Principal) -> Exception:
    """The refusal of somebody who is among those that ``steered`` an execution."""
    deeds = steered(records, execution).items()
    deed = next((deed for by, deed in deeds if is_among(person.subject, (by,))), _SETTLED)
    return refuse(
        "FORBIDDEN", f"You {deed}, so you cannot approve it. Ask another holder of the role."
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
