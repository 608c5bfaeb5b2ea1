"""Opening the record wherever it is, for a process that serves it."""

from collections.abc import Callable, Sequence
from pathlib import Path

from gateway.journal.companion import Companion
from gateway.journal.durable import DurableJournal
from gateway.journal.place import Place
from gateway.journal.sqlite import SqliteJournal
from gateway.model.ports import Clock

WRITER = "embedded"
"""The name in the chains of workspaces of the one process that serves a SQLite file."""


async def open_journal(
    place: Place,
    data_dir: Path,
    *,
    clock: Clock,
    before_commit: Callable[[], None] = lambda: None,
    companions: Sequence[Companion] = (),
    reminders: Sequence[str] = (),
) -> DurableJournal:
    """Open the record at ``place`` to serve it; where there is nothing yet, it is created.

    ``data_dir`` gets the second copy of the checkpoints. ``before_commit`` is called before each
    commit, in the writer's thread: for keys that must be durable before what they sealed.
    ``companions`` have tables of their own, where the record is in PostgreSQL.
    ``reminders`` are as for ``PostgresJournal``.

    Raises:
        ProblemError: DATA_DIR_IN_USE, DATABASE_UNREADABLE, DATABASE_OUTDATED,
            DATABASE_UNKNOWN_VERSION, SERVICE_UNAVAILABLE.
    """
    if isinstance(place, Path):
        return await SqliteJournal.open(
            place, clock=clock, writer=WRITER, before_commit=before_commit
        )
    from gateway.journal.postgres import PostgresJournal, create_schema  # only where it is used

    create_schema(place, companions)
    return await PostgresJournal.open(
        place, data_dir=data_dir, clock=clock, before_commit=before_commit, reminders=reminders
    )
