"""Plans at rest: PII literals sealed on the way in, opened on the way out."""

from dataclasses import replace

from msgspec import structs

from gateway.model.pii import Owner
from gateway.model.plan import Plan, PlanStep
from gateway.model.ports import Sealer
from gateway.model.sealing import seal_paths, unseal_all


def seal_plan(sealer: Sealer, owner: Owner, plan: Plan) -> Plan:
    """The plan as it may be stored; ``owner`` is its execution's."""
    return _with_steps(plan, [_seal_step(sealer, owner, step) for step in plan.steps])


def open_plan(sealer: Sealer, workspace: str, plan: Plan) -> Plan:
    """The plan as it was compiled.

    Raises:
        ValueError: an envelope was altered or its key is gone.
    """
    opened = [
        structs.replace(step, input=unseal_all(sealer, workspace, step.input))
        for step in plan.steps
    ]
    return _with_steps(plan, opened)


def _with_steps(plan: Plan, steps: list[PlanStep]) -> Plan:
    return replace(plan, steps=tuple(steps))


def _seal_step(sealer: Sealer, owner: Owner, step: PlanStep) -> PlanStep:
    sealed = seal_paths(
        sealer,
        owner,
        step.contract,
        "input",
        step.input,
        step.pii,
        subject=step.subject,
        keep_references=bool(step.depends_on),  # a direct call's plan holds no references
    )
    return structs.replace(step, input=sealed)
