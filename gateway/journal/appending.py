"""Where the entries of a batch are put, and who numbers them."""

import sqlite3
from typing import Any, Protocol, TypeAlias

from gateway.journal.statements import INSERT_ENTRY

NewRow: TypeAlias = tuple[Any, ...]
"""The columns of an entry in the order of the table, without its position."""


class Appending(Protocol):
    """Takes the entries of units, in the order in which they are to stand in the record."""

    def insert(self, row: NewRow) -> int:
        """Put an entry into the record; returns its position, 0 where it is numbered later."""
        ...


class AppendingAtOnce(Appending):
    """Inserts each entry as it comes; SQLite numbers it."""

    __slots__ = ("_cursor",)

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self._cursor = cursor

    def insert(self, row: NewRow) -> int:
        """Put an entry into the record; returns its position."""
        self._cursor.execute(INSERT_ENTRY.sqlite.sql, (None, *row))
        return self._cursor.lastrowid or 0
