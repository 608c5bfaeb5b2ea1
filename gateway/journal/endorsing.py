"""Endorsing the key that is to sign the checkpoints from now on, in a last one of the old key."""

import sqlite3
from contextlib import closing
from pathlib import Path

from gateway.journal.checkpoint_file import CheckpointFile
from gateway.journal.checkpoint_lines import Line, public_key_of
from gateway.journal.database import BROKEN, open_reader, open_writer, unreadable
from gateway.journal.signing import Signer, endorsing_checkpoint, keep_checkpoint, last_line
from gateway.journal.sqlite_session import SqliteSession
from gateway.model.ports import Clock
from gateway.model.time import stamp


def endorse(database: Path, signer: Signer, successor: str, clock: Clock) -> int:
    """Sign a checkpoint that names ``successor`` (PEM) as the key of all that follow; returns its
    number. Where the last checkpoint says so already, that one counts.

    The caller holds the data folder.

    Raises:
        ProblemError: JOURNAL_DAMAGED when the record is empty or is not what the last checkpoint
            signed, DATABASE_UNREADABLE, DATABASE_UNKNOWN_VERSION.
    """
    try:
        with closing(open_writer(database)) as connection:
            session = SqliteSession(connection.cursor())
            last = last_line(session)
            if last is None or not _endorses(last, successor):
                last = _endorse(connection, signer, public_key_of(successor), clock)
            CheckpointFile(database.parent).complete(session)
    except BROKEN as error:
        raise unreadable(database, error) from error
    return last.number


def is_endorsed(database: Path, key: str) -> bool:
    """Whether the last checkpoint names this key (PEM) as the one that signs from then on.

    Raises:
        ProblemError: DATABASE_UNREADABLE, DATABASE_UNKNOWN_VERSION, JOURNAL_DAMAGED when the last
            checkpoint cannot be read.
    """
    with closing(open_reader(database)) as connection:
        last = last_line(SqliteSession(connection.cursor()))
    return last is not None and _endorses(last, key)


def _endorses(line: Line, key: str) -> bool:
    return line.successor is not None and line.successor.public_key == public_key_of(key)


def _endorse(
    connection: sqlite3.Connection, signer: Signer, successor: bytes, clock: Clock
) -> Line:
    connection.execute("BEGIN IMMEDIATE")
    try:
        session = SqliteSession(connection.cursor())
        signed = endorsing_checkpoint(session, signer, stamp(clock.now()), successor)
        keep_checkpoint(session, signed)
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
    return signed.line
