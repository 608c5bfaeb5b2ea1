"""Whether a condition fits a contract: its arguments exist there and have the expected type."""

from collections.abc import Iterator

from gateway.model.contract import ObjectType, OperationContract
from gateway.model.types import FREE_SCALARS, SCALARS, TypeRef
from gateway.policy.rules.conditions import ArgumentKind, Condition

_NUMBERS = frozenset({"Int", "Float", "Latitude", "Longitude"})
_SCALAR_KINDS = frozenset({ArgumentKind.NUMBER, ArgumentKind.STRING, ArgumentKind.BOOLEAN})

_ACCEPTED = {
    ArgumentKind.SIZED: frozenset({ArgumentKind.STRING, ArgumentKind.LIST}),
    ArgumentKind.SCALAR: _SCALAR_KINDS,
}


def misfits(condition: Condition, contract: OperationContract) -> Iterator[str]:
    """What the condition expects of the contract's input and does not find there."""
    for path, expected in condition.reads.items():
        try:
            found = _type_at(contract, path)
        except LookupError as error:
            yield str(error)
            continue
        if found is None:
            continue
        kind = _kind(found, contract)
        for wanted in expected - {ArgumentKind.ANY}:
            if kind not in _ACCEPTED.get(wanted, {wanted}):
                yield f"{path} is {found} in {contract.ref}, and is taken for a {wanted}"


def _type_at(contract: OperationContract, path: str) -> TypeRef | None:
    """The type of an argument; None inside free JSON."""
    fields, walked = contract.input, ""
    names = path.split(".")
    for depth, name in enumerate(names):
        walked = f"{walked}.{name}" if walked else name
        if name not in fields:
            known = ", ".join(sorted(fields)) or "nothing"
            raise LookupError(f"{contract.ref} has no argument {walked!r} (it has {known})")
        found = fields[name]
        if depth == len(names) - 1:
            return None if _is_free(found) else found
        if _is_free(found):
            return None
        inner = None if found.items else contract.types.get(found.name)
        deeper = inner.fields if isinstance(inner, ObjectType) else None
        if deeper is None:
            raise LookupError(f"{walked!r} is {found} in {contract.ref}: nothing can follow it")
        fields = deeper
    return None


def _is_free(found: TypeRef) -> bool:
    return found.items is None and found.name in FREE_SCALARS


def _kind(found: TypeRef, contract: OperationContract) -> ArgumentKind | None:
    """What the JSON value of a type is; None for an object."""
    if found.items:
        return ArgumentKind.LIST
    if found.name in _NUMBERS:
        return ArgumentKind.NUMBER
    if found.name == "Boolean":
        return ArgumentKind.BOOLEAN
    is_object = isinstance(contract.types.get(found.name), ObjectType)
    return None if is_object and found.name not in SCALARS else ArgumentKind.STRING
