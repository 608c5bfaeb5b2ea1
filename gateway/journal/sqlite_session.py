"""A session on SQLite: statements run at once on a cursor of ``sqlite3``."""

import sqlite3
from collections.abc import Iterator
from typing import Any

from gateway.journal.session import NoSuchRowError, Row, Session
from gateway.journal.statement import Statement


class SqliteSession(Session):
    """``Session`` over a cursor. Errors of the driver pass through."""

    __slots__ = ("_cursor",)

    duplicates: type[Exception] = sqlite3.IntegrityError

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self._cursor = cursor

    def one(self, statement: Statement, /, **values: Any) -> Row | None:
        """The first row that a statement gives, None where there is none."""
        form = statement.sqlite
        row: Row | None = self._cursor.execute(form.sql, form.parameters(values)).fetchone()
        return row

    def all(self, statement: Statement, /, **values: Any) -> list[Row]:
        """Every row that a statement gives."""
        form = statement.sqlite
        return self._cursor.execute(form.sql, form.parameters(values)).fetchall()

    def each(self, statement: Statement, /, **values: Any) -> Iterator[Row]:
        """The rows that a statement gives, read from a cursor of their own."""
        form = statement.sqlite
        return self._cursor.connection.execute(form.sql, form.parameters(values))

    def change(self, statement: Statement, /, **values: Any) -> int:
        """Run a change; returns how many rows it hit."""
        form = statement.sqlite
        return self._cursor.execute(form.sql, form.parameters(values)).rowcount

    def change_one(self, statement: Statement, /, **values: Any) -> None:
        """Run a change that must hit exactly one row.

        Raises:
            NoSuchRowError: it hit none, or several.
        """
        form = statement.sqlite
        if self._cursor.execute(form.sql, form.parameters(values)).rowcount != 1:
            raise NoSuchRowError

    def change_unseen(self, statement: Statement, /, **values: Any) -> None:
        """Run a change, however many rows it hits."""
        form = statement.sqlite
        self._cursor.execute(form.sql, form.parameters(values))


class TolerantSession(SqliteSession):
    """Reads also text that is damaged, with a mark for each byte that is no UTF-8."""

    __slots__ = ()

    def all(self, statement: Statement, /, **values: Any) -> list[Row]:
        """Every row that a statement gives."""
        try:
            return super().all(statement, **values)
        except sqlite3.OperationalError:
            # Text that is damaged is to be listed; what else is wrong raises again.
            self._cursor.connection.text_factory = _any_text
            return super().all(statement, **values)


def _any_text(stored: bytes) -> str:
    return stored.decode("utf-8", "replace")
