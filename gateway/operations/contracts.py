"""controlPlane.contract.list, contract.get and contract.execution.list"""

from collections.abc import Callable
from functools import partial

from gateway.contracts.reference import Wanted, as_json, detail_of, found_contracts, summary_of
from gateway.model.contract import Kind, OperationContract, Risk
from gateway.model.execution import Step
from gateway.model.json import JsonObject
from gateway.model.ports import Records
from gateway.model.principal import Principal
from gateway.model.problem import refuse
from gateway.operations.common import lower, page_of, upper
from gateway.operations.policy_asked import may_audit
from gateway.pipeline import Admitted
from gateway.policy.reading.sight import is_shown_everything
from gateway.runtime import Loop

_UNKNOWN = "There is no such contract for you. List the contracts that you may call."


def list_all(loop: Loop, admitted: Admitted, _records: Records) -> JsonObject:
    """A page of the contracts that the caller is shown."""
    page, registry = page_of(admitted), loop.registry.of(admitted.principal.workspace)
    found = found_contracts(registry, _wanted(admitted.value), _sight(loop, admitted.principal))
    shown = found[page.offset : page.offset + page.limit]
    items = [as_json(summary_of(registry, contract)) for contract in shown]
    return {"items": items, "total": len(found)}


def get(loop: Loop, admitted: Admitted, _records: Records) -> JsonObject:
    """What a reference tells of one contract.

    Raises:
        ProblemError: NOT_FOUND for one that is not there, or that the caller is not shown.
    """
    registry = loop.registry.of(admitted.principal.workspace)
    contract, principal = _shown(loop, admitted), admitted.principal
    sees, with_target = _sight(loop, principal), _sees_all(loop, principal)
    told = detail_of(registry, contract, sees=sees, with_target=with_target)
    return {"contract": as_json(told)}


def list_executions(loop: Loop, admitted: Admitted, records: Records) -> JsonObject:
    """The steps of one contract in the newest executions of the caller's workspace.

    Raises:
        ProblemError: NOT_FOUND as ``get`` does.
    """
    limit, workspace = page_of(admitted).limit, admitted.principal.workspace
    steps = records.steps_of_contract(workspace, _shown(loop, admitted).ref, limit)
    return {"items": [_execution(step) for step in steps]}


def _execution(step: Step) -> JsonObject:
    return {
        "executionId": step.execution_id,
        "stepId": step.id,
        "status": upper(step.status),
        "attempt": step.attempt,
        "updatedAt": step.updated_at,
        "startedAt": step.started_at,
        "endedAt": step.ended_at,
    }


def _shown(loop: Loop, admitted: Admitted) -> OperationContract:
    """The contract that the input names, if the caller is shown it."""
    registry = loop.registry.of(admitted.principal.workspace)
    contract = registry.resolve(admitted.value["contract"])
    if contract is None or not _sight(loop, admitted.principal)(contract):
        raise refuse("NOT_FOUND", _UNKNOWN)
    return contract


def _wanted(value: JsonObject) -> Wanted:
    kind, risk = lower(value.get("kind")), lower(value.get("risk"))
    return Wanted(
        domain=value.get("domain"),
        capability=value.get("capability"),
        kind=None if kind is None else Kind(kind),
        risk=None if risk is None else Risk(risk),
        tag=value.get("tag"),
        text=value.get("text"),
    )


def _sight(loop: Loop, principal: Principal) -> Callable[[OperationContract], bool]:
    """Whether a principal is shown a contract: one that it may call, or any."""
    if _sees_all(loop, principal):
        return lambda _: True
    return partial(loop.policies.current.allows, principal)


def _sees_all(loop: Loop, principal: Principal) -> bool:
    """True for administrators, who see the whole schema, and for those who read all rules."""
    return is_shown_everything(loop.policies.current, principal) or may_audit(loop, principal)
