"""Leadership: one process at a time holds a lock in PostgreSQL, and with it the duties.

The lock belongs to a session. A process that dies loses its session at once. One that is cut off,
or stands still, loses it when the server has heard nothing for ``SILENCE`` seconds; it has itself
given up its duties before, since it asks more often and gives up when nobody answers. Only a
process that stands still and goes on later may, for a moment, not know that another leads by now:
so duties must bear a second leader, by compare-and-set in what they write.

The lock needs a session of its own from end to end: a connection pooler in between must keep one
server session for each client session.
"""

import asyncio
import logging

import psycopg

from gateway.postgres import PatientAsyncSession, SharedLock, as_text, asked_of
from gateway.postgres.connection import ALIVE
from gateway.postgres.locks import PROGRAM

SILENCE = 6
"""Seconds after which the server ends the session of a leader that it hears nothing of."""

PATIENCE = 2.0
"""Seconds in which a session must be had, and in which the server must answer whoever asks whether
it leads."""

_SETTINGS = {"idle_session_timeout": f"{SILENCE}s", "statement_timeout": "2s"}
_log = logging.getLogger(__name__)


class PostgresLeadership:
    """Leadership by an advisory lock in the database ``url``."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session: PatientAsyncSession | None = None
        self._leads = False
        self._trouble = ""

    async def holds(self) -> bool:
        """See ``Leadership``."""
        try:
            self._leads = await self._asked()
        except (psycopg.Error, TimeoutError, OSError) as error:
            self._tell(as_text(error) if isinstance(error, psycopg.Error) else "no answer")
            await self.resign()
        else:
            self._tell("")
        return self._leads

    async def resign(self) -> None:
        """See ``Leadership``."""
        session, self._session, self._leads = self._session, None, False
        if session is not None:
            await session.close()

    async def _asked(self) -> bool:
        session = self._session or await self._connected()
        if self._leads:
            await session.execute("SELECT 1")
            return True
        asked = await session.execute(
            "SELECT pg_try_advisory_lock(%s, %s)", (PROGRAM, int(SharedLock.DUTIES))
        )
        row = await asked.fetchone()
        return bool(row and row[0])

    async def _connected(self) -> PatientAsyncSession:
        async with asyncio.timeout(PATIENCE):
            self._session = await PatientAsyncSession.connect(
                self._url,
                autocommit=True,
                application_name="contract-gateway duties",
                options=asked_of(self._url, **_SETTINGS),
                **ALIVE,
            )
        self._session.silence = PATIENCE
        return self._session

    def _tell(self, trouble: str) -> None:
        """Log what is wrong once, when it begins."""
        if trouble and trouble != self._trouble:
            _log.warning("who has the duties cannot be asked: %s", trouble)
        self._trouble = trouble
