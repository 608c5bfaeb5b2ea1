"""One unit of work on a record that nobody else writes meanwhile, signed before it is committed."""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass
from pathlib import Path

from gateway.journal.appending import AppendingAtOnce
from gateway.journal.beside import COMMAND_WRITER
from gateway.journal.checkpoint_file import CheckpointFile
from gateway.journal.database import BROKEN, open_writer, unreadable, writing
from gateway.journal.folder import FolderLock
from gateway.journal.heads import Heads
from gateway.journal.place import Place
from gateway.journal.session import Session
from gateway.journal.signing import Signer, keep_checkpoint, next_checkpoint
from gateway.journal.sqlite_session import SqliteSession
from gateway.journal.unit import Unit
from gateway.model.entry import NewEntry
from gateway.model.ports import Clock
from gateway.model.time import stamp


@dataclass(frozen=True, slots=True)
class Alone:
    """The only writer of a record, within one transaction at the moment ``now``.

    ``append`` records a fact; the projections follow at once. It raises what ``Tx.append`` does.
    """

    session: Session
    now: str
    append: Callable[[NewEntry], object]


def holding(place: Place) -> AbstractContextManager[object]:
    """Keeps servers from a record for as long as several units of work take, where it is a file.

    On PostgreSQL servers go on in between.

    Raises:
        ProblemError: DATA_DIR_IN_USE.
    """
    return FolderLock(place.parent) if isinstance(place, Path) else nullcontext()


@contextlib.contextmanager
def alone(place: Place, data_dir: Path, clock: Clock, signer: Signer) -> Iterator[Alone]:
    """The record, for one unit of work that becomes durable at the end, together with a checkpoint
    over it. Where the block raises, nothing of it is kept. The place is held by the caller.

    ``data_dir`` gets the second copy of the checkpoints. On PostgreSQL other processes wait
    meanwhile, and the database's clock is used.

    Raises:
        ProblemError: DATABASE_UNREADABLE, DATABASE_OUTDATED, DATABASE_UNKNOWN_VERSION,
            SERVICE_UNAVAILABLE; JOURNAL_DAMAGED or KEYS_UNUSABLE where no checkpoint can be signed.
    """
    if isinstance(place, str):
        from gateway.journal.postgres.alone import alone_among_others  # only where it is used

        with alone_among_others(place, data_dir, signer) as record:
            yield record
        return
    try:
        with closing(open_writer(place)) as connection:
            session = SqliteSession(connection.cursor())
            with writing(connection):
                now = stamp(clock.now())
                yield Alone(session, now, _appending(connection, session, now))
                signed = next_checkpoint(session, signer, now)
                if signed is not None:
                    keep_checkpoint(session, signed)
            CheckpointFile(place.parent).catch_up(session)
    except BROKEN as error:
        raise unreadable(place, error) from error


def _appending(
    connection: sqlite3.Connection, session: Session, now: str
) -> Callable[[NewEntry], None]:
    heads, appending = Heads(session), AppendingAtOnce(connection.cursor())

    def append(entry: NewEntry) -> None:
        Unit(session, appending, heads, now, COMMAND_WRITER).append(entry)
        heads.keep()
        heads.store()

    return append
