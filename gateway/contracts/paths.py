"""Dotted paths into the fields of a contract, and which values may flow where."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from gateway.model.contract import EnumType, EventContract, NamedType, ObjectType, OperationContract
from gateway.model.pii import ANY_CLASS, PiiClasses
from gateway.model.types import TypeRef

Fields = Mapping[str, TypeRef]
Types = Mapping[str, NamedType]

_TAKES = {
    "Float": frozenset({"Int", "Latitude", "Longitude"}),
    "ID": frozenset({"String", "NonEmptyString"}),
    "String": frozenset(
        {
            *("ID", "NonEmptyString", "EmailAddress", "PhoneNumber", "URL", "Locale", "TimeZone"),
            *("CountryCode", "Currency", "Date", "DateTime", "Time"),
        }
    ),
}
"""Scalars whose every value is a value of the scalar that takes them."""


def pii_of(contract: OperationContract, side: Literal["input", "output"]) -> tuple[str, ...]:
    """The contract's PII paths that exist in its ``input`` or in its ``output``."""
    paths = contract.policy.pii
    if not paths:
        return ()
    fields = contract.input if side == "input" else contract.output
    return tuple([path for path in paths if walked_type(fields, contract.types, path)])


def classes_at(
    contract: OperationContract, side: Literal["input", "output"], path: str
) -> PiiClasses:
    """The classes of the PII that may stand at ``path``: of paths at it, around it and inside it.

    Empty where the contract declares no PII there.
    """
    classes = contract.policy.pii_classes
    found = (classes.get(known, ANY_CLASS) for known in pii_of(contract, side) if meet(known, path))
    return frozenset().union(*found)


def event_classes_at(event: EventContract, path: str) -> PiiClasses:
    """``classes_at`` for the payload of an event."""
    classes = event.pii_classes
    found = (classes.get(known, ANY_CLASS) for known in event.pii if meet(known, path))
    return frozenset().union(*found)


def classes_taken(contract: OperationContract, path: str) -> PiiClasses:
    """The classes of PII that the input at ``path`` declares to take; a part of it counts not."""
    classes = contract.policy.pii_classes
    known = coverings(path, pii_of(contract, "input"))
    found = (classes.get(each, ANY_CLASS) for each in known)
    return frozenset().union(*found)


def coverings(path: str, others: Iterable[str]) -> Iterator[str]:
    """The paths among ``others`` at which ``path`` lies, or inside which."""
    return (other for other in others if path == other or path.startswith(f"{other}."))


def meet(one: str, other: str) -> bool:
    """True where one of two paths lies at the other or inside it."""
    return one == other or one.startswith(f"{other}.") or other.startswith(f"{one}.")


def walked_type(fields: Fields, types: Types, path: str) -> TypeRef | None:
    """The type at a PII path, walking through lists; None where the path leads nowhere."""
    head, _, rest = path.partition(".")
    here = fields.get(head)
    if here is None or not rest:
        return here
    inner = types.get(here.named)
    return walked_type(inner.fields, types, rest) if isinstance(inner, ObjectType) else None


def value_type(fields: Fields, types: Types, path: str) -> TypeRef | None:
    """The type of the one value at ``path``, nullable where anything on the way is.

    None where the path leads nowhere or through a list, where it would name several values.
    """
    head, _, rest = path.partition(".")
    here = fields.get(head)
    if here is None or not rest:
        return here
    inner = types.get(here.name)
    if not isinstance(inner, ObjectType):
        return None
    found = value_type(inner.fields, types, rest)
    if found is None:
        return None
    return TypeRef(found.required and here.required, found.name, found.items)


def assignable(source: TypeRef, source_types: Types, target: TypeRef, target_types: Types) -> bool:
    """True if every value of ``source`` is a value of ``target``."""
    if target.required and not source.required:
        return False
    if target.items is not None:
        return source.items is not None and assignable(
            source.items, source_types, target.items, target_types
        )
    if target.name == "JSON":
        return True
    if source.items is not None:
        return False
    return _named_fits(source.name, source_types, target.name, target_types)


def _named_fits(source: str, source_types: Types, target: str, target_types: Types) -> bool:
    given, asked = source_types.get(source), target_types.get(target)
    if isinstance(given, EnumType):
        if isinstance(asked, EnumType):
            return set(given.values) <= set(asked.values)
        return target == "String"
    if isinstance(given, ObjectType):
        if target == "JSONObject":
            return True
        return given == asked and _same_parts(given, source_types, target_types)
    return asked is None and (source == target or source in _TAKES.get(target, ()))


def _same_parts(model: ObjectType, source_types: Types, target_types: Types) -> bool:
    """True if everything below a nested model is the same on both sides."""
    seen: set[str] = set()
    waiting = [ref.named for ref in model.fields.values()]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        part = source_types.get(name)
        if part != target_types.get(name):
            return False
        if isinstance(part, ObjectType):
            waiting.extend(ref.named for ref in part.fields.values())
    return True
