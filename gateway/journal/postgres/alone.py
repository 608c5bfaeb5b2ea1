"""One unit of work on PostgreSQL that no other process writes beside, signed as it is committed."""

import contextlib
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

from gateway.journal.alone import Alone
from gateway.journal.checkpoint_file import CheckpointFile
from gateway.journal.postgres.batch import Batch
from gateway.journal.postgres.errors import PostgresError, busy, unavailable
from gateway.journal.postgres.positions import Positions
from gateway.journal.postgres.schema import connected, found_versions
from gateway.journal.postgres.session import PostgresSession
from gateway.journal.postgres.wire import Wire
from gateway.journal.schema_version import require_version
from gateway.journal.signing import Signer, keep_checkpoint, next_checkpoint
from gateway.postgres import database_of

_WAIT = 10_000
"""Milliseconds to wait for the batches of others to end; new ones come after this one."""

_STANDSTILL = 20_000
"""Milliseconds for which the transaction may stand still: others are kept waiting by it."""


@contextlib.contextmanager
def alone_among_others(url: str, data_dir: Path, signer: Signer) -> Iterator[Alone]:
    """``alone`` for the record in the database ``url``. Units of other processes wait meanwhile,
    and are refused if it takes longer than they may wait.

    Raises:
        ProblemError: as ``alone``.
    """
    with connected(url) as connection:
        require_version(found_versions(connection), database_of(url))
    try:
        with ExitStack() as opened:
            positions = Positions(url)
            opened.callback(positions.close)
            positions.open()
            wire = Wire(url, "gateway-alone", lock_timeout=_WAIT, idle_timeout=_STANDSTILL)
            opened.callback(wire.close)
            session = PostgresSession(wire)
            with _transaction(session, positions, signer) as record:
                yield record
            with suppress(OSError):  # every gateway completes its own copy
                CheckpointFile(data_dir).complete(session)
    except PostgresError as error:
        raise (busy() if error.is_collision else unavailable(error)) from error


@contextlib.contextmanager
def _transaction(session: PostgresSession, positions: Positions, signer: Signer) -> Iterator[Alone]:
    batch = Batch(session, positions.writer, alone=True)
    try:
        batch.begin()
        unit = batch.unit(carefully=True)
        yield Alone(session, unit.now, unit.append)
        batch.keep()
        batch.place(positions)
        signed = next_checkpoint(session, signer, unit.now)
        if signed is not None:
            keep_checkpoint(session, signed)
        batch.commit()
    except BaseException:
        batch.abandon()
        raise
