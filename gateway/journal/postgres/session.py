"""A session on PostgreSQL: reads wait for their answer, changes travel with the next read."""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg.pq.abc import PGresult

from gateway.journal.postgres.errors import PostgresError
from gateway.journal.postgres.gathering import Gathering
from gateway.journal.postgres.many import MANY
from gateway.journal.postgres.values import rows_of
from gateway.journal.postgres.wire import Wire
from gateway.journal.session import NoSuchRowError, Row, Session
from gateway.journal.statement import Parameters, Statement

_PAGE = 1_000
"""How many rows are fetched at a time where all are gone through."""


def _setting(plans: str, scans: str) -> str:
    """What sets for this transaction how plans are kept, and whether one may go through a table."""
    settings = {"plan_cache_mode": plans}
    settings |= dict.fromkeys(("enable_seqscan", "enable_hashjoin", "enable_mergejoin"), scans)
    told = (f"set_config('{name}', '{value}', true)" for name, value in settings.items())
    return f"SELECT {', '.join(told)}"


_BY_KEY, _AS_EVER = _setting("force_generic_plan", "off"), _setting("auto", "on")


@dataclass(slots=True)
class _Asked:
    """A read that was sent ahead, when so many changes had been sent."""

    place: int
    changes: int
    result: PGresult | None = None


class DuplicateError(PostgresError):
    """A row with this key is there already."""


class PostgresSession(Session):
    """``Session`` over a wire.

    Changes of single rows are gathered until something must see them, and then sent many rows at a
    time. What ``change_one`` promises is checked when answers are read: at the next ``one``,
    ``all`` or ``change``, or by ``settle``. ``changes`` counts what was sent or gathered that
    changes something, and ``failure`` is the first error since ``forget``: whoever runs a unit
    looks there, because the unit may have gone on.
    """

    __slots__ = (
        "_asked",
        "_cursors",
        "_exactly",
        "_gathered",
        "_is_by_key",
        "_wire",
        "changes",
        "failure",
    )

    duplicates: type[Exception] = DuplicateError

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._exactly: list[tuple[int, int]] = []
        self._gathered = Gathering()
        self._is_by_key = False
        self._asked: dict[tuple[str, Parameters], _Asked] = {}
        self._cursors = 0
        self.changes = 0
        self.failure: Exception | None = None

    def one(self, statement: Statement, /, **values: Any) -> Row | None:
        """The first row that a statement gives, None where there is none."""
        rows = self.all(statement, **values)
        return rows[0] if rows else None

    def all(self, statement: Statement, /, **values: Any) -> list[Row]:
        """Every row that a statement gives."""
        form = statement.postgres
        parameters = form.parameters(values)
        read = (form.sql, parameters)
        asked = self._asked.get(read)
        if asked is not None and asked.changes == self.changes:
            if asked.result is None:
                self.settle()
            del self._asked[read]
            assert asked.result is not None  # noqa: S101 - answered with whatever was sent
            return rows_of(asked.result)
        self.changes += form.changes
        place = self._sent(form.sql, parameters)
        return rows_of(self.settle()[place])

    def ask(self, statement: Statement, /, **values: Any) -> None:
        """Send a read that is about to be wanted, so that it travels with another.

        The same read then waits for nothing, unless something was changed meanwhile.
        """
        form = statement.postgres
        read = (form.sql, form.parameters(values))
        known = self._asked.get(read)
        if known is None or known.changes != self.changes:
            self._asked[read] = _Asked(self._sent(*read), self.changes)

    def each(self, statement: Statement, /, **values: Any) -> Iterator[Row]:
        """The rows that a statement gives: fetched in pages within a transaction, else at once."""
        if not self._wire.in_transaction:
            self.settle()  # it may be about to begin
        if not self._wire.in_transaction:
            yield from self.all(statement, **values)
            return
        self._cursors += 1
        form, name = statement.postgres, f"rows_{self._cursors}"
        declaring = f"DECLARE {name} NO SCROLL CURSOR FOR {form.sql}"
        self._sent(declaring, form.parameters(values))
        fetching = f"FETCH FORWARD {_PAGE} FROM {name}"
        while True:
            place = self._sent(fetching)
            rows = rows_of(self.settle()[place])
            yield from rows
            if len(rows) < _PAGE:
                break
        self.command(f"CLOSE {name}")

    def change(self, statement: Statement, /, **values: Any) -> int:
        """Run a change; returns how many rows it hit."""
        self.changes += 1
        place = self._send(statement, values)
        return self.settle()[place].command_tuples or 0

    def change_one(self, statement: Statement, /, **values: Any) -> None:
        """Run a change that must hit exactly one row; it is checked later, see the class."""
        self.changes += 1
        if not self._gathered.add(statement, values):
            self._exactly.append((self._send(statement, values), 1))

    def change_unseen(self, statement: Statement, /, **values: Any) -> None:
        """Run a change, however many rows it hits."""
        self.changes += 1
        self._send(statement, values)

    def command(self, sql: str, *values: Any) -> None:
        """Send a command of the database itself."""
        self._sent(sql, values)

    @contextlib.contextmanager
    def by_key(self) -> Iterator[None]:
        """Look rows up by their keys meanwhile, by plans that are made once.

        Statements on a few rows of a table are planned anew each time, which costs more than to run
        them; and a plan that was made while a table was small would read all of it for ever.
        """
        self._sent(_BY_KEY)
        self._is_by_key = True
        yield
        self._is_by_key = False
        self._sent(_AS_EVER)

    def settle(self) -> list[PGresult]:
        """Wait until everything that was sent is done; the results, in order.

        Raises:
            PostgresError: the first that failed.
            NoSuchRowError: a ``change_one`` did not hit exactly one row.
        """
        self._send_gathered()
        exactly, self._exactly = self._exactly, []
        try:
            results = self._wire.answers()
            for asked in self._asked.values():
                if asked.result is None:
                    asked.result = results[asked.place]
            if any(results[place].command_tuples != rows for place, rows in exactly):
                raise NoSuchRowError
        except PostgresError as error:
            self._asked = {}  # what was asked is answered no more
            told = DuplicateError(error.sqlstate) if error.is_duplicate else error
            self.failure = self.failure or told
            raise told from error
        except NoSuchRowError as error:
            self.failure = self.failure or error
            raise
        return results

    def forget(self) -> None:
        """What was sent is being undone: expect nothing of it, and know of no failure."""
        self._exactly = []
        self._asked = {}
        self._gathered.clear()
        self._is_by_key = False
        self.failure = None

    def abandon(self) -> None:
        """Undo the transaction. A connection that is lost has nothing to be undone."""
        self.forget()
        if self._wire.is_lost:
            return
        with contextlib.suppress(PostgresError):
            self._wire.answers()
        if not self._wire.in_transaction:
            return
        self.command("ROLLBACK")
        try:
            self._wire.answers()
        except PostgresError:
            self._wire.close()  # whatever is wrong with it, closing undoes as well

    def _send(self, statement: Statement, values: dict[str, Any]) -> int:
        form = statement.postgres
        return self._sent(form.sql, form.parameters(values))

    def _sent(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Send a statement behind whatever was gathered, which it must see."""
        self._send_gathered()
        return self._wire.send(sql, values)

    def _send_gathered(self) -> None:
        if not self._gathered:
            return
        changes = [*self._gathered.take()]
        if self._is_by_key or all(len(rows) == 1 for _, rows in changes):
            self._send_changes(changes)
            return
        with self.by_key():
            self._send_changes(changes)

    def _send_changes(self, changes: Iterable[tuple[Statement, list[Parameters]]]) -> None:
        for statement, rows in changes:
            form, values = statement.postgres, rows[0]
            if len(rows) > 1:
                columns = dict(zip(form.names, zip(*rows, strict=True), strict=True))
                form = MANY[statement].statement.postgres
                values = form.parameters({name: columns[name] for name in form.required})
            self._exactly.append((self._wire.send(form.sql, values), len(rows)))
