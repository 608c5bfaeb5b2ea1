"""Skills of which the record knows before this process does."""

from gateway.contracts import Registry
from gateway.model.execution import Execution
from gateway.model.plan import Plan
from gateway.model.ports import Records


def awaits_skill(records: Records, registry: Registry, execution: Execution, plan: Plan) -> bool:
    """True while a contract that this run needs is on its way to this process.

    It needs those of its plan, and of the plan that it undoes, whose PII it must not repeat. What
    was looked at and cannot be known here is not on its way.
    """
    needed = set(plan.contracts)
    if execution.compensates is not None:
        undone = records.execution(execution.workspace, execution.compensates)
        states = records.step_states((undone and undone.plan_id) or "")
        needed.update(step.contract for step in states)
    unknown = needed - registry.operations.keys()
    return bool(unknown) and any(
        not unknown.isdisjoint(one.contracts) and not registry.has_taken_up(one.id)
        for one in records.all_skills()
    )
