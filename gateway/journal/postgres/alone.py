"""One unit of work on PostgreSQL that no other process writes beside, signed as it is committed."""

import contextlib
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

from gateway.journal.alone import Alone
from gateway.journal.checkpoint_file import CheckpointFile
from gateway.journal.postgres.batch import Batch
from gateway.journal.postgres.errors import (
    LostConnectionError,
    PostgresError,
    busy,
    outcome_unknown,
    unavailable,
)
from gateway.journal.postgres.link import Link
from gateway.journal.postgres.positions import Positions
from gateway.journal.postgres.schema import connected, found_versions
from gateway.journal.postgres.session import PostgresSession
from gateway.journal.postgres.unanswered import Fate, fate_of
from gateway.journal.schema_version import require_version
from gateway.journal.signing import Signer, keep_checkpoint, next_checkpoint
from gateway.postgres import database_of

_WAIT = 10_000
"""Milliseconds to wait for the batches of others to end; new ones come after this one."""

_STANDSTILL = 20_000
"""Milliseconds for which the transaction may stand still: others are kept waiting by it."""

_LOOK = 60.0
"""Seconds for which a database that was lost is asked what became of the commit."""


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
            named = partial(Link, url, "gateway-alone", succeeds=True)
            link = named(lock_timeout=_WAIT, idle_timeout=_STANDSTILL)
            opened.callback(link.close)
            with _transaction(link, positions, signer) as record:
                yield record
            with suppress(OSError, PostgresError):  # every gateway completes its own copy
                CheckpointFile(data_dir).complete(PostgresSession(link.wire()))
    except PostgresError as error:
        raise (busy() if error.is_collision else unavailable(error)) from error


@contextlib.contextmanager
def _transaction(link: Link, positions: Positions, signer: Signer) -> Iterator[Alone]:
    session = PostgresSession(link.wire())
    batch = Batch(session, positions.writer, alone=True)
    try:
        batch.begin()
        unit = batch.unit(carefully=True)
        yield Alone(session, unit.now, unit.append)
        batch.keep()
        last = batch.place(positions)
        signed = next_checkpoint(session, signer, unit.now)
        if signed is not None:
            keep_checkpoint(session, signed)
        _commit(batch, link, last)
    except BaseException:
        batch.abandon()
        raise


def _commit(batch: Batch, link: Link, last: tuple[int, str] | None) -> None:
    """Make it durable; where the answer is lost, look whether it is. ``last`` is the position and
    hash of its last entry.

    Raises:
        PostgresError: it is not.
        ProblemError: SERVICE_UNAVAILABLE where nobody can tell.
    """
    try:
        batch.commit()
    except LostConnectionError as error:
        until = time.monotonic() + _LOOK
        fate = Fate.UNKNOWN
        if last is not None:
            fate = fate_of(link, *last, lambda: time.monotonic() >= until)
        if fate is Fate.UNKNOWN:
            raise outcome_unknown() from error
        if fate is Fate.UNDONE:
            raise
