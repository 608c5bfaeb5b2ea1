"""Statements on many rows at once: each parameter is an array, with a value for each row.

One statement for a hundred rows costs the server a fraction of a hundred statements, and is
prepared once, however many rows come.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

from sqlalchemy import (
    ARRAY,
    BigInteger,
    BindParameter,
    Column,
    ColumnElement,
    Integer,
    Select,
    Table,
    Text,
    any_,
    bindparam,
    cast,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.sql.visitors import replacement_traverse

from gateway.journal import statements as sql
from gateway.journal.claim_statements import CLAIM, ENLIST, FENCE, RELEASE
from gateway.journal.statement import Statement, written
from gateway.journal.tables import execution, plan, step


def among(chosen: Select[Any], column: ColumnElement[Any]) -> Select[Any]:
    """The rows that have one of the texts ``of_these`` in a column."""
    return chosen.where(column == any_(cast(bindparam("of_these"), ARRAY(Text))))


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
    return _array(column.name, is_whole=isinstance(column.type, Integer))


def _array(name: str, *, is_whole: bool) -> ColumnElement[Any]:
    kind = BigInteger if is_whole else Text
    given: ColumnElement[Any] = func.unnest(cast(bindparam(name), ARRAY(kind)))
    return given.label(name)


def for_each(statement: Statement) -> Statement:
    """A change of one row, made of many: each of its parameters is an array, with a value a row."""
    clause, names = statement.clause, statement.postgres.required
    arrays = (_array(name, is_whole=name in _WHOLE) for name in sorted(names))
    given = select(*arrays).subquery("given")

    def column(element: Any, **_: Any) -> ColumnElement[Any] | None:
        is_parameter = isinstance(element, BindParameter) and element.key in names
        return given.c[element.key] if is_parameter else None

    made: Any = replacement_traverse(clause, {}, column)
    return Statement(made)


_WHOLE = frozenset({"attempt", "of_epoch", "of_wake_seq"})
"""Parameters that are whole numbers; the others are texts."""

RowKey: TypeAlias = tuple[str, ...]
"""Which row a change is of: the name of its table, and the row's key."""


class Many:
    """A change of one row that may also be made of ``many`` rows by one statement.

    ``rows`` name what it reads or changes: a table, and the parameters that make the key.
    """

    __slots__ = ("_rows", "statement")

    def __init__(self, statement: Statement, *rows: tuple[str, ...]) -> None:
        self.statement = statement
        self._rows = rows

    def rows_of(self, values: Mapping[str, Any]) -> list[RowKey] | None:
        """The rows that a change with these values is of; None where it does not name them."""
        found: list[RowKey] = []
        for table, *keys in self._rows:
            row = (table, *[values[key] for key in keys])
            if None in row:
                return None
            found.append(row)
        return found


def _adding(table: Table, fixed: Mapping[str, str | int | None], *key: str) -> Many:
    return Many(inserting_many(table, **fixed), (table.name, *key))


def _changing(row: tuple[str, ...], *changes: Statement) -> dict[Statement, Many]:
    return {one: Many(for_each(one), row) for one in changes}


MANY: Mapping[Statement, Many] = {
    sql.INSERT_EXECUTION: _adding(execution, sql.NEW_EXECUTION, "id"),
    sql.INSERT_PLAN: _adding(plan, sql.NEW_PLAN, "id"),
    sql.INSERT_STEP: _adding(step, sql.NEW_STEP, "plan_id", "id"),
    ENLIST: Many(for_each(ENLIST), ("execution", "of_execution"), ("claim", "run_id")),
    **_changing(
        ("execution", "of_id"),
        sql.EXECUTION_TOUCHED,
        sql.EXECUTION_MOVED,
        sql.EXECUTION_COMPILED,
        sql.EXECUTION_VERIFIED,
        sql.EXECUTION_STARTED,
        sql.EXECUTION_ENDED,
    ),
    **_changing(("plan", "of_id"), sql.PLAN_VERIFIED),
    **_changing(
        ("step", "of_plan", "of_step"), sql.STEP_DECIDED, sql.STEP_DISPATCHED, sql.STEP_COMPLETED
    ),
    **_changing(("claim", "of_run"), CLAIM, FENCE, RELEASE),
}
"""What does to many rows at once what a statement does to one: those that every run needs."""
