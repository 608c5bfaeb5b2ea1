"""The record for commands, also beside a server: read at one moment, or written briefly."""

import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from gateway.journal.checkpoints import Checkpointer
from gateway.journal.database import open_reader
from gateway.journal.records import SqlRecords
from gateway.journal.signing import Signer
from gateway.journal.sqlite import SqliteJournal
from gateway.journal.sqlite_session import SqliteSession
from gateway.model.ports import Clock, Records
from gateway.model.problem import ProblemError

T = TypeVar("T")

COMMAND_WRITER = "cli"
"""The name of commands in the chains of workspaces."""


def read_record(path: Path, query: Callable[[Records], T]) -> T:
    """Run a query over one consistent snapshot, also beside a running server.

    Raises:
        ProblemError: DATABASE_UNREADABLE, DATABASE_UNKNOWN_VERSION.
    """
    with closing(open_reader(path)) as connection:
        connection.execute("BEGIN")
        return query(SqlRecords(SqliteSession(connection.cursor())))


@contextlib.asynccontextmanager
async def short_writes(path: Path, *, clock: Clock, signer: Signer) -> AsyncIterator[SqliteJournal]:
    """The record, open for a few short writes of a command.

    A server that runs goes on and signs the checkpoints; where none runs, the folder is held
    meanwhile, and a checkpoint by ``signer`` covers what was written.

    Raises:
        ProblemError: DATABASE_UNKNOWN_VERSION, DATABASE_UNREADABLE.
    """
    try:
        journal = await SqliteJournal.open(path, clock=clock, writer=COMMAND_WRITER)
        is_alone = True
    except ProblemError as error:
        if error.problem.code != "DATA_DIR_IN_USE":
            raise
        journal = await SqliteJournal.beside(path, clock=clock, writer=COMMAND_WRITER)
        is_alone = False
    try:
        yield journal
        if is_alone:
            await Checkpointer(journal, signer).checkpoint()
    finally:
        await journal.close()
