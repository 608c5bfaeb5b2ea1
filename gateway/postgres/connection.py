"""One connection to PostgreSQL, for one thread at a time, that is made anew after it was lost."""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, LiteralString, TypeVar

import psycopg

from gateway.model.problem import ProblemError, refuse
from gateway.postgres.asked import connect
from gateway.postgres.patient import PatientSession, Row
from gateway.postgres.unreached import unreached

CONNECT_SECONDS = 5
"""How long the server may take to accept a connection."""

ALIVE: dict[str, Any] = {
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,  # milliseconds until what is sent must be acknowledged
}
"""How a dead connection is noticed that nobody closed."""

T = TypeVar("T")
Session = psycopg.Connection[Row]

_log = logging.getLogger(__name__)


class Connection:
    """A connection for what ``purpose`` names, opened when it is first used.

    ``opened`` prepares each session that is made; where it raises, there is no session. Statements
    run in autocommit, but for those within ``transaction``. ``settings`` are options of the server
    for each session, such as ``lock_timeout``. A session of which nothing comes back for
    ``silence`` seconds counts as lost (None: never). Thread-safe, by ``lock``.
    """

    def __init__(
        self,
        url: str,
        purpose: str,
        opened: Callable[[Session], None] = lambda _: None,
        settings: dict[str, str] | None = None,
        silence: float | None = None,
    ) -> None:
        self.lock = threading.RLock()
        self._url = url
        self._purpose = purpose
        self._opened = opened
        self._settings = settings or {}
        self._silence = silence
        self._session: Session | None = None
        self._in_transaction = False
        self._closed = False

    def close(self) -> None:
        """End the session; the connection cannot be used any more."""
        with self.lock:
            self._closed = True
            self._drop()

    def change(self, statement: LiteralString, given: Sequence[object] = ()) -> int:
        """Run a statement as ``rows`` does; returns how many rows it changed.

        Raises:
            ProblemError: SERVICE_UNAVAILABLE when the database cannot be asked.
        """
        return self.run(lambda session: session.execute(statement, given or None).rowcount)

    def rows(self, statement: LiteralString, given: Sequence[object] = ()) -> list[Row]:
        """Run a statement and return its rows; an empty list for one that has none.

        A session that was lost meanwhile is replaced, and the statement then runs in the new one,
        unless it is part of a transaction: so outside of one it must be safe to repeat.

        Raises:
            ProblemError: SERVICE_UNAVAILABLE when the database cannot be asked.
        """
        return self.run(lambda session: _rows(session, statement, given))

    def run(self, work: Callable[[Session], T]) -> T:
        """Let ``work`` use the session; a second time in a new one, if the first was lost and no
        transaction is open.

        Raises:
            ProblemError: SERVICE_UNAVAILABLE when the database cannot be asked.
        """
        with self.lock:
            may_repeat = self._session is not None and not self._in_transaction
            try:
                return work(self._ready())
            except psycopg.Error as error:
                if not (self._is_lost(error) and may_repeat):
                    raise self._unavailable(error) from error
            try:
                return work(self._ready())
            except psycopg.Error as error:
                self._is_lost(error)
                raise self._unavailable(error) from error

    @contextmanager
    def transaction(self, first: LiteralString = "") -> Iterator[None]:
        """Make the statements within durable as a whole or not at all; other threads wait.

        ``first`` is a statement that the transaction begins with. Transactions are not nested.

        Raises:
            ProblemError: SERVICE_UNAVAILABLE when the database cannot be asked.
        """
        with self.lock:
            self.run(lambda session: session.execute(f"BEGIN; {first}"))
            self._in_transaction = True
            try:
                yield
                self.run(lambda session: session.execute("COMMIT"))
            except BaseException:
                self._give_up()
                raise
            finally:
                self._in_transaction = False

    def _give_up(self) -> None:
        session = self._session
        if session is None:  # with it ended the transaction
            return
        try:
            session.execute("ROLLBACK")
        except psycopg.Error:
            self._drop()

    def _ready(self) -> Session:
        if self._closed:
            raise refuse("SERVICE_UNAVAILABLE", f"The connection for {self._purpose} is closed.")
        if self._session is None:
            if self._in_transaction:
                told = f"The database of {self._purpose} was lost in the midst of a change."
                raise refuse("SERVICE_UNAVAILABLE", f"{told} Nothing of it is kept; try again.")
            self._session = self._connected()
        return self._session

    def _connected(self) -> Session:
        named = f"contract-gateway {self._purpose}"
        try:
            session = connect(
                self._patient,
                self._url,
                self._settings,
                autocommit=True,
                connect_timeout=CONNECT_SECONDS,
                application_name=named,
                **ALIVE,
            )
        except psycopg.Error as error:
            raise self._unavailable(error) from error
        try:
            self._opened(session)
        except BaseException as error:
            session.close()
            if isinstance(error, psycopg.Error):
                raise self._unavailable(error) from error
            raise
        return session

    def _patient(self, url: str, **given: Any) -> Session:
        session = PatientSession.connect(url, **given)
        session.silence = self._silence
        return session

    def _is_lost(self, error: psycopg.Error) -> bool:
        """True, and the session is dropped, if it cannot be used any more."""
        if self._session is not None and (self._session.closed or is_gone(error)):
            self._drop()
        return self._session is None

    def _drop(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def _unavailable(self, error: psycopg.Error) -> ProblemError:
        _log.warning("the database of %s: %s", self._purpose, as_text(error))
        remedy = ". Try again" if error.sqlstate else f": {unreached(error)}"
        told = f"The database of {self._purpose} cannot be used now ({as_text(error)}){remedy}."
        return refuse("SERVICE_UNAVAILABLE", told)


_ENDED = (
    psycopg.errors.AdminShutdown,
    psycopg.errors.CrashShutdown,
    psycopg.errors.CannotConnectNow,
    psycopg.errors.IdleSessionTimeout,
)


def is_gone(error: psycopg.Error) -> bool:
    """Whether an error says that the session has ended, whatever the server still thinks."""
    return isinstance(error, _ENDED) or (
        isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
        and error.sqlstate is None
    )


def as_text(error: psycopg.Error) -> str:
    """What went wrong by its name and SQLSTATE alone; messages of servers may hold values."""
    name = type(error).__name__
    return f"{name} {error.sqlstate}" if error.sqlstate else name


def _rows(session: Session, statement: LiteralString, given: Sequence[object]) -> list[Row]:
    cursor = session.execute(statement, given or None)
    return cursor.fetchall() if cursor.description is not None else []
