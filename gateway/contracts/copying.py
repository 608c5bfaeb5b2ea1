"""Copies of values by what the fields of a contract say they are, which is known beforehand.

Whoever gave a value may change it later, so what is held to a contract must be nobody else's. What
can be changed of JSON is its objects and lists; a contract says where they are, so that nothing
else has to be looked at.
"""

from collections.abc import Callable, Iterator
from typing import Any

from gateway.contracts.paths import Fields, Types
from gateway.model.columns import Column, are_lists, are_objects
from gateway.model.contract import ObjectType
from gateway.model.types import FREE_SCALARS, TypeRef

Copies = Callable[[Column], list[Any]]
"""Copies each value of a column, none of which is null."""


def copies(fields: Fields, types: Types) -> Copies:
    """What copies objects of these fields.

    It looks at objects and lists alone: of what does not fit the fields it raises KeyError,
    TypeError or RecursionError, or gives what does not fit them either. It raises TypeError for any
    object of a contract that leaves open what it is made of.
    """
    if any(ref.named in FREE_SCALARS for ref in _refs(fields, types)):
        return _cannot
    return _Copying(types).objects(fields)


def _cannot(_column: Column) -> list[Any]:
    raise TypeError("the contract leaves open what it is made of")


def _refs(fields: Fields, types: Types) -> Iterator[TypeRef]:
    yield from fields.values()
    for named in types.values():
        if isinstance(named, ObjectType):
            yield from named.fields.values()


class _Copying:
    """Makes what copies, once for each type: types may hold themselves."""

    def __init__(self, types: Types) -> None:
        self._types = types
        self._named: dict[str, Copies] = {}

    def objects(self, fields: Fields) -> Copies:
        inner: dict[str, Copies] | None = None

        def copy(column: Column) -> list[Any]:
            nonlocal inner
            if inner is None:  # made late, for a type may hold itself
                inner = dict(self._of_members(fields))
            if not are_objects(column):
                raise TypeError("not all are objects")
            found = [*map(dict.copy, column)]
            for name, copy_members in inner.items():
                holders = found
                if not fields[name].required:
                    holders = [one for one in found if one.get(name) is not None]
                members = copy_members([one[name] for one in holders])
                for one, member in zip(holders, members, strict=True):
                    one[name] = member
            return found

        return copy

    def _of_members(self, fields: Fields) -> Iterator[tuple[str, Copies]]:
        """What copies each member that can be changed."""
        for name, ref in fields.items():
            copy = self._of(ref)
            if copy is not None:
                yield name, copy

    def _of(self, ref: TypeRef) -> Copies | None:
        if ref.items is not None:
            return _lists(self._of(ref.items), is_nullable=not ref.items.required)
        named = self._types.get(ref.name)
        if not isinstance(named, ObjectType):
            return None
        found = self._named.get(ref.name)
        if found is None:
            found = self._named[ref.name] = self.objects(named.fields)
        return found


def _lists(inner: Copies | None, *, is_nullable: bool) -> Copies:
    """What copies lists, of which ``inner`` copies the items where they can be changed."""

    def copy(column: Column) -> list[Any]:
        if not are_lists(column):
            raise TypeError("not all are lists")
        if inner is None:
            return [*map(list.copy, column)]
        if is_nullable:
            return [_around_nulls(inner, items) for items in column]
        return [inner(items) for items in column]

    return copy


def _around_nulls(copy: Copies, items: Column) -> list[Any]:
    made = iter(copy([one for one in items if one is not None]))
    return [None if one is None else next(made) for one in items]
