"""Comparing two registries: their operations, GraphQL fields, events and capabilities."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TypeVar

from gateway.contracts.changes.change import Change
from gateway.contracts.changes.operations import (
    Shared,
    meta_changes,
    operation_changes,
    shared_pii,
)
from gateway.contracts.changes.policies import not_pii_changes, pii_changes
from gateway.contracts.changes.rules import change, in_order
from gateway.contracts.changes.shapes import Side, side_changes
from gateway.contracts.listings import CONNECTION, CountedList, listing_of
from gateway.contracts.registry import Registry
from gateway.model.contract import CapabilityContract, EventContract, OperationContract

_Contract = TypeVar("_Contract", OperationContract, EventContract, CapabilityContract)


def contract_changes(old: Registry, new: Registry) -> list[Change]:
    """Every change from ``old`` to ``new``, the worst first."""
    shared = [shared_pii(one.fields.values()) for one in (old, new)]
    compared = partial(_operation, shared=shared)
    return in_order(
        [
            *_came_and_went("operation", old.operations, new.operations, compared),
            *_root_fields(old, new, shared),
            *_came_and_went("event", old.events, new.events, _event),
            *_came_and_went("capability", old.capabilities, new.capabilities, _capability),
        ]
    )


def _came_and_went(
    noun: str,
    old: Mapping[str, _Contract],
    new: Mapping[str, _Contract],
    compared: Callable[[_Contract, _Contract], Iterable[Change]],
) -> Iterator[Change]:
    for ref in old.keys() - new.keys():
        yield change(f"{noun}-removed", ref, f"{ref} was removed")
    for ref in new.keys() - old.keys():
        yield change(f"{noun}-added", ref, f"{ref} was added")
    for ref in old.keys() & new.keys():
        yield from compared(old[ref], new[ref])


def _operation(
    old: OperationContract, new: OperationContract, shared: Sequence[Shared]
) -> Iterable[Change]:
    found = list(operation_changes(old.ref, old, new, shared))
    return found or _of_content(old, new)


def _event(old: EventContract, new: EventContract) -> Iterable[Change]:
    where = f"{old.ref} payload"
    sides = [Side(one.payload, one.types, one.pii) for one in (old, new)]
    found = [
        *meta_changes(old.ref, old.meta, new.meta),
        *side_changes(where, new.meta.domain, *sides, is_input=False),
        *pii_changes(where, sides, (old.pii_classes, new.pii_classes)),
        *not_pii_changes(old.ref, old.not_pii, new.not_pii),
    ]
    return found or _of_content(old, new)


def _of_content(
    old: OperationContract | EventContract, new: OperationContract | EventContract
) -> Iterator[Change]:
    if old.digest != new.digest:
        told = f"the digest {old.digest[:12]} became {new.digest[:12]}"
        yield change("content-changed", old.ref, told)


def _capability(old: CapabilityContract, new: CapabilityContract) -> Iterator[Change]:
    where = old.ref
    yield from meta_changes(where, old.meta, new.meta)
    if old.type is not new.type:
        told = f"{old.type.value} became {new.type.value}"
        yield change("capability-type-changed", where, told)
    for word, before, after in (
        ("provides", {*old.operations, *old.events}, {*new.operations, *new.events}),
        ("requires", {*old.requires}, {*new.requires}),
    ):
        for ref in before - after:
            place = f"{where} {word} {ref}"
            yield change(f"capability-{word}-less", place, f"{ref} was removed")
        for ref in after - before:
            place = f"{where} {word} {ref}"
            yield change(f"capability-{word}-more", place, f"{ref} was added")


def _root_fields(old: Registry, new: Registry, shared: Sequence[Shared]) -> Iterator[Change]:
    """GraphQL fields that came or went beside their contracts, or stand for another version."""
    for name in old.fields.keys() - new.fields.keys():
        if (ref := old.fields[name].ref) in new.operations:
            yield change("root-field-removed", name, f"{ref} has this field no longer")
    for name in new.fields.keys() - old.fields.keys():
        if (ref := new.fields[name].ref) in old.operations:
            yield change("root-field-added", name, f"{ref} has this field too")
    for name in old.fields.keys() & new.fields.keys():
        before, after = old.fields[name], new.fields[name]
        if before.ref != after.ref:
            yield change("contract-replaced", name, f"{before.ref} became {after.ref}")
            yield from operation_changes(name, before, after, shared)
        if before.kind is after.kind:
            yield from _connection_changes(f"{name}{CONNECTION}", before, after)


def _connection_changes(
    where: str, old: OperationContract, new: OperationContract
) -> Iterator[Change]:
    """The connection beside a root field, which is there as long as its contract is a list."""
    before, after = _list_read(old), _list_read(new)
    if before == after:
        return
    if after is None:
        yield change("connection-removed", where, f"{new.ref} is no list any more")
    elif before is None:
        yield change("connection-added", where, f"{new.ref} is a list")
    else:
        yield change(
            "connection-changed", where, f"{' by '.join(before)} became {' by '.join(after)}"
        )


def _list_read(contract: OperationContract) -> tuple[str, str] | None:
    """Of a list, the field that is read through its connection, and by what; None of no list."""
    listing = listing_of(contract)
    if listing is None:
        return None
    return listing.items, "offset" if isinstance(listing, CountedList) else listing.goes_on
