"""Finding names that two contracts would both want in the GraphQL schema."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from gateway.contracts.drafts import Draft
from gateway.contracts.findings import Findings
from gateway.contracts.listings import (
    CONNECTION,
    CONNECTION_FIELDS,
    connection_types,
    listing_of,
)
from gateway.contracts.names import RESERVED_TYPES, graphql_type_name
from gateway.contracts.registry import fields_of
from gateway.contracts.type_scope import reached
from gateway.contracts.type_shapes import TypeBody
from gateway.model.contract import EnumType, EventContract, NamedType, OperationContract
from gateway.model.types import SCALARS, TypeRef

Operations: TypeAlias = Mapping[str, OperationContract]
_Claim: TypeAlias = tuple[str, tuple[object, ...], str, str]
"""A GraphQL type name, what stands for its shape, where it is claimed, and what claims it."""


def check_names(
    operations: Operations,
    events: Iterable[tuple[Draft, EventContract]],
    drafts: Mapping[str, Draft],
    findings: Findings,
) -> None:
    """Note every GraphQL field or type name that two contracts give different meanings.

    ``drafts`` are the files of the operations, by reference.
    """
    fields = _check_fields(operations, drafts, findings)
    _check_connections(fields, drafts, findings)
    claimed: dict[str, tuple[tuple[object, ...], str]] = {}
    for name, shape, at, what in [
        *_claims(operations, fields, drafts),
        *_event_claims(events),
    ]:
        before = claimed.setdefault(name, (shape, what))
        if name in SCALARS | RESERVED_TYPES:
            message = (
                f"{what} would be the GraphQL type {name}, which the schema has already; rename it"
            )
            findings.add(at, "CONTRACT_NAME_CLASH", message)
        elif before[0] != shape:
            message = (
                f"{what} would be the GraphQL type {name}, as {before[1]} is; rename one of them"
            )
            findings.add(at, "CONTRACT_NAME_CLASH", message)


def _check_fields(
    operations: Operations, drafts: Mapping[str, Draft], findings: Findings
) -> dict[str, OperationContract]:
    """The GraphQL fields of all operations; those of the first key win, others are noted."""
    versions: dict[str, list[OperationContract]] = {}
    for contract in operations.values():
        versions.setdefault(contract.key, []).append(contract)
    fields: dict[str, OperationContract] = {}
    for found in versions.values():
        for name, contract in fields_of(found):
            other = fields.setdefault(name, contract)
            if other.key != contract.key:
                message = (
                    f"{contract.ref} and {other.ref} are both the GraphQL field {name}; rename one"
                )
                at = drafts[contract.ref].node.place("key")
                findings.add(at, "CONTRACT_NAME_CLASH", message)
    return fields


def _check_connections(
    fields: Mapping[str, OperationContract], drafts: Mapping[str, Draft], findings: Findings
) -> None:
    """Note what has the name of a connection, or of one of its fields."""
    for name, contract in fields.items():
        listing = listing_of(contract)
        if listing is None:
            continue
        other = fields.get(name + CONNECTION)
        if other is not None:
            message = (
                f"{other.ref} would be the GraphQL field {name + CONNECTION}, as the connection of "
                f"the list {contract.ref} is; rename one"
            )
            findings.add(drafts[other.ref].node.place("key"), "CONTRACT_NAME_CLASH", message)
        for taken in sorted(CONNECTION_FIELDS & contract.output.keys() - listing.told):
            message = f"the connection of this list has a field {taken} of its own; rename this one"
            at = drafts[contract.ref].node.key_place("output", taken)
            findings.add(at, "CONTRACT_NAME_CLASH", message)


def _claims(
    operations: Operations, fields: Mapping[str, OperationContract], drafts: Mapping[str, Draft]
) -> Iterator[_Claim]:
    for field, contract in fields.items():
        at = drafts[contract.ref].node.place("key")
        prefix = field[:1].upper() + field[1:]
        for side in ("Input", "Output"):
            what = f"the {side.lower()} of {contract.ref}"
            yield prefix + side, (contract.ref, side), at, what
        for name in connection_types(prefix) if listing_of(contract) else ():
            yield name, (contract.ref, name), at, f"the connection of {contract.ref}"
    for contract in operations.values():
        draft = drafts[contract.ref]
        yield from _nested(contract, contract.input, "Input", draft)
        yield from _nested(contract, contract.output, "", draft)


def _event_claims(events: Iterable[tuple[Draft, EventContract]]) -> Iterator[_Claim]:
    for draft, event in events:
        yield from _nested(event, event.payload, "", draft)


def _nested(
    contract: OperationContract | EventContract,
    fields: Mapping[str, TypeRef],
    suffix: str,
    draft: Draft,
) -> Iterator[_Claim]:
    """The nested types of one side.

    GraphQL keeps the models of inputs apart from those of outputs, so a model in an input has
    ``Input`` behind its name; an enum serves both.
    """
    names = {name: graphql_type_name(contract.meta.domain, name) for name in contract.types}
    for name in reached(
        fields.values(), {name: _body(one) for name, one in contract.types.items()}
    ):
        named = contract.types[name]
        graphql = names[name] if isinstance(named, EnumType) else names[name] + suffix
        at = draft.node.key_place("types", name)
        yield graphql, _shape(named, names, suffix), at, f"the type {name} of {contract.ref}"


def _body(named: NamedType) -> TypeBody:
    return named.values if isinstance(named, EnumType) else dict(named.fields)


def _shape(named: NamedType, names: Mapping[str, str], suffix: str) -> tuple[object, ...]:
    """What must be equal for two types to be one in GraphQL."""
    if isinstance(named, EnumType):
        return ("enum", *named.values)
    fields = sorted(named.fields.items())
    told = ((name, str(ref), names.get(ref.named, ref.named)) for name, ref in fields)
    return (f"model{suffix}", *told)
