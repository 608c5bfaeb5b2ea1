"""Long values held to the fields of a contract at once, by types that msgspec turns into code.

Pydantic takes three times as long over a list of many objects, because it comes back to Python for
each of them. What is not found to fit here may still be valid: pydantic says whether, and what is
wrong.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from sys import float_info
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
import orjson
from pydantic import ConfigDict, TypeAdapter, ValidationError

from gateway.contracts.paths import Fields, Types
from gateway.contracts.scalars import MAX_TEXT, SCALAR_TYPES
from gateway.model.contract import EnumType, ObjectType
from gateway.model.json import JsonObject, JsonValue
from gateway.model.types import FREE_SCALARS, TypeRef

_LONG = 8
"""How many items a list must have for this to be worth it."""

_FREE = dict.fromkeys(FREE_SCALARS, Any)

_BY_TYPE: Mapping[str, Any] = {
    "String": Annotated[str, msgspec.Meta(max_length=MAX_TEXT)],
    "ID": Annotated[str, msgspec.Meta(max_length=MAX_TEXT)],
    "Int": Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)],
    "Float": Annotated[float, msgspec.Meta(ge=-float_info.max, le=float_info.max)],
    "Boolean": bool,
    "Latitude": Annotated[float, msgspec.Meta(ge=-90, le=90)],
    "Longitude": Annotated[float, msgspec.Meta(ge=-180, le=180)],
}
"""The scalars of which a type says everything. All others are texts, or free, and pydantic is asked
of their values."""

Holds = Callable[[list[Any]], bool]
"""Tells of the values of one place, of the right type, that they need no conversion."""

_LISTS = frozenset({list})


class Fitted(NamedTuple):
    """A value as pydantic would write it, made anew, and whether it has all fields of its contract
    at every depth."""

    copy: JsonObject
    is_whole: bool


def is_long(value: JsonValue) -> bool:
    """Whether a value has a list that is long enough."""
    if isinstance(value, dict):
        for member in value.values():  # it is asked of each call: a generator takes twice as long
            if type(member) is list and len(member) >= _LONG:
                return True
    return False


class Fitting:
    """Holds objects to ``fields``.

    Raises:
        RecursionError: a type has members of its own type, at whatever depth.
    """

    def __init__(self, fields: Fields, types: Types) -> None:
        self._whole = _Kinds(types, wholly=True).object(fields)
        self._partial = _Kinds(types, wholly=False).object(fields)
        self._holds = _of_objects(fields, types)

    def fitted(self, value: JsonObject) -> Fitted | None:
        """What is made of a value; None where that is not quick to see."""
        try:
            orjson.dumps(value)  # the quickest way to find a lone surrogate anywhere
            found = self._converted(value)
        except (TypeError, msgspec.ValidationError, RecursionError):
            return None
        return found if self._holds is None or self._holds([value]) else None

    def _converted(self, value: JsonObject) -> Fitted:
        try:
            return Fitted(msgspec.to_builtins(msgspec.convert(value, self._whole)), is_whole=True)
        except msgspec.ValidationError:
            found = msgspec.convert(value, self._partial)
            return Fitted(msgspec.to_builtins(found), is_whole=False)


class _Kinds:
    """Makes msgspec's types, of objects that must have all fields or may lack optional ones."""

    def __init__(self, types: Types, *, wholly: bool) -> None:
        self._types = types
        self._wholly = wholly
        self._objects: dict[str, Any] = {}
        self._under_way: set[str] = set()

    def object(self, fields: Fields) -> Any:
        members = [
            (f"member{at}", *self._member(name, ref))
            for at, (name, ref) in enumerate(fields.items())
        ]
        return msgspec.defstruct(
            "Held", members, kw_only=True, forbid_unknown_fields=True, gc=False
        )

    def _member(self, name: str, ref: TypeRef) -> tuple[Any, Any]:
        kind = self._of(ref)
        if ref.required or self._wholly:
            return kind, msgspec.field(name=name)
        return kind | msgspec.UnsetType, msgspec.field(default=msgspec.UNSET, name=name)

    def _of(self, ref: TypeRef) -> Any:
        kind = self._list_of(ref.items) if ref.items else self._named(ref.name)
        return kind if ref.required else kind | None

    def _list_of(self, items: TypeRef) -> Any:
        kind: Any = self._of(items)
        return list[kind]

    def _named(self, name: str) -> Any:
        named = self._types.get(name)
        if named is None:
            return _BY_TYPE.get(name) or _FREE.get(name, str)
        if isinstance(named, EnumType):
            return Literal[named.values]
        if name in self._under_way:
            raise RecursionError(f"the type {name} holds itself")
        if name not in self._objects:
            self._under_way.add(name)
            self._objects[name] = self.object(named.fields)
            self._under_way.discard(name)
        return self._objects[name]


def _of_objects(fields: Fields, types: Types) -> Holds | None:
    """What tells of objects; None where there is nothing to look at but what msgspec saw."""
    places = list(_places(fields, types))
    if not places:
        return None

    def holds(objects: list[Any]) -> bool:
        return all(inner(column(objects)) for column, inner in places)

    return holds


def _places(fields: Fields, types: Types) -> Iterator[tuple[Callable[[list[Any]], Any], Holds]]:
    """The members to look at: what takes them from objects, and what tells of them."""
    for name, ref in fields.items():
        holds = _of_lists(ref, _of_named(ref.named, types))
        if holds is not None:
            yield _column(name, is_sure=ref.required), holds


def _column(name: str, *, is_sure: bool) -> Callable[[list[Any]], list[Any]]:
    if is_sure:
        return lambda objects: [one[name] for one in objects]
    return lambda objects: [one[name] for one in objects if one.get(name) is not None]


def _of_lists(ref: TypeRef, inner: Holds | None) -> Holds | None:
    """What tells of lists, at whatever depth ``ref`` has them: msgspec takes sets and tuples too,
    which are no JSON."""
    if ref.items is None:
        return inner
    of_items = _of_lists(ref.items, inner)

    def holds(lists: list[Any]) -> bool:
        if not _LISTS.issuperset(map(type, lists)):
            return False
        if of_items is None:
            return True
        return of_items([one for one in chain.from_iterable(lists) if one is not None])

    return holds


def _of_named(name: str, types: Types) -> Holds | None:
    named = types.get(name)
    if isinstance(named, ObjectType):
        return _of_objects(named.fields, types)
    return None if named is not None or name in _BY_TYPE else _by_pydantic(name)


def _by_pydantic(scalar: str) -> Holds:
    one: Any = SCALAR_TYPES[scalar].annotation
    adapter: TypeAdapter[Any] = TypeAdapter(list[one], config=ConfigDict(strict=True))

    def holds(values: list[Any]) -> bool:
        try:
            return bool(adapter.validate_python(values) == values)
        except ValidationError:
            return False

    return holds
