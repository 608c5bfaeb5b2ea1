"""A statement of SQLAlchemy Core, compiled for a database to the driver's SQL when first asked for.

The hot path hands ``sql`` and positional parameters straight to the driver: compiling, or looking
up a compiled form, at each call costs more than the statement itself. Compiling all of them at the
start of a process would cost more than most processes run of them.
"""

from collections.abc import Callable, Mapping
from functools import cache, cached_property
from operator import itemgetter
from typing import Any, TypeAlias

from sqlalchemy import ClauseElement, Select, Table, bindparam, insert, literal_column, null
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlalchemy.sql.expression import Update

from gateway.journal import tables
from gateway.journal.dialects import POSTGRES, SQLITE, holds_json

Parameters: TypeAlias = tuple[Any, ...]
"""Positional parameters of a statement."""


class Form:
    """A statement for one database: its ``sql``, and the ``names`` of its parameters in order.

    ``required`` are those that have no value of their own. ``changes`` says that it changes rows,
    though it may also give some.
    """

    __slots__ = ("_constants", "_pick", "changes", "names", "required", "sql")

    def __init__(self, clause: ClauseElement, dialect: Dialect) -> None:
        compiled: Any = clause.compile(dialect=dialect)
        self.sql = str(compiled)
        self.changes = bool(compiled.isinsert or compiled.isupdate or compiled.isdelete)
        self.names: tuple[str, ...] = tuple(compiled.positiontup or ())
        self.required = frozenset(n for n in self.names if compiled.binds[n].required)
        self._constants: Mapping[str, Any] = {
            name: compiled.params[name] for name in self.names if name not in self.required
        }
        self._pick = _picking(self.names)

    def bind(self, **values: Any) -> Parameters:
        """The positional parameters for ``values``, one for each name in the statement.

        Raises:
            KeyError: a parameter is missing.
            TypeError: there are too many or too few.
        """
        return self.parameters(values)

    def parameters(self, values: Mapping[str, Any]) -> Parameters:
        """``bind`` for values that are in a mapping already.

        Raises:
            KeyError: a parameter is missing.
            TypeError: there are too many or too few.
        """
        if len(values) != len(self.required):
            raise TypeError(f"this statement takes the parameters {sorted(self.required)}")
        return self._pick({**self._constants, **values} if self._constants else values)


class Statement:
    """One statement in its form for each database, made when it is first asked for.

    ``clause`` is what it says, ``postgres`` the clause for PostgreSQL, where one does not serve
    both.
    """

    def __init__(self, clause: ClauseElement, postgres: ClauseElement | None = None) -> None:
        self.clause = clause
        self._for_postgres = clause if postgres is None else postgres

    @cached_property
    def sqlite(self) -> Form:
        """The form for SQLite."""
        return Form(self.clause, SQLITE)

    @cached_property
    def postgres(self) -> Form:
        """The form for PostgreSQL."""
        return Form(self._for_postgres, POSTGRES)

    @cached_property
    def json(self) -> tuple[int, ...]:
        """The places of columns that hold JSON in the rows that a query gives."""
        if not isinstance(self.clause, Select):
            return ()
        columns = enumerate(self.clause.selected_columns)
        return tuple(place for place, column in columns if holds_json(column.type))

    def on(self, dialect: Dialect) -> Form:
        """The form for ``SQLITE`` or ``POSTGRES``."""
        return self.sqlite if dialect is SQLITE else self.postgres


def _picking(names: tuple[str, ...]) -> Callable[[Mapping[str, Any]], Parameters]:
    """What takes the values of these names out of a mapping, in order."""
    if len(names) > 1:
        return itemgetter(*names)
    return lambda values: tuple(values[name] for name in names)


def inserting(table: Table, **fixed: Any) -> Statement:
    """Adds a row: each column is a parameter unless ``fixed`` gives its value."""
    names = [column.name for column in table.columns if column.name not in fixed]
    values = {name: bindparam(name) for name in names} | written(fixed)
    return Statement(insert(table).values(values).inline())  # inline: it gives no key back


def setting(change: Update, *names: str, **fixed: Any) -> Statement:
    """Changes rows: the columns ``names`` become parameters, ``fixed`` gives expressions."""
    return Statement(change.values({name: bindparam(name) for name in names} | written(fixed)))


def written(fixed: Mapping[str, Any]) -> dict[str, Any]:
    """Values that stand in the text of a statement: as parameters they would be sent each time.

    Expressions stay as they are.
    """
    return {name: _literal(value) for name, value in fixed.items()}


def _literal(value: Any) -> Any:
    if value is None:
        return null()
    if isinstance(value, int):
        return literal_column(str(value))
    if isinstance(value, str):
        quoted = value.replace("'", "''")
        return literal_column(f"'{quoted}'")
    return value


def storing(table: Table, *keys: str) -> Statement:
    """Adds a row, or replaces the one with the same ``keys``."""
    changed = [column.name for column in table.columns if column.name not in keys]
    return _adding(table, keys, changed)


def keeping(table: Table, *keys: str) -> Statement:
    """Adds a row; one with the same ``keys`` stays as it is, and counts as hit."""
    return _adding(table, keys, keys)


def adding_once(table: Table) -> Statement:
    """Adds a row; where one with the same key is there, nothing is hit."""
    values = _each_column(table)
    return Statement(
        sqlite.insert(table).values(values).on_conflict_do_nothing(),
        postgresql.insert(table).values(values).on_conflict_do_nothing(),
    )


def _adding(table: Table, keys: tuple[str, ...], changed: tuple[str, ...] | list[str]) -> Statement:
    """Adds a row, or changes these columns of the one with the same keys."""

    def by(adding: Any) -> ClauseElement:
        told: ClauseElement = adding.on_conflict_do_update(
            index_elements=list(keys), set_={name: adding.excluded[name] for name in changed}
        )
        return told

    values = _each_column(table)
    return Statement(
        by(sqlite.insert(table).values(values)), by(postgresql.insert(table).values(values))
    )


def _each_column(table: Table) -> dict[str, Any]:
    return {column.name: bindparam(column.name) for column in table.columns}


@cache
def creating(*chosen: Table, dialect: Dialect = SQLITE) -> tuple[str, ...]:
    """The SQL that creates tables with their indexes (all of them where none is named)."""
    script: list[str] = []
    for table in chosen or tuple(tables.metadata.sorted_tables):
        script.append(str(CreateTable(table).compile(dialect=dialect)))
        indexes = sorted(table.indexes, key=lambda index: str(index.name))
        script += [str(CreateIndex(index).compile(dialect=dialect)) for index in indexes]
    return tuple(script)
