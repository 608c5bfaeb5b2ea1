"""Closures that complete values: one for each place of a selection.

A closure gives what graphql-core's value completion gives for plain JSON that fits its type. It
raises for anything else, wrong or only unusual, without saying which and where: graphql-core finds
that out (GraphQL, section 6.4.3, Value Completion).
"""

from collections.abc import Callable, Sequence
from itertools import repeat
from operator import itemgetter
from typing import Any, NamedTuple

from graphql import (
    GraphQLEnumType,
    GraphQLLeafType,
    GraphQLOutputType,
    is_enum_type,
    is_non_null_type,
    is_scalar_type,
)

from gateway.model.columns import Holds, are_objects, never
from gateway.model.whole import Whole
from gateway.surfaces.graphql.compiled.columns import (
    leaves_unchanged,
    lists_unchanged,
    objects_unchanged,
)
from gateway.surfaces.graphql.compiled.irregular import PLAIN, IrregularError, exact_type
from gateway.surfaces.graphql.compiled.leaves import Convert, as_written
from gateway.surfaces.graphql.schema.scalars import as_it_is

_FEW = 4
"""Up to so many items of a list are completed one by one: looking at columns has its price too."""


class Completer(NamedTuple):
    """What completes a value of one type, what tells of many values that they need no completing,
    and what completes many at once, if anything can: it gives None for those that it cannot.

    ``members`` are those of an object, or of objects in a list, that are read and told under the
    same names.
    """

    finish: Convert
    unchanged: Holds = never
    many: Convert | None = None
    members: tuple[tuple[str, "Completer"], ...] = ()


class Member(NamedTuple):
    """A field of an object: its response name, the member that it reads, the type of values that
    need no completing (it spares most fields a call), what completes the others.

    ``read`` is None for ``__typename``, which reads nothing.
    """

    key: str
    read: str | None
    exact: type
    completer: Completer


def plain_type(declared: GraphQLOutputType) -> type:
    """The type of values that need no completing; texts are such for the gateway's own scalars."""
    inner = declared.of_type if is_non_null_type(declared) else declared
    if is_scalar_type(inner) and inner.coerce_output_value is as_it_is:
        return str
    return exact_type(declared)


def complete_object(members: Sequence[Member], *, is_nullable: bool) -> Completer:
    """What completes an object by its selected fields."""
    fields = [(one.key, one.read, one.exact, one.completer.finish) for one in members]

    def complete(source: Any) -> dict[str, Any] | None:
        if type(source) is not dict:
            if source is None and is_nullable:
                return None
            if type(source) is not Whole:
                raise IrregularError
        read, data = source.get, {}
        for key, name, exact, finish in fields:
            value = read(name)
            data[key] = value if type(value) is exact else finish(value)
        return data

    is_plain = all(one.key == one.read for one in members)
    kept = tuple((one.key, one.completer) for one in members) if is_plain else ()
    inner = [(key, completer.unchanged) for key, completer in kept]
    unchanged = objects_unchanged(inner, is_nullable=is_nullable)
    many = _table(members) if members else None  # columns of nothing have no length
    return Completer(complete, unchanged, many, kept)


def with_ids(completer: Completer, ids: Sequence[tuple[str, Convert]]) -> Completer:
    """What completes an object as ``completer`` does, and then its ``ids``: each a response name,
    which has its place already, and what makes the id of the object."""

    def finish(source: Any) -> Any:
        data = completer.finish(source)
        if data is not None:
            for key, make in ids:
                data[key] = make(source)
        return data

    def many(items: list[Any]) -> list[Any] | None:
        done: list[Any] | None = completer.many(items) if completer.many is not None else None
        if done is not None:
            for key, make in ids:
                for data, source in zip(done, items, strict=True):
                    data[key] = make(source)
        return done

    return Completer(finish, many=many)


def complete_list(item: Completer, *, is_nullable: bool) -> Completer:
    """What completes a list by its items."""
    finish, unchanged, many, members = item

    def complete(items: Any) -> list[Any] | None:
        if type(items) is not list:
            if items is None and is_nullable:
                return None
            raise IrregularError
        if len(items) > _FEW:
            done = items if unchanged(items) else many and many(items)
            if done is not None:
                return done
        return [finish(item) for item in items]

    all_unchanged = lists_unchanged(unchanged, is_nullable=is_nullable)
    return Completer(complete, all_unchanged, members=members)


def _table(members: Sequence[Member]) -> Convert:
    """What completes a list of objects by its columns; it gives None where that cannot be done."""
    keys = [one.key for one in members]
    reads = [_reading(one) for one in members]

    def complete(items: list[Any]) -> list[Any] | None:
        if not are_objects(items):
            return None
        try:
            columns = [read(items) for read in reads]
        except KeyError:  # an object lacks a member, which then is null
            return None
        return list(map(dict, map(zip, repeat(keys), zip(*columns, strict=True))))

    return complete


def _reading(member: Member) -> Callable[[list[Any]], list[Any]]:
    """What gives a field of many objects, completed."""
    finish, unchanged = member.completer[:2]
    if member.read is None:
        return lambda items: [finish(None)] * len(items)
    read = itemgetter(member.read)

    def column(items: list[Any]) -> list[Any]:
        values = list(map(read, items))
        return values if unchanged(values) else list(map(finish, values))

    return column


def complete_leaf(declared: GraphQLLeafType, *, is_nullable: bool) -> Completer:
    """What completes a scalar or an enum value."""
    unchanged = leaves_unchanged(declared, is_nullable=is_nullable)

    def by_type(value: Any) -> Any:
        if type(value) not in PLAIN:  # an exception, something to await, an object
            if value is None and is_nullable:
                return None
            raise IrregularError
        completed = declared.coerce_output_value(value)
        if type(completed) not in PLAIN:
            raise IrregularError
        return completed

    if is_enum_type(declared):
        return Completer(_enum(declared, by_type), unchanged)
    finish = as_written(declared.name, by_type, is_nullable=is_nullable)
    return Completer(finish, unchanged)


def _enum(declared: GraphQLEnumType, by_type: Convert) -> Convert:
    """Values that are texts are looked up at once."""
    texts = [item.value for item in declared.values.values() if type(item.value) is str]
    names = {text: declared.coerce_output_value(text) for text in texts}

    def complete(value: Any) -> Any:
        return names[value] if type(value) is str and value in names else by_type(value)

    return complete


def complete_typename(name: str) -> Completer:
    """What answers ``__typename``, whatever the object has under that name."""
    return Completer(lambda _value: name)
