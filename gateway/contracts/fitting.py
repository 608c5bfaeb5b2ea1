"""Whether a value is just as the fields of a contract write it, found by its columns.

Answers with long lists mostly are. Pydantic takes several times as long to find that out, because
it makes an object of each of their items. What is not found to fit here may still be valid:
pydantic says whether, and what is wrong.
"""

from collections.abc import Collection, Mapping
from typing import Any

import orjson
from pydantic import ConfigDict, TypeAdapter, ValidationError

from gateway.contracts.paths import Fields, Types
from gateway.contracts.scalars import MAX_TEXT, SCALAR_TYPES
from gateway.model.columns import (
    Column,
    Holds,
    among,
    are_objects,
    columns_of,
    finite,
    integers,
    lists,
    nullable,
    texts,
    typed,
)
from gateway.model.contract import EnumType
from gateway.model.json import JsonValue
from gateway.model.types import TypeRef

_LONG = 8
"""How many items a list must have for its columns to be worth a look."""

_BY_TYPE: Mapping[str, Holds] = {
    "String": texts(MAX_TEXT),
    "ID": texts(MAX_TEXT),
    "Int": integers(-(2**31), 2**31 - 1),
    "Float": finite,
    "Boolean": typed(bool),
}


def is_long(value: JsonValue) -> bool:
    """Whether a value has a list that is long enough."""
    if isinstance(value, dict):
        for member in value.values():  # it is asked of each call: a generator takes twice as long
            if type(member) is list and len(member) >= _LONG:
                return True
    return False


def fits(fields: Fields, types: Types, *, wholly: bool = False) -> Holds:
    """What tells that objects fit these fields and, written as pydantic writes them, stay the
    same: their members in the order of the fields, optional ones left out or not in all alike, or,
    where they are to fit ``wholly``, in none of them."""
    holds = _Fitting(types, wholly=wholly).objects(fields)

    def fit(objects: Column) -> bool:
        try:
            return holds(objects)
        except (TypeError, RecursionError):
            return False

    return fit


class _Fitting:
    """Makes what tells whether columns fit, once for each type: types may hold themselves."""

    def __init__(self, types: Types, *, wholly: bool) -> None:
        self._types = types
        self._wholly = wholly
        self._named: dict[str, Holds] = {}

    def objects(self, fields: Fields) -> Holds:
        inner: dict[str, Holds] = {}

        def holds(column: Column) -> bool:
            if not are_objects(column) or not column:
                return not column
            if not inner:
                inner.update((name, self._of(ref)) for name, ref in fields.items())
            there = column[0]
            names = [name for name in fields if name in there]
            if len(names) < len(fields) and self._must_have(fields, there):
                return False
            columns = columns_of(column, names)
            if columns is None:
                return False
            return all(inner[name](values) for name, values in zip(names, columns, strict=True))

        return holds

    def _must_have(self, fields: Fields, there: Collection[str]) -> bool:
        """Whether a field that is not ``there`` had to be."""
        if self._wholly:
            return True
        return any(ref.required and name not in there for name, ref in fields.items())

    def _of(self, ref: TypeRef) -> Holds:
        found = lists(self._of(ref.items)) if ref.items else self._by_name(ref.name)
        return found if ref.required else nullable(found)

    def _by_name(self, name: str) -> Holds:
        found = self._named.get(name)
        if found is None:
            found = self._named[name] = self._made(name)
        return found

    def _made(self, name: str) -> Holds:
        named = self._types.get(name)
        if named is None:
            return _BY_TYPE.get(name) or _validated(name)
        if isinstance(named, EnumType):
            return among(frozenset(named.values))
        return self.objects(named.fields)


def _validated(name: str) -> Holds:
    """Whether pydantic takes all values of a scalar as they are, and they can be written."""
    one: Any = SCALAR_TYPES[name].annotation
    adapter: TypeAdapter[Any] = TypeAdapter(list[one], config=ConfigDict(strict=True))

    def holds(column: Column) -> bool:
        try:
            found = adapter.validate_python(column)
            orjson.dumps(found)  # the quickest way to find a lone surrogate anywhere
        except (ValidationError, TypeError):
            return False
        return found == column and list(map(type, found)) == list(map(type, column))

    return holds
