"""Endorsing the key that is to sign the checkpoints from now on, in a last one of the old key."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from gateway.journal.checkpoint_file import CheckpointFile
from gateway.journal.checkpoint_lines import Line, public_key_of
from gateway.journal.database import BROKEN, open_writer, unreadable, writing
from gateway.journal.durable import DurableJournal
from gateway.journal.place import Place, reading_snapshot
from gateway.journal.signing import (
    Signed,
    Signer,
    endorsing_checkpoint,
    keep_checkpoint,
    last_line,
)
from gateway.journal.sqlite_session import SqliteSession
from gateway.model.ports import Clock
from gateway.model.problem import refuse
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
            CheckpointFile(database.parent).catch_up(session)
    except BROKEN as error:
        raise unreadable(database, error) from error
    return last.number


async def endorse_in(journal: DurableJournal, signer: Signer, successor: str) -> int:
    """``endorse`` in a journal that is open; no other process may sign meanwhile.

    Raises:
        ProblemError: JOURNAL_DAMAGED, as for ``endorse``; SERVICE_UNAVAILABLE; CONFLICT when
            somebody signed after all.
    """

    def signed() -> tuple[int, Signed | None]:
        with journal.snapshot() as session:
            last = last_line(session)
            if last is not None and _endorses(last, successor):
                return last.number, None
            key, at = public_key_of(successor), stamp(journal.clock.now())
            made = endorsing_checkpoint(session, signer, at, key)
            return made.line.number, made

    number, made = await asyncio.to_thread(signed)
    if made is not None and not await journal.run(lambda unit: unit.keep_checkpoint(made)):
        told = "Another process has signed a checkpoint. Stop every gateway and worker, then retry."
        raise refuse("CONFLICT", told)
    return number


def is_endorsed(place: Place, key: str) -> bool:
    """Whether the last checkpoint names this key (PEM) as the one that signs from then on.

    Raises:
        ProblemError: DATABASE_UNREADABLE, DATABASE_UNKNOWN_VERSION, SERVICE_UNAVAILABLE,
            JOURNAL_DAMAGED when the last checkpoint cannot be read.
    """
    with reading_snapshot(place) as session:
        last = last_line(session)
    return last is not None and _endorses(last, key)


def _endorses(line: Line, key: str) -> bool:
    return line.successor is not None and line.successor.public_key == public_key_of(key)


def _endorse(
    connection: sqlite3.Connection, signer: Signer, successor: bytes, clock: Clock
) -> Line:
    with writing(connection):
        session = SqliteSession(connection.cursor())
        signed = endorsing_checkpoint(session, signer, stamp(clock.now()), successor)
        keep_checkpoint(session, signed)
    return signed.line
