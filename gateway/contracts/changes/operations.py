"""Changes of an operation: everything that its contract says, part by part."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from gateway.contracts.changes.change import Change
from gateway.contracts.changes.policies import pii_changes, policy_changes
from gateway.contracts.changes.rules import change
from gateway.contracts.changes.shapes import Side, side_changes
from gateway.contracts.entity_check import entity_fields
from gateway.contracts.names import graphql_type_name
from gateway.contracts.paths import pii_of
from gateway.model.contract import (
    AuthLevel,
    Compensation,
    ErrorSpec,
    Handler,
    Meta,
    OperationContract,
    Risk,
    Stability,
)

Shared: TypeAlias = Mapping[str, Collection[str]]
"""The fields of nested types that some contract declares as PII in its output, by GraphQL name."""


def shared_pii(operations: Iterable[OperationContract]) -> Shared:
    """What these contracts, which share the types of their domain, declare in such types."""
    found: dict[str, set[str]] = {}
    for contract in operations:
        for name, part in _side(contract, "output", {}).declared():
            found.setdefault(graphql_type_name(contract.meta.domain, name), set()).add(part)
    return found


def operation_changes(
    where: str, old: OperationContract, new: OperationContract, shared: Sequence[Shared]
) -> Iterator[Change]:
    """What differs between two contracts of an operation, told at ``where``; ``shared`` is what
    all contracts declare in the types that they share, before and after."""
    if old.kind is not new.kind:
        yield change("kind-changed", where, f"the {old.kind.value} became a {new.kind.value}")
    yield from meta_changes(where, old.meta, new.meta)
    yield from _side_changes(where, (old, new), shared)
    yield from _error_changes(where, old, new)
    yield from _event_name_changes(where, old.emits, new.emits)
    if old.capability != new.capability:
        told = f"the capability {old.capability or 'none'} became {new.capability or 'none'}"
        yield change("capability-changed", where, told)
    if code := risk_code(old.risk, new.risk):
        yield change(code, where, f"the risk {old.risk.value} became {new.risk.value}")
    if code := auth_code(old.policy.auth, new.policy.auth):
        told = f"auth {old.policy.auth.value} became {new.policy.auth.value}"
        yield change(code, where, told)
    yield from policy_changes(where, old.policy, new.policy)
    yield from _handler_changes(where, old.handler, new.handler)
    yield from _compensation_changes(where, old.compensation, new.compensation)
    yield from _entity_changes(where, old, new)


def risk_code(old: Risk, new: Risk) -> str:
    """The code of a change of risk; empty for none."""
    return _by_order("risk-raised", "risk-lowered", old.rank, new.rank)


def auth_code(old: AuthLevel, new: AuthLevel) -> str:
    """The code of a change of the level of authentication; empty for none."""
    levels = list(AuthLevel)
    return _by_order("auth-raised", "auth-lowered", levels.index(old), levels.index(new))


def stability_code(old: Stability, new: Stability) -> str:
    """The code of a change of stability; empty for none."""
    if old is new:
        return ""
    if Stability.DEPRECATED in (old, new):
        return "deprecated" if new is Stability.DEPRECATED else "undeprecated"
    return _by_order("stability-raised", "stability-lowered", old.rank, new.rank)


def _by_order(up: str, down: str, old: float, new: float) -> str:
    return "" if old == new else up if new > old else down


def meta_changes(where: str, old: Meta, new: Meta) -> Iterator[Change]:
    """What differs in what every contract says of itself, but for its key and version."""
    if old.domain != new.domain:
        yield change("domain-changed", where, f"the domain {old.domain} became {new.domain}")
    if code := stability_code(old.stability, new.stability):
        told = f"the stability {old.stability.value} became {new.stability.value}"
        yield change(code, where, told)
    if old.owners != new.owners:
        yield change("owners-changed", where, f"{_list(old.owners)} became {_list(new.owners)}")
    if set(old.tags) != set(new.tags):
        yield change("tags-changed", where, f"{_list(old.tags)} became {_list(new.tags)}")
    for name in ("title", "description", "goal", "context"):
        if getattr(old, name) != getattr(new, name):
            yield change("description-changed", f"{where} {name}", f"the {name} is another text")


def _event_name_changes(where: str, old: Iterable[str], new: Iterable[str]) -> Iterator[Change]:
    for ref in set(old) - set(new):
        yield change("event-removed", f"{where} emits {ref}", f"{ref} is emitted no longer")
    for ref in set(new) - set(old):
        yield change("event-added", f"{where} emits {ref}", f"{ref} is emitted")


def _side_changes(
    where: str, contracts: Sequence[OperationContract], shared: Sequence[Shared]
) -> Iterator[Change]:
    had, has = (bool(one.input) for one in contracts)
    if had and not has:
        yield change("field-removed", f"{where} input", "there is no argument input any more")
    elif has and not had:  # GraphQL asks for the argument, whatever its fields
        yield change("required-input-field-added", f"{where} input", "calls must send an input")
    domain = contracts[1].meta.domain
    classes = [one.policy.pii_classes for one in contracts]
    for name in ("input", "output"):
        sides = [_side(one, name, of) for one, of in zip(contracts, shared, strict=True)]
        place = f"{where} {name}"
        yield from side_changes(place, domain, *sides, is_input=name == "input")
        yield from pii_changes(place, sides, classes)


def _side(contract: OperationContract, name: Any, shared: Shared) -> Side:
    fields = contract.input if name == "input" else contract.output
    told = {one: graphql_type_name(contract.meta.domain, one) for one in contract.types}
    declared = {one: shared[of] for one, of in told.items() if of in shared}
    return Side(fields, contract.types, pii_of(contract, name), declared)


def _error_changes(where: str, old: OperationContract, new: OperationContract) -> Iterator[Change]:
    for code in old.errors.keys() - new.errors.keys():
        yield change("error-removed", f"{where} errors.{code}", f"{code} was removed")
    for code in new.errors.keys() - old.errors.keys():
        told = f"{code} was added, status {new.errors[code].http}"
        yield change("error-added", f"{where} errors.{code}", told)
    for code in old.errors.keys() & new.errors.keys():
        yield from _error_change(f"{where} errors.{code}", old.errors[code], new.errors[code])


def _error_change(where: str, old: ErrorSpec, new: ErrorSpec) -> Iterator[Change]:
    if (old.http, old.retryable) != (new.http, new.retryable):
        told = [
            f"status {one.http}{', a retry can help' if one.retryable else ''}"
            for one in (old, new)
        ]
        yield change("error-changed", where, " became ".join(told))
    if (old.description, old.when) != (new.description, new.when):
        yield change("description-changed", where, "its description is another text")


def _handler_changes(where: str, old: Handler | None, new: Handler | None) -> Iterator[Change]:
    place = f"{where} handler"
    if _performer(old) != _performer(new):
        told = "somebody else performs it, or is called otherwise"
        yield change("handler-changed", place, told)
    if old is None or new is None:
        return
    if old.timeout != new.timeout:
        code = "timeout-lengthened" if new.timeout > old.timeout else "timeout-shortened"
        yield change(code, place, f"{old.timeout:g} s became {new.timeout:g} s")
    if old.idempotency_key != new.idempotency_key:
        code = "key-honoured" if new.idempotency_key else "key-not-honoured"
        yield change(code, place, f"idempotencyKey became {str(new.idempotency_key).lower()}")


def _performer(handler: Handler | None) -> tuple[object, ...]:
    """Who performs it and how: everything but the time and the key."""
    if handler is None:
        return ()
    kept = (name for name in handler.__slots__ if name not in ("timeout", "idempotency_key"))
    return (type(handler), *(getattr(handler, name) for name in kept))


def _compensation_changes(
    where: str, old: Compensation | None, new: Compensation | None
) -> Iterator[Change]:
    if old == new:
        return
    place = f"{where} compensation"
    if new is None:
        yield change("compensation-removed", place, "there is none any more")
    elif old is None:
        yield change("compensation-added", place, f"{new.contract} undoes it")
    else:
        yield change("compensation-changed", place, "another contract or input undoes it")


def _entity_changes(where: str, old: OperationContract, new: OperationContract) -> Iterator[Change]:
    before, after, place = old.entity, new.entity, f"{where} entity"
    if before is not None and after is None:
        yield change("entity-removed", place, "it is loaded by key no longer")
    elif before is None and after is not None:
        yield change("entity-added", place, f"it is loaded by {_list(after.key)}")
    elif before is not None and after is not None and before != after:
        told = [f"{_list(one.key)} of {one.within or 'it'}" for one in (before, after)]
        yield change("entity-key-changed", place, " became ".join(told))
    elif _has_global_id(old) and not _has_global_id(new):
        told_now = "it has a field id of its own, and no global id any more"
        yield change("entity-removed", place, told_now)
    elif _has_global_id(new) and not _has_global_id(old):
        yield change("entity-added", place, "it has a global id for the id of its own")


def _has_global_id(contract: OperationContract) -> bool:
    """True of an entity without a field ``id`` of its own, which is what a global id is called."""
    if contract.entity is None:
        return False
    return "id" not in (entity_fields(contract, contract.entity) or {})


def _list(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"
