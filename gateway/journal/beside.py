"""The record for commands, also beside a server: read at one moment, or written briefly."""

import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

from gateway.journal.checkpoints import Checkpointer
from gateway.journal.durable import DurableJournal
from gateway.journal.place import Place, reading_snapshot
from gateway.journal.records import SqlRecords
from gateway.journal.signing import Signer
from gateway.journal.sqlite import SqliteJournal
from gateway.model.ports import Clock, Records
from gateway.model.problem import ProblemError

T = TypeVar("T")

COMMAND_WRITER = "cli"
"""The name of commands in the chains of workspaces."""


def read_record(place: Place, query: Callable[[Records], T]) -> T:
    """Run a query over one consistent snapshot, also beside a running server.

    Raises:
        ProblemError: DATABASE_UNREADABLE, DATABASE_UNKNOWN_VERSION, SERVICE_UNAVAILABLE.
    """
    with reading_snapshot(place) as session:
        return query(SqlRecords(session))


@contextlib.asynccontextmanager
async def short_writes(
    place: Place, data_dir: Path, *, clock: Clock, signer: Signer
) -> AsyncIterator[DurableJournal]:
    """The record, open for a few short writes of a command.

    A server that runs goes on and signs the checkpoints; where none holds the folder of a SQLite
    file, it is held meanwhile, and a checkpoint by ``signer`` covers what was written.

    Raises:
        ProblemError: DATABASE_UNKNOWN_VERSION, DATABASE_UNREADABLE, SERVICE_UNAVAILABLE.
    """
    journal, is_alone = await _opened(place, data_dir, clock)
    try:
        yield journal
        if is_alone:
            await Checkpointer(journal, signer).checkpoint()
    finally:
        await journal.close()


async def _opened(place: Place, data_dir: Path, clock: Clock) -> tuple[DurableJournal, bool]:
    """The journal, and whether nobody else has it."""
    if isinstance(place, str):
        from gateway.journal.postgres import PostgresJournal  # only where it is used

        return await PostgresJournal.open(place, data_dir=data_dir, clock=clock), False
    try:
        return await SqliteJournal.open(place, clock=clock, writer=COMMAND_WRITER), True
    except ProblemError as error:
        if error.problem.code != "DATA_DIR_IN_USE":
            raise
        return await SqliteJournal.beside(place, clock=clock, writer=COMMAND_WRITER), False
