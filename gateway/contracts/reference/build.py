"""Making what a reference tells of the contracts in a registry."""

from collections.abc import Callable

from gateway.contracts.listings import CONNECTION, listing_of
from gateway.contracts.names import version_order
from gateway.contracts.reference.detail import (
    CompensationNote,
    ContractDetail,
    ContractSummary,
    Demands,
    ErrorRow,
    EventEntry,
    VersionRow,
)
from gateway.contracts.reference.example import example_call
from gateway.contracts.reference.field_rows import Privacy, field_table, type_entries
from gateway.contracts.reference.source import handler_note, source_text
from gateway.contracts.registry import Registry, type_prefix
from gateway.model.contract import Compensation, ContractPolicy, EventContract, OperationContract
from gateway.model.json import JsonValue

Sees = Callable[[OperationContract], bool]
"""Whether a reader is told of a contract."""


def _every(_: OperationContract) -> bool:
    return True


def summary_of(registry: Registry, contract: OperationContract) -> ContractSummary:
    """What a list tells of a contract of ``registry``."""
    meta = contract.meta
    return ContractSummary(
        ref=contract.ref,
        key=contract.key,
        version=meta.version,
        title=meta.title,
        description=meta.description,
        kind=contract.kind,
        domain=meta.domain,
        capability=contract.capability,
        risk=contract.risk,
        stability=meta.stability,
        tags=meta.tags,
        owners=meta.owners,
        graphql_field=field_of(registry, contract),
    )


def detail_of(
    registry: Registry,
    contract: OperationContract,
    *,
    sees: Sees = _every,
    with_target: bool = True,
) -> ContractDetail:
    """Everything that a reference tells of a contract of ``registry``.

    Of its other versions those are told that the reader ``sees``; ``with_target`` says whether the
    reader is told where a handler is.
    """
    summary = summary_of(registry, contract)
    privacy = _privacy(contract.policy)
    name, prefix = summary.graphql_field, type_prefix(registry.fields, contract)
    is_list = name is not None and listing_of(contract) is not None
    return ContractDetail(
        **{one: getattr(summary, one) for one in ContractSummary.__slots__},
        goal=contract.meta.goal,
        context=contract.meta.context,
        input=field_table(contract.input, contract.types, privacy),
        output=field_table(contract.output, contract.types, privacy),
        types=type_entries(contract.types),
        errors=_errors(contract),
        policy=_demands(contract.policy),
        emits=tuple(_event(event) for event in _emitted(registry, contract)),
        compensation=_compensation(contract.compensation),
        handler=handler_note(contract.handler, with_target=with_target),
        source=source_text(_definition(registry, contract.ref), with_target=with_target),
        digest=contract.digest,
        connection=f"{name}{CONNECTION}" if is_list else None,
        signature=signature(contract, name, prefix) if name else None,
        example=example_call(contract, name, prefix) if name else None,
        versions=versions_of(registry, contract.key, sees),
    )


def field_of(registry: Registry, contract: OperationContract) -> str | None:
    """The GraphQL field of a contract, the plain one where it owns that; None for a version that
    newer ones of its major hide."""
    names = [name for name, one in registry.fields.items() if one.ref == contract.ref]
    return min(names, key=len, default=None)


def signature(contract: OperationContract, name: str, prefix: str) -> str:
    """The GraphQL field ``name`` as the schema declares it."""
    takes = [f"input: {prefix}Input!"] if contract.input else []
    if contract.is_command:
        takes.append("idempotencyKey: String")
    asked = f"({', '.join(takes)})" if takes else ""
    return f"{name}{asked}: {prefix}Output"


def versions_of(registry: Registry, key: str, sees: Sees) -> tuple[VersionRow, ...]:
    """The versions of a key that a reader sees, the newest first."""
    found = [one for one in registry.operations.values() if one.key == key and sees(one)]
    found.sort(key=lambda one: version_order(one.meta.version), reverse=True)
    return tuple(
        VersionRow(one.ref, one.meta.version, one.meta.stability, field_of(registry, one))
        for one in found
    )


def _definition(registry: Registry, ref: str) -> JsonValue:
    return next((one.node.plain() for one in registry.drafts if one.ref == ref), None)


def _privacy(policy: ContractPolicy) -> Privacy:
    return Privacy(policy.pii, policy.pii_classes, policy.not_pii)


def _errors(contract: OperationContract) -> tuple[ErrorRow, ...]:
    return tuple(
        ErrorRow(one.code, one.http, one.description, one.when, one.retryable)
        for one in contract.errors.values()
    )


def _demands(policy: ContractPolicy) -> Demands:
    return Demands(
        auth=policy.auth,
        pii=policy.pii,
        subject=policy.subject,
        consent=policy.consent,
        idempotent=policy.idempotent,
        escalate=policy.escalate,
        rate_limit=policy.rate_limit,
        cost=policy.cost,
    )


def _emitted(registry: Registry, contract: OperationContract) -> list[EventContract]:
    found = (registry.events.get(ref) for ref in contract.emits)
    return [event for event in found if event is not None]


def _event(event: EventContract) -> EventEntry:
    privacy = Privacy(event.pii, event.pii_classes, event.not_pii)
    table = field_table(event.payload, event.types, privacy)
    return EventEntry(event.ref, event.meta.title, event.meta.description, table)


def _compensation(undo: Compensation | None) -> CompensationNote | None:
    return None if undo is None else CompensationNote(undo.contract, undo.input)
