"""Reading: queries that wait together share one read transaction, so one snapshot.

A snapshot begins after its queries were queued, so each sees whatever had been durable by then.
"""

import sqlite3

from gateway.journal.faults import told
from gateway.journal.records import SqlRecords
from gateway.journal.sqlite_session import SqliteSession
from gateway.journal.work import Work, run


class SnapshotReader:
    """Performs batches of queries on one read-only connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._cursor = connection.cursor()
        self._records = SqlRecords(SqliteSession(self._cursor))

    def perform(self, batch: list[Work]) -> list[Work]:
        """Run a batch of queries; each work holds its outcome afterwards."""
        self._cursor.execute("BEGIN")
        try:
            for work in batch:
                run(work, self._records)
                if work.error is not None:
                    work.error = told(work.error)
        finally:
            if self._connection.in_transaction:
                self._cursor.execute("COMMIT")
        return []
