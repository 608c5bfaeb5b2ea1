"""Long lists completed and written as JSON in one go, by types that msgspec turns into code.

Such a type says what values of a place are written as they are. What a list holds is checked
against it and written without a call of Python for each value, which takes a quarter of the time. A
list that holds anything else is completed item by item, by whoever asks here.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from graphql import (
    GRAPHQL_MAX_INT,
    GRAPHQL_MIN_INT,
    GraphQLEnumType,
    GraphQLLeafType,
    is_enum_type,
)
from orjson import Fragment

from gateway.model.structs import struct
from gateway.surfaces.graphql.compiled.irregular import EXACT
from gateway.surfaces.graphql.compiled.leaves import Convert
from gateway.surfaces.graphql.schema.scalars import as_it_is

_WHOLE = 2.0**53
"""From here on not every integer is a float, which graphql-core looks at and msgspec rounds, and a
little further msgspec writes a float otherwise than orjson does, which writes all else."""

_NUMBERS: Mapping[str, Any] = {
    "Int": Annotated[int, msgspec.Meta(ge=GRAPHQL_MIN_INT, le=GRAPHQL_MAX_INT)],
    "Float": Annotated[float, msgspec.Meta(gt=-_WHOLE, lt=_WHOLE)],
}

_encode = msgspec.json.Encoder().encode


class Written(NamedTuple):
    """How values of one place are written as they are.

    ``made`` makes their type, once and later, because few places ever have a long list. ``absent``
    is what stands for a member that an object lacks. ``ids`` are members that are made of the
    object, each a response name and what makes it.
    """

    made: Callable[[], Any]
    absent: Any = msgspec.NODEFAULT
    ids: Sequence[tuple[str, Convert]] = ()


WRITTEN_ID = Written(lambda: str, absent="")
"""A member that is made of its object."""


def written_typename(name: str) -> Written:
    """How ``__typename`` is written, which no object need have."""
    return Written(lambda: Literal[name], absent=name)


def written_leaf(declared: GraphQLLeafType, *, is_nullable: bool) -> Written | None:
    """How values of a scalar or an enum are written; of the gateway's own scalars only texts."""
    found = _enum(declared) if is_enum_type(declared) else _scalar(declared)
    return None if found is None else _written(lambda: found, is_nullable)


def written_list(item: Written | None, *, is_nullable: bool) -> Written | None:
    """How lists of such items are written."""
    if item is None or item.ids:
        return None
    return _written(lambda: _list_of(item), is_nullable)


def written_object(
    members: Sequence[tuple[str, Written | None]], *, is_nullable: bool
) -> Written | None:
    """How objects are written that have these members under these names."""
    known = [(key, one) for key, one in members if one is not None and not one.ids]
    if not known or len(known) < len(members):
        return None

    @cache
    def made() -> Any:
        return struct([(key, one.made(), one.absent) for key, one in known], takes_others=True)

    return _written(made, is_nullable)


def list_writer(item: Written) -> Callable[[list[Any]], Fragment | None]:
    """What writes lists of such items; it gives None for a list that it cannot write."""
    wanted: Any = None

    def write(items: list[Any]) -> Fragment | None:
        nonlocal wanted
        if wanted is None:
            wanted = _list_of(item)
        try:
            found = msgspec.convert(items, wanted)
            for key, make in item.ids:
                _put(key, make, found, items)
            return Fragment(_encode(found))
        except Exception:  # whatever it is, it is found again item by item
            return None

    return write


def _put(key: str, make: Convert, found: list[Any], items: list[Any]) -> None:
    """Put a member that is made of each object where it is to be written."""
    for one, source in zip(found, items, strict=True):
        if one is not None:
            at = one.__struct_encode_fields__.index(key)
            setattr(one, one.__struct_fields__[at], make(source))


def _list_of(item: Written) -> Any:
    made: Any = item.made()
    return list[made]


def _written(made: Callable[[], Any], is_nullable: bool) -> Written:
    return Written(lambda: made() | None, absent=None) if is_nullable else Written(made)


def _scalar(declared: GraphQLLeafType) -> Any:
    """The type of the values of a scalar that are written as they are; None where there is none."""
    if declared.name in EXACT:
        return EXACT[declared.name]
    if declared.name in _NUMBERS:
        return _NUMBERS[declared.name]
    return str if declared.coerce_output_value is as_it_is else None


def _enum(declared: GraphQLEnumType) -> Any:
    """The same for an enum: its values that are texts and called just so."""
    texts = [item.value for item in declared.values.values() if type(item.value) is str]
    names = tuple(text for text in texts if declared.coerce_output_value(text) == text)
    return Literal[names] if names else None
