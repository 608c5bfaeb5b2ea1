"""A statement of SQLAlchemy Core, compiled once to the driver's SQL.

The hot path hands ``sql`` and positional parameters straight to the driver: compiling, or looking
up a compiled form, at each call costs more than the statement itself.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

from sqlalchemy import ClauseElement, Table, bindparam, insert
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlalchemy.sql.expression import Update

from gateway.journal import tables

_DIALECT = sqlite.dialect(paramstyle="qmark")

Parameters: TypeAlias = tuple[Any, ...]
"""Positional parameters of a statement."""


class Statement:
    """One statement: its ``sql`` and the order of its named parameters."""

    __slots__ = ("_constants", "_names", "_required", "sql")

    def __init__(self, clause: ClauseElement) -> None:
        compiled: Any = clause.compile(dialect=_DIALECT)
        self.sql = str(compiled)
        self._names: tuple[str, ...] = tuple(compiled.positiontup or ())
        self._required = frozenset(n for n in self._names if compiled.binds[n].required)
        self._constants: Mapping[str, Any] = {
            name: compiled.params[name] for name in self._names if name not in self._required
        }

    def bind(self, **values: Any) -> Parameters:
        """The positional parameters for ``values``, one for each name in the statement.

        Raises:
            KeyError: a parameter is missing.
            TypeError: there are too many or too few.
        """
        if len(values) != len(self._required):
            raise TypeError(f"this statement takes the parameters {sorted(self._required)}")
        return tuple(map({**self._constants, **values}.__getitem__, self._names))


def inserting(table: Table, **fixed: Any) -> Statement:
    """Adds a row: each column is a parameter unless ``fixed`` gives its value."""
    names = [column.name for column in table.columns if column.name not in fixed]
    return Statement(insert(table).values({name: bindparam(name) for name in names} | fixed))


def setting(change: Update, *names: str, **fixed: Any) -> Statement:
    """Changes rows: the columns ``names`` become parameters, ``fixed`` gives expressions."""
    return Statement(change.values({name: bindparam(name) for name in names} | fixed))


def storing(table: Table, key: str) -> Statement:
    """Adds a row, or replaces the one with the same ``key``."""
    names = [column.name for column in table.columns]
    adding = sqlite.insert(table).values({name: bindparam(name) for name in names})
    changed = {name: adding.excluded[name] for name in names if name != key}
    return Statement(adding.on_conflict_do_update(index_elements=[key], set_=changed))


def creating(*chosen: Table) -> list[str]:
    """The SQL that creates tables with their indexes (all of them where none is named)."""
    script: list[str] = []
    for table in chosen or tuple(tables.metadata.sorted_tables):
        script.append(str(CreateTable(table).compile(dialect=_DIALECT)))
        indexes = sorted(table.indexes, key=lambda index: str(index.name))
        script += [str(CreateIndex(index).compile(dialect=_DIALECT)) for index in indexes]
    return script
