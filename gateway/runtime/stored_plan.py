"""Plans at rest: PII literals sealed on the way in, opened on the way out."""

from dataclasses import replace

from gateway.model.json import JsonObject, JsonValue
from gateway.model.pii import map_paths
from gateway.model.plan import Plan, PlanStep, reference_of
from gateway.model.ports import Sealer
from gateway.model.sealing import unseal_all


def seal_plan(sealer: Sealer, workspace: str, plan: Plan) -> Plan:
    """The plan as it may be stored."""
    return _with_steps(plan, [_seal_step(sealer, workspace, step) for step in plan.steps])


def open_plan(sealer: Sealer, workspace: str, plan: Plan) -> Plan:
    """The plan as it was compiled.

    Raises:
        ValueError: an envelope was altered or its key is gone.
    """
    opened = [
        replace(step, input=unseal_all(sealer, workspace, step.input)) if step.pii else step
        for step in plan.steps
    ]
    return _with_steps(plan, opened)


def _with_steps(plan: Plan, steps: list[PlanStep]) -> Plan:
    return Plan(plan.id, plan.hash, tuple(steps), plan.edges)


def _seal_step(sealer: Sealer, workspace: str, step: PlanStep) -> PlanStep:
    def seal(path: str, value: JsonValue) -> JsonValue:
        if reference_of(value) is not None:
            return value
        return sealer.seal(workspace, step.contract, f"input.{path}", value)

    sealed: JsonObject = map_paths(step.input, step.pii, seal)
    return replace(step, input=sealed)
