"""Statements on many rows at once: each parameter is an array, with a value for each row.

One statement for a hundred rows costs the server a fraction of a hundred statements, and is
prepared once, however many rows come.
"""

from collections.abc import Mapping
from types import MappingProxyType
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

from gateway.journal.statement import Statement, written
from gateway.journal.statements import INSERT_STEP, NEW_STEP
from gateway.journal.tables import step


def among(chosen: Select[Any], column: ColumnElement[Any]) -> Select[Any]:
    """The rows that have one of the texts ``of_these`` in a column."""
    return chosen.where(column == any_(cast(bindparam("of_these"), ARRAY(Text))))


def unnested(*columns: Column[Any]) -> Subquery:
    """What is given for these columns, row by row."""
    return select(*map(_unnested, columns)).subquery("given")


def inserting_many(table: Table, **fixed: str | int | None) -> Statement:
    """Adds rows: each column is a parameter unless ``fixed`` gives its value for all of them."""
    return Statement(_insert(table, written(fixed)))


def storing_many(table: Table, *keys: str) -> Statement:
    """Adds rows, or replaces those with the same ``keys``."""
    adding = _insert(table)
    changed = [column.name for column in table.columns if column.name not in keys]
    given = {name: adding.excluded[name] for name in changed}
    return Statement(adding.on_conflict_do_update(index_elements=list(keys), set_=given))


def _insert(table: Table, fixed: Mapping[str, Any] = MappingProxyType({})) -> Insert:
    names = [column.name for column in table.columns]
    given = [fixed.get(column.name, _unnested(column)) for column in table.columns]
    return insert(table).from_select(names, select(*given))


def _unnested(column: Column[Any]) -> ColumnElement[Any]:
    kind = BigInteger if isinstance(column.type, Integer) else Text
    given: ColumnElement[Any] = func.unnest(cast(bindparam(column.name), ARRAY(kind)))
    return given.label(column.name)


AT_ONCE: Mapping[Statement, Statement] = {INSERT_STEP: inserting_many(step, **NEW_STEP)}
"""What does to many rows at once what a statement does to one."""
