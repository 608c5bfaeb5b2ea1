"""Reading: queries that wait together share one read transaction, so one snapshot."""

from collections.abc import Callable

from gateway.journal.postgres.commit import OUTAGE
from gateway.journal.postgres.errors import LostConnectionError, PostgresError, unavailable
from gateway.journal.postgres.link import Link
from gateway.journal.postgres.opening import BEGIN_SNAPSHOT
from gateway.journal.postgres.session import PostgresSession
from gateway.journal.records import SqlRecords
from gateway.journal.work import Work, run

_TRIES = 3


class PostgresReader:
    """Performs batches of queries on a connection of its own, and again where it was lost."""

    def __init__(self, url: str, stopping: Callable[[], bool] = lambda: False) -> None:
        self._link = Link(url, "gateway-reader")
        self._stopping = stopping

    def perform(self, batch: list[Work]) -> list[Work]:
        """Run a batch of queries; each work holds its outcome afterwards."""
        left = batch
        for _ in range(_TRIES):
            try:
                session = PostgresSession(self._link.wire_within(OUTAGE, self._stopping))
            except LostConnectionError as error:
                for work in left:
                    work.fail(unavailable(error))
                return []
            left = self._snapshot(session, left)
            if not left:
                return []
        for work in left:
            work.fail(unavailable(LostConnectionError()))
        return []

    def close(self) -> None:
        """Let the connection go."""
        self._link.close()

    def _snapshot(self, session: PostgresSession, batch: list[Work]) -> list[Work]:
        """Run queries over one snapshot; returns those that a lost connection left unanswered.

        After a query that failed in the database the next ones have a snapshot of their own.
        """
        records = SqlRecords(session)
        is_open = False
        for place, work in enumerate(batch):
            if not is_open:
                session.command(BEGIN_SNAPSHOT)
                is_open = True
            run(work, records)
            failure = session.failure
            if isinstance(failure, LostConnectionError):
                return batch[place:]
            if failure is not None:
                session.abandon()
                is_open = False
            if isinstance(work.error, PostgresError):
                work.fail(unavailable(work.error))
        if is_open:
            session.command("COMMIT")
            session.abandon()
        return []
