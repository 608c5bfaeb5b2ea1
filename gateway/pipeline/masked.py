"""What is shown of an output to those who may not see all of the personal data in it.

A mask is a text or null, and an enum, a number or a nested model has no room for a text. What a
mask has left is therefore held to the type of its field: what does not fit is null, and so is
whatever must have it, up to the field that the contract declares, which callers know as nullable.
"""

from collections.abc import Callable, Mapping

from gateway.contracts import pii_of
from gateway.contracts.paths import walked_type
from gateway.model.contract import EnumType, NamedType, ObjectType, OperationContract
from gateway.model.json import JsonObject, JsonValue
from gateway.model.pii import map_paths
from gateway.model.types import TypeRef


def masked_output(
    contract: OperationContract,
    output: JsonObject,
    mask: Callable[[str, JsonValue], JsonValue],
) -> JsonObject:
    """``output`` with ``mask`` applied to the value at each of the contract's paths of PII."""
    paths = pii_of(contract, "output")
    if not paths:
        return output

    def masked(path: str, value: JsonValue) -> JsonValue:
        left = mask(path, value)
        ref = walked_type(contract.output, contract.types, path)
        if left is value or ref is None:
            return left
        return _held(left, ref, contract.types)

    found: JsonObject = map_paths(output, paths, masked)
    return found


def _held(value: JsonValue, ref: TypeRef, types: Mapping[str, NamedType]) -> JsonValue:
    """What of a masked value the type has room for; null where it is not even the value."""
    if value is None:
        return None
    if ref.items is not None:
        return _held_list(value, ref.items, types)
    named = types.get(ref.name)
    if isinstance(named, EnumType):
        return value if value in named.values else None
    return _held_model(value, named, types) if isinstance(named, ObjectType) else value


def _held_list(value: JsonValue, items: TypeRef, types: Mapping[str, NamedType]) -> JsonValue:
    if not isinstance(value, list):
        return None
    held = [_held(item, items, types) for item in value]
    return None if items.required and None in held else held


def _held_model(value: JsonValue, model: ObjectType, types: Mapping[str, NamedType]) -> JsonValue:
    if not isinstance(value, dict):
        return None
    held = {
        name: _held(one, model.fields[name], types) if name in model.fields else one
        for name, one in value.items()
    }
    must = (name for name, ref in model.fields.items() if ref.required)
    return None if any(held.get(name) is None for name in must) else held
