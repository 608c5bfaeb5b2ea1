"""Long values held to the fields of a contract at once, by types that msgspec turns into code.

Pydantic takes three times as long over a list of many objects, because it comes back to Python for
each of them. What is not found to fit here may still be valid: pydantic says whether, and what is
wrong.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import chain
from sys import float_info
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from pydantic import ConfigDict, TypeAdapter, ValidationError

from gateway.contracts.paths import Fields, Types
from gateway.contracts.scalars import MAX_TEXT, SCALAR_TYPES
from gateway.model.contract import EnumType, ObjectType
from gateway.model.json import JsonObject, JsonValue
from gateway.model.plain_json import is_exact
from gateway.model.structs import struct
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
"""Looks at the values of one place; true where they are as they should be."""

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
        self._are_lists = _Looks(types, lambda _: None, _are_lists).of_objects(fields)
        self._are_valid = _Looks(types, _by_pydantic).of_objects(fields)

    def fitted(self, value: JsonObject) -> Fitted | None:
        """What is made of a value; None where that is not quick to see."""
        try:
            if not is_exact(value):
                return None
            found = self._converted(value)
        except (msgspec.ValidationError, RecursionError):
            return None
        # msgspec takes tuples for lists too.
        fits = self._are_lists([value]) and self._are_valid([found.copy])
        return found if fits else None

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
        members = [(name, *self._member(ref)) for name, ref in fields.items()]
        return struct(members, takes_others=False)

    def _member(self, ref: TypeRef) -> tuple[Any, Any]:
        kind = self._of(ref)
        if ref.required or self._wholly:
            return kind, msgspec.NODEFAULT
        return kind | msgspec.UnsetType, msgspec.UNSET

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


class _Looks:
    """Makes what looks at values by the types of fields, once for each type: at lists by ``lists``
    if that is given, at the values of a scalar by what ``scalars`` gives for its name, if anything.
    """

    def __init__(
        self, types: Types, scalars: Callable[[str], Holds | None], lists: Holds | None = None
    ) -> None:
        self._types = types
        self._scalars = scalars
        self._lists = lists
        self._named: dict[str, Holds | None] = {}

    def of_objects(self, fields: Fields) -> Holds:
        return self._objects(fields) or _always

    def _objects(self, fields: Fields) -> Holds | None:
        places = list(self._places(fields))
        if not places:
            return None

        def holds(objects: list[Any]) -> bool:
            for take, inner in places:
                values = take(objects)
                if values and not inner(values):
                    return False
            return True

        return holds

    def _places(self, fields: Fields) -> Iterator[tuple[Callable[[list[Any]], list[Any]], Holds]]:
        """The members to look at: what takes them from objects, and what looks at them."""
        for name, ref in fields.items():
            inner = self._of(ref)
            if inner is not None:
                yield _taking(name, is_sure=ref.required), inner

    def _of(self, ref: TypeRef) -> Holds | None:
        if ref.items is None:
            return self._of_name(ref.name)
        return _of_lists(self._lists, self._of(ref.items), has_nulls=not ref.items.required)

    def _of_name(self, name: str) -> Holds | None:
        if name not in self._named:
            named = self._types.get(name)
            if isinstance(named, ObjectType):
                self._named[name] = self._objects(named.fields)
            else:
                self._named[name] = self._scalars(name) if named is None else None
        return self._named[name]


def _always(_values: list[Any]) -> bool:
    return True


def _are_lists(values: list[Any]) -> bool:
    return _LISTS.issuperset(map(type, values))


def _taking(name: str, *, is_sure: bool) -> Callable[[list[Any]], list[Any]]:
    """What takes a member of objects, where it is there and not null."""
    if is_sure:
        return lambda objects: [one[name] for one in objects]
    return lambda objects: [one[name] for one in objects if one.get(name) is not None]


def _of_lists(lists: Holds | None, items: Holds | None, *, has_nulls: bool) -> Holds | None:
    if items is None:
        return lists

    def holds(values: list[Any]) -> bool:
        if lists is not None and not lists(values):
            return False
        flat = list(chain.from_iterable(values))
        return items([one for one in flat if one is not None] if has_nulls else flat)

    return holds


@cache
def _by_pydantic(scalar: str) -> Holds | None:
    """What asks pydantic of the values of a scalar; None where a type says everything."""
    if scalar in _BY_TYPE:
        return None
    one: Any = SCALAR_TYPES[scalar].annotation
    adapter: TypeAdapter[Any] = TypeAdapter(list[one], config=ConfigDict(strict=True))

    def holds(values: list[Any]) -> bool:
        try:
            return bool(adapter.validate_python(values) == values)
        except ValidationError:
            return False

    return holds
