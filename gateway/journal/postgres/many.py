"""Statements on many rows at once: each parameter is an array, with a value for each row.

One statement for a hundred rows costs the server a fraction of a hundred statements, and is
prepared once, however many rows come.
"""

from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    ColumnElement,
    Integer,
    Select,
    Subquery,
    Table,
    Text,
    any_,
    bindparam,
    cast,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import Insert, insert

from gateway.journal.statement import Statement


def among(chosen: Select[Any], column: ColumnElement[Any]) -> Select[Any]:
    """The rows that have one of the texts ``of_these`` in a column."""
    return chosen.where(column == any_(cast(bindparam("of_these"), ARRAY(Text))))


def unnested(*columns: Column[Any]) -> Subquery:
    """What is given for these columns, row by row."""
    return select(*map(_unnested, columns)).subquery("given")


def inserting_many(table: Table) -> Statement:
    """Adds rows: each column is a parameter."""
    return Statement(_insert(table))


def storing_many(table: Table, *keys: str) -> Statement:
    """Adds rows, or replaces those with the same ``keys``."""
    adding = _insert(table)
    changed = [column.name for column in table.columns if column.name not in keys]
    given = {name: adding.excluded[name] for name in changed}
    return Statement(adding.on_conflict_do_update(index_elements=list(keys), set_=given))


def _insert(table: Table) -> Insert:
    names = [column.name for column in table.columns]
    return insert(table).from_select(names, select(*map(_unnested, table.columns)))


def _unnested(column: Column[Any]) -> ColumnElement[Any]:
    kind = BigInteger if isinstance(column.type, Integer) else Text
    given: ColumnElement[Any] = func.unnest(cast(bindparam(column.name), ARRAY(kind)))
    return given.label(column.name)
