"""One unit of work on a record that nobody serves, signed before anybody serves it again."""

import contextlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from gateway.journal.appending import AppendingAtOnce
from gateway.journal.beside import COMMAND_WRITER
from gateway.journal.checkpoint_file import CheckpointFile
from gateway.journal.database import BROKEN, open_writer, unreadable
from gateway.journal.folder import FolderLock
from gateway.journal.heads import Heads
from gateway.journal.session import Session
from gateway.journal.signing import Signer, keep_checkpoint, next_checkpoint
from gateway.journal.sqlite_session import SqliteSession
from gateway.journal.unit import Unit
from gateway.model.entry import NewEntry
from gateway.model.ports import Clock
from gateway.model.time import stamp


@dataclass(frozen=True, slots=True)
class Alone:
    """The only writer of a record, within one transaction."""

    connection: sqlite3.Connection
    session: Session
    heads: Heads
    now: str

    def append(self, entry: NewEntry) -> None:
        """Record a fact; the projections follow at once.

        Raises:
            ProblemError, ValueError, TypeError: as ``Tx.append``.
        """
        appending = AppendingAtOnce(self.connection.cursor())
        unit = Unit(self.session, appending, self.heads, self.now, COMMAND_WRITER)
        unit.append(entry)
        self.heads.keep()
        self.heads.store()


@contextlib.contextmanager
def alone(path: Path, clock: Clock, signer: Signer) -> Iterator[Alone]:
    """The record in ``path``, for one unit of work that becomes durable at the end, together with
    a checkpoint over it. Where the block raises, nothing of it is kept.

    Raises:
        ProblemError: DATA_DIR_IN_USE, DATABASE_UNREADABLE, DATABASE_UNKNOWN_VERSION,
            JOURNAL_DAMAGED or KEYS_UNUSABLE where no checkpoint can be signed.
    """
    with FolderLock(path.parent):
        try:
            with closing(open_writer(path)) as connection:
                session = SqliteSession(connection.cursor())
                with _transaction(connection):
                    now = stamp(clock.now())
                    yield Alone(connection, session, Heads(session), now)
                    signed = next_checkpoint(session, signer, now)
                    if signed is not None:
                        keep_checkpoint(session, signed)
                CheckpointFile(path.parent).complete(session)
        except BROKEN as error:
            raise unreadable(path, error) from error


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
