"""Events as a principal may see them."""

from collections.abc import Iterator
from functools import partial
from typing import Literal

from gateway.contracts import Registry, classes_at, event_classes_at
from gateway.model.contract import OperationContract
from gateway.model.decision import Treatment
from gateway.model.event import Announcement
from gateway.model.json import JsonObject
from gateway.model.ports import Sealer
from gateway.model.principal import Principal
from gateway.model.sealing import reveal
from gateway.model.shown import Shown
from gateway.policy import Policies, mask_value


def as_seen(
    event: Announcement,
    principal: Principal,
    policies: Policies,
    registry: Registry,
    sealer: Sealer,
    shown: Shown,
) -> JsonObject:
    """An event as it is given to ``principal``, with the PII of its payload as policy has it, which
    ``shown`` notes."""
    treat = partial(payload_treatment, policies, registry, principal)
    watched = shown.watching(treat, event.execution_id)
    payload = reveal(sealer, event.workspace, event.payload, watched, mask_value)
    told = {
        "cursor": event.cursor,
        "id": event.id,
        "type": event.type,
        "version": event.version,
        "occurredAt": event.at,
        "workspaceId": event.workspace,
        "executionId": event.execution_id,
        "runId": event.run_id,
        "payload": payload,
    }
    return {name: value for name, value in told.items() if value is not None}


def payload_treatment(
    policies: Policies, registry: Registry, principal: Principal, contract_ref: str, field: str
) -> Treatment:
    """What the principal sees of a PII field of an event's payload.

    Rules speak of operations. So the field of an event is shown as the field of that name of the
    operations that emit the event; where they differ, as the strictest has it.
    """
    if contract_ref not in registry.events:
        return policies.treatment(principal, contract_ref, field)
    event, path = registry.events[contract_ref], field.removeprefix("payload.")
    own = event_classes_at(event, path)
    found = [
        policies.treatment(
            principal, source.ref, f"{side}.{path}", own | classes_at(source, side, path)
        )
        for source, side in _sources(registry, contract_ref, path)
    ]
    return max(found, key=lambda treatment: treatment.rank, default=Treatment.DROP)


def _sources(
    registry: Registry, event_ref: str, path: str
) -> Iterator[tuple[OperationContract, Literal["input", "output"]]]:
    """The sides of operations that a field of an event's payload may come from."""
    head = path.partition(".")[0]
    sides: tuple[Literal["input", "output"], ...] = ("input", "output")
    for contract in registry.operations.values():
        if event_ref in contract.emits:
            named = [
                side
                for side in sides
                if head in (contract.input if side == "input" else contract.output)
            ]
            for side in named or sides:
                yield contract, side
