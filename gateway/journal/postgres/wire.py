"""The wire: prepared statements in a pipeline, on libpq itself.

A statement costs a few microseconds to send and no wait; one round trip then answers whatever was
sent. Going through cursors costs ten times as much and waits each time.

libpq, "Pipeline Mode": a failed statement aborts what follows up to the next sync, so results are
always read up to one.
"""

import time
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import pq
from psycopg.pq.abc import PGresult

from gateway.journal.postgres.errors import LOST, STOOD_STILL, LostConnectionError, PostgresError
from gateway.journal.postgres.values import parameter
from gateway.postgres import (
    ALIVE,
    CONNECT_SECONDS,
    ENCODING,
    NO_LIMIT,
    asked_of,
    await_any,
    limits_transactions,
)

PATIENCE = 15.0
"""Seconds to wait for an answer before the connection counts as lost."""

_GOOD = (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK)
_OPTIONS: dict[str, Any] = {
    "autocommit": True,
    "connect_timeout": CONNECT_SECONDS,
    "client_encoding": ENCODING,
    **ALIVE,
    "tcp_user_timeout": int(PATIENCE * 1000),
}


class Wire:
    """One connection. Not thread-safe.

    ``lock_timeout`` is in milliseconds, as is ``idle_timeout``: for how long nothing may happen in
    a transaction before the server ends it, with its locks.
    """

    def __init__(
        self, url: str, name: str, *, lock_timeout: int = 250, idle_timeout: int = 60_000
    ) -> None:
        """Connect.

        Raises:
            LostConnectionError: it could not be made.
        """
        settings: dict[str, Any] = {"lock_timeout": lock_timeout, "statement_timeout": "30s"}
        settings |= {"idle_in_transaction_session_timeout": idle_timeout}
        settings |= {"synchronous_commit": "on"}
        try:
            self._connection = psycopg.connect(
                url, application_name=name, options=asked_of(url, **settings), **_OPTIONS
            )
        except psycopg.Error as error:
            raise LostConnectionError(error.sqlstate or "08001") from error
        self._link = self._connection.pgconn
        self._link.nonblocking = 1
        self._link.enter_pipeline_mode()
        self._names: dict[str, bytes] = {}
        self._count = 0
        self._places = 0
        self._sent: list[str | None] = []  # the text of what is being prepared, None of the rest
        self._idle = idle_timeout / 1000
        self._quiet_since: float | None = None  # within a transaction
        self.is_lost = False
        if limits_transactions(self._connection):
            self.send(NO_LIMIT)
            self.answers()

    def send(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Send a statement with ``$1`` and so on; returns which of the ``answers`` is its own."""
        given = [parameter(value) for value in values]
        name = self._names.get(sql)
        try:
            if name is None:
                self._count += 1
                name = self._names[sql] = b"s%d" % self._count
                self._link.send_prepare(name, sql.encode())
                self._sent.append(sql)
            self._link.send_query_prepared(name, given)
        except psycopg.Error as error:
            raise self._lost() from error
        self._sent.append(None)
        self._places += 1
        return self._places - 1

    def answers(self) -> list[PGresult]:
        """Wait for what was sent: one result for each statement, in order.

        Raises:
            PostgresError: the first of them that failed; those behind it were not run.
            LostConnectionError: the connection is gone; the transaction was not committed, unless
                its COMMIT was among what was sent.
        """
        sent, self._sent, self._places = self._sent, [], 0
        since = self._quiet_since
        stood_still = since is not None and time.monotonic() - since > self._idle
        try:
            self._link.pipeline_sync()
            results = self._read_to_sync()
            if len(results) != len(sent):
                raise OSError("the server answered something else")
        except (psycopg.Error, OSError) as error:
            raise self._lost(STOOD_STILL if stood_still else LOST) from error
        self._quiet_since = time.monotonic() if self.in_transaction else None
        failure: PostgresError | None = None
        found: list[PGresult] = []
        for prepared, result in zip(sent, results, strict=True):
            if result.status in _GOOD:
                if prepared is None:
                    found.append(result)
                continue
            if prepared is not None:
                self._names.pop(prepared, None)
            if failure is None:
                failure = _failed(result)
        if failure is not None:
            if failure.is_lost:
                raise self._lost(failure.sqlstate)
            raise failure
        return found

    @property
    def in_transaction(self) -> bool:
        """True between BEGIN and COMMIT, also where a statement failed there."""
        return not self.is_lost and self._link.transaction_status != pq.TransactionStatus.IDLE

    def close(self) -> None:
        """Let the connection go."""
        self.is_lost = True
        self._connection.close()

    def _read_to_sync(self) -> list[PGresult]:
        link, deadline = self._link, time.monotonic() + PATIENCE
        results: list[PGresult] = []
        while link.flush():
            self._await(deadline, writing=True)
        while True:
            while link.is_busy():
                self._await(deadline)
            result = link.get_result()
            if result is None:
                self._require_open()  # what cannot be understood closes it, with no more results
                continue
            if result.status == pq.ExecStatus.PIPELINE_SYNC:
                return results
            results.append(result)

    def _await(self, deadline: float, *, writing: bool = False) -> None:
        link = self._link
        self._require_open()
        outgoing = link.socket if writing else None
        incoming, may_send = await_any(deadline - time.monotonic(), link.socket, writing=outgoing)
        if not incoming and not may_send:
            raise OSError("the server did not answer in time")
        if incoming:
            link.consume_input()

    def _require_open(self) -> None:
        if self._link.status != pq.ConnStatus.OK:
            raise OSError("the connection is closed")

    def _lost(self, sqlstate: str = LOST) -> LostConnectionError:
        self.close()
        return LostConnectionError(sqlstate)


def _failed(result: PGresult) -> PostgresError:
    """What the server says, or ``LOST`` where libpq could not take its answer: nobody knows then
    what the server did."""
    state = result.error_field(pq.DiagnosticField.SQLSTATE)
    constraint = result.error_field(pq.DiagnosticField.CONSTRAINT_NAME)
    return PostgresError((state or LOST.encode()).decode(), (constraint or b"").decode())
