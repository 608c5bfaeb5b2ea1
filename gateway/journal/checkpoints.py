"""Checkpoints: the root of all entries, signed, so that any change to them becomes visible.

Each signs the RFC 6962 root over every entry in the order of positions, how many there are, and
the digest of the checkpoint before. ``checkpoint_lines`` says how it is written.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial

from gateway.journal.durable import DurableJournal
from gateway.journal.signing import Signed, Signer, next_checkpoint
from gateway.journal.unit import Unit
from gateway.model.problem import ProblemError, refuse
from gateway.model.tasks import cancelled, to_the_end
from gateway.model.time import stamp
from gateway.telemetry import metrics

log = logging.getLogger("gateway.journal")

_TRIES = 20
"""How often a checkpoint is signed anew because another process was faster."""


class Checkpointer:
    """Signs checkpoints of a journal: every ``interval`` seconds where something was recorded, and
    at ``stop``. ``signed`` is called after each, once it is durable."""

    def __init__(
        self,
        journal: DurableJournal,
        signer: Signer,
        interval: float = 60.0,
        signed: Callable[[], None] = lambda: None,
    ) -> None:
        self._journal = journal
        self._signer = signer
        self._interval = interval
        self._signed = signed
        self._one_at_a_time = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin the periodic checkpoints."""
        self._task = asyncio.create_task(self._periodically(), name="journal-checkpoints")

    async def stop(self) -> None:
        """End them with a last checkpoint. Call it before the journal is closed.

        Raises:
            ProblemError: SERVICE_UNAVAILABLE when the last checkpoint could not be written.
        """
        await cancelled(self._task)
        self._task = None
        if await self.checkpoint() is None:  # the task may have signed one and not copied it yet
            await self._copied()

    async def checkpoint(self) -> int | None:
        """Sign a checkpoint now; returns its number, None where nothing was recorded since.

        Raises:
            ProblemError: SERVICE_UNAVAILABLE when it could not be written, JOURNAL_DAMAGED when the
                record is not what the last checkpoint signed.
        """
        async with self._one_at_a_time:
            signed = await self._counted(self._kept())
            if signed is None:
                return None
            self._signed()
            await self._copied()
            return signed.line.number

    async def _copied(self) -> None:
        """Have the copy hold all checkpoints; over only once no thread writes it any more, for two
        at a time would write a line twice."""
        try:
            await to_the_end(self._mirror)
        except OSError as error:  # the checkpoint itself is durable, in the database
            told = "The copy of the checkpoints lacks the newest for now: %s"
            log.error(told, error.strerror)  # noqa: TRY400 - it says it all

    async def _counted(self, kept: Awaitable[Signed | None]) -> Signed | None:
        try:
            signed = await kept
        except ProblemError as error:
            is_damaged = error.problem.code == "JOURNAL_DAMAGED"
            metrics.checkpoints.add("damaged" if is_damaged else "failed")
            raise
        if signed is not None:
            metrics.checkpoints.add("signed")
        return signed

    async def _kept(self) -> Signed | None:
        """Sign and store; again where another process has signed meanwhile, which then may have
        covered everything."""
        for _ in range(_TRIES):
            signed = await asyncio.to_thread(self._sign)
            if signed is None or await self._journal.run(partial(_keep, signed=signed)):
                return signed
        told = "Other processes sign checkpoints all the time. Ask again in a moment."
        raise refuse("SERVICE_UNAVAILABLE", told)

    async def _periodically(self) -> None:
        while True:
            await asyncio.sleep(self._interval)
            try:
                await self.checkpoint()
            except Exception:
                log.exception("A checkpoint could not be written; the next one will cover it")

    def _sign(self) -> Signed | None:
        with self._journal.snapshot() as session:
            at = stamp(self._journal.clock.now())
            return next_checkpoint(session, self._signer, at)

    def _mirror(self) -> None:
        with self._journal.snapshot() as session:
            self._journal.checkpoints.complete(session)


def _keep(unit: Unit, signed: Signed) -> bool:
    return unit.keep_checkpoint(signed)
