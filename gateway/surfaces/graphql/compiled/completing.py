"""Closures that complete values: one for each place of a selection.

A closure gives what graphql-core's value completion gives for plain JSON that fits its type. It
raises for anything else, wrong or only unusual, without saying which and where: graphql-core finds
that out (GraphQL, section 6.4.3, Value Completion).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from graphql import (
    GraphQLEnumType,
    GraphQLLeafType,
    GraphQLOutputType,
    is_enum_type,
    is_non_null_type,
    is_scalar_type,
)

from gateway.model.whole import Held
from gateway.surfaces.graphql.compiled.irregular import PLAIN, IrregularError, exact_type
from gateway.surfaces.graphql.compiled.leaves import Convert, as_written
from gateway.surfaces.graphql.compiled.writing import (
    Written,
    list_writer,
    written_leaf,
    written_list,
    written_object,
    written_typename,
)
from gateway.surfaces.graphql.schema.scalars import as_it_is

_FEW = 4
"""Up to so many items of a list are completed one by one."""


class Completer(NamedTuple):
    """What completes a value of one type, and how values that need no completing are written.

    ``members`` are those of an object, or of objects in a list, that are read and told under the
    same names.
    """

    finish: Convert
    written: Written | None = None
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
            if not isinstance(source, Held):
                raise IrregularError
        read, data = source.get, {}
        for key, name, exact, finish in fields:
            value = read(name)
            data[key] = value if type(value) is exact else finish(value)
        return data

    is_plain = all(one.key == one.read for one in members)
    kept = tuple((one.key, one.completer) for one in members) if is_plain else ()
    as_named = all(one.read in (None, one.key) for one in members)
    inner = [(one.key, one.completer.written) for one in members] if as_named else ()
    return Completer(complete, written_object(inner, is_nullable=is_nullable), kept)


def with_ids(completer: Completer, ids: Sequence[tuple[str, Convert]]) -> Completer:
    """What completes an object as ``completer`` does, and then its ``ids``: each a response name,
    which has its place already, and what makes the id of the object."""

    def finish(source: Any) -> Any:
        data = completer.finish(source)
        if data is not None:
            for key, make in ids:
                data[key] = make(source)
        return data

    written = completer.written
    return Completer(finish, written and written._replace(ids=ids))


def complete_list(item: Completer, *, is_nullable: bool) -> Completer:
    """What completes a list by its items. Of one that is long it may give all its JSON at once."""
    finish = item.finish
    write = None if item.written is None else list_writer(item.written)

    def complete(items: Any) -> Any:
        if type(items) is not list:
            if items is None and is_nullable:
                return None
            raise IrregularError
        if len(items) > _FEW and write is not None:
            found = write(items)
            if found is not None:
                return found
        return [finish(item) for item in items]

    written = written_list(item.written, is_nullable=is_nullable)
    return Completer(complete, written, item.members)


def complete_leaf(declared: GraphQLLeafType, *, is_nullable: bool) -> Completer:
    """What completes a scalar or an enum value."""
    written = written_leaf(declared, is_nullable=is_nullable)

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
        return Completer(_enum(declared, by_type), written)
    finish = as_written(declared.name, by_type, is_nullable=is_nullable)
    return Completer(finish, written)


def _enum(declared: GraphQLEnumType, by_type: Convert) -> Convert:
    """Values that are texts are looked up at once."""
    texts = [item.value for item in declared.values.values() if type(item.value) is str]
    names = {text: declared.coerce_output_value(text) for text in texts}

    def complete(value: Any) -> Any:
        return names[value] if type(value) is str and value in names else by_type(value)

    return complete


def complete_typename(name: str) -> Completer:
    """What answers ``__typename``, whatever the object has under that name."""
    return Completer(lambda _value: name, written_typename(name))
