"""References between steps: where they stand in an input, and whether their types fit."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from gateway.model.contract import EnumType, ObjectType, OperationContract
from gateway.model.json import JsonObject, JsonValue, pointer
from gateway.model.plan import reference_of
from gateway.model.types import FREE_SCALARS, TypeRef

_WIDENS: Mapping[str, frozenset[str]] = {
    "Float": frozenset({"Int", "Latitude", "Longitude"}),
    "ID": frozenset({"String", "NonEmptyString", "Int"}),
    "String": frozenset(
        {
            *("ID", "NonEmptyString", "EmailAddress", "URL", "PhoneNumber", "Locale", "TimeZone"),
            *("Currency", "CountryCode", "Date", "DateTime", "Time"),
        }
    ),
    "NonEmptyString": frozenset(
        {
            *("EmailAddress", "URL", "PhoneNumber", "Locale", "TimeZone"),
            *("Currency", "CountryCode", "Date", "DateTime", "Time"),
        }
    ),
}
"""Scalars of which every value is a value of the scalar that takes them in, besides itself."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference in a step's input: it stands at ``path`` (parts) and takes ``field`` (parts) of
    the output of step ``source``. ``in_list`` is true for an item of a list."""

    path: tuple[str | int, ...]
    source: str
    field: tuple[str, ...]
    in_list: bool = False

    @property
    def pointer(self) -> str:
        """JSON pointer to where the reference stands in the input."""
        return pointer(*self.path)

    @property
    def dotted(self) -> str:
        """Dotted path to where the reference stands in the input."""
        return ".".join(str(part) for part in self.path)


def references(value: JsonValue, path: tuple[str | int, ...] = ()) -> Iterator[Reference]:
    """Every reference in an input value, in order."""
    target = reference_of(value)
    if target is not None:
        source, _, field = target.partition(".")
        in_list = bool(path) and isinstance(path[-1], int)
        yield Reference(path, source, tuple(field.split(".")) if field else (), in_list)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from references(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from references(item, (*path, index))


def without_references(value: JsonObject) -> JsonObject:
    """The input with every member that is a reference left out, to check the literals alone."""
    kept: JsonObject = {}
    for key, item in value.items():
        if reference_of(item) is not None:
            continue
        kept[key] = without_references(item) if isinstance(item, dict) else item
    return kept


def resolve(value: JsonValue, outputs: Mapping[str, JsonObject]) -> JsonValue:
    """The input with every reference replaced by what it refers to in ``outputs`` (by step key);
    a member that refers to an absent or null value is left out."""
    if isinstance(value, dict):
        resolved = {}
        for key, item in value.items():
            target = reference_of(item)
            found = resolve(item, outputs) if target is None else _lookup(target, outputs)
            if target is None or found is not None:
                resolved[key] = found
        return resolved
    if isinstance(value, list):
        return [resolve(item, outputs) for item in value]
    return value


def _lookup(target: str, outputs: Mapping[str, JsonObject]) -> JsonValue:
    source, *path = target.split(".")
    found: JsonValue = outputs.get(source)
    for part in path:
        found = found.get(part) if isinstance(found, dict) else None
    return found


@dataclass(frozen=True, slots=True)
class Located:
    """A type found by its path; ``certain`` is false where something on the way may be null."""

    type: TypeRef
    certain: bool

    @property
    def as_read(self) -> TypeRef:
        """The type that a reader of this path has to expect."""
        return TypeRef(self.type.required and self.certain, self.type.name, self.type.items)


def type_at(
    contract: OperationContract, fields: Mapping[str, TypeRef], path: tuple[str | int, ...]
) -> Located | None:
    """The type at ``path`` below ``fields``, or None where the path leads nowhere.

    Below an untyped JSON object any path may be read, as a value that may be null.
    """
    certain = True
    here: TypeRef | None = None
    for part in path:
        if here is not None:
            certain = certain and here.required
            if here.items is None and here.name in FREE_SCALARS:
                return Located(TypeRef(False, name="JSON"), False)
            named = contract.types.get(here.name)
            if here.items is not None or not isinstance(named, ObjectType):
                return None
            fields = named.fields
        here = fields.get(str(part))
        if here is None:
            return None
    return Located(here, certain) if here else None


@dataclass(frozen=True, slots=True)
class _Sides:
    """The two contracts of an edge, and the pairs of models that are being compared already."""

    source: OperationContract
    target: OperationContract
    assumed: frozenset[tuple[str, str]] = frozenset()


def misfit(
    source: TypeRef, source_of: OperationContract, target: TypeRef, target_of: OperationContract
) -> str | None:
    """Why a value of type ``source`` may not flow into ``target``; None if it may."""
    return _misfit(source, target, _Sides(source_of, target_of))


def _misfit(source: TypeRef, target: TypeRef, sides: _Sides) -> str | None:
    if target.required and not source.required:
        return f"it may be null ({source}), but {target} is required"
    if target.items is not None:
        if source.items is None:
            return f"it is {source}, not a list as {target} asks"
        return _misfit(source.items, target.items, sides)
    if source.items is not None and target.name != "JSON":
        return f"it is a list ({source}), but {target} is not"
    return _named_misfit(source, target, sides)


def _named_misfit(source: TypeRef, target: TypeRef, sides: _Sides) -> str | None:
    if target.name == "JSON":
        return None
    given = sides.source.types.get(source.name)
    asked = sides.target.types.get(target.name)
    is_object = isinstance(given, ObjectType) or source.name == "JSONObject"
    if target.name == "JSONObject" and is_object:
        return None
    if isinstance(given, ObjectType) and isinstance(asked, ObjectType):
        return _object_misfit(given, asked, sides)
    if isinstance(given, EnumType) and isinstance(asked, EnumType):
        more = sorted(set(given.values) - set(asked.values))
        return f"it may be {', '.join(more)}, which {target} does not know" if more else None
    if isinstance(given, EnumType) and target.name == "String":
        return None
    same = source.name == target.name or source.name in _WIDENS.get(target.name, ())
    if given is None and asked is None and same:
        return None
    return f"it is {source}, but {target} is asked"


def _object_misfit(given: ObjectType, asked: ObjectType, sides: _Sides) -> str | None:
    pair = (given.name, asked.name)
    if pair in sides.assumed:  # a model that holds itself fits if the rest of it does
        return None
    inner = replace(sides, assumed=sides.assumed | {pair})
    for name, wanted in asked.fields.items():
        offered = given.fields.get(name)
        if offered is None:
            if wanted.required:
                return f"it has no field {name}, which {asked.name} requires"
            continue
        reason = _misfit(offered, wanted, inner)
        if reason:
            return f"field {name}: {reason}"
    unknown = sorted(set(given.fields) - set(asked.fields))
    return f"{asked.name} does not know its field {unknown[0]}" if unknown else None
