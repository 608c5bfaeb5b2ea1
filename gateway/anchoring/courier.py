"""A courier for each target: it brings the checkpoints there, one by one and in their order.

Nothing marks a checkpoint as on its way: a target has those up to its number in the database, and
gets the next one until that is stored. A crash at any moment only means that the same checkpoint
is brought again.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass

from gateway.anchoring.anchor import Anchor, AnchorError, SignedCheckpoint, Taken
from gateway.anchoring.schedule import Schedule, moved_on
from gateway.model.anchor import Progress, Receipt, TargetKind
from gateway.model.ports import Clock, Journal, Records, Tx
from gateway.model.problem import ProblemError
from gateway.model.record_clock import keep_right
from gateway.model.time import parse, stamp

PATIENCE = 60.0
"""Seconds for one attempt, whatever the target does."""

TROUBLE = 5.0
"""Seconds before the next try when the journal cannot be read or written."""

_log = logging.getLogger(__name__)

NextOf = Callable[[Records, int], SignedCheckpoint | None]
"""The first checkpoint behind a number, if there is one."""


@dataclass(frozen=True, slots=True)
class Target:
    """Somebody who gets checkpoints, and how."""

    kind: TargetKind
    id: str
    anchor: Anchor

    def __str__(self) -> str:
        return f"{self.kind.value} {self.id}"


@dataclass(frozen=True, slots=True)
class _Errand:
    progress: Progress
    checkpoint: SignedCheckpoint | None


class Courier:
    """Serves one target; ``next_of`` finds the checkpoint that it gets next.

    ``clock`` says what is due: that of the record, where processes share it, since another of them
    may have put it off.
    """

    def __init__(
        self, target: Target, journal: Journal, clock: Clock, schedule: Schedule, next_of: NextOf
    ) -> None:
        self.target = target
        self._journal = journal
        self._clock = clock
        self._schedule = schedule
        self._next_of = next_of
        self._look = asyncio.Event()
        self._idle = asyncio.Event()

    def look(self) -> None:
        """There may be another checkpoint: look now."""
        self._idle.clear()
        self._look.set()

    async def run(self) -> None:
        """Serve until cancelled. While there is nothing to do this only waits."""
        while True:
            self._look.clear()
            self._idle.clear()  # what a pause was for may be due now
            pause = await self._turn()
            if pause == 0.0:
                continue
            if not self._look.is_set():
                self._idle.set()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._look.wait()

    async def rest(self) -> None:
        """Wait until nothing is due."""
        await self._idle.wait()

    async def _turn(self) -> float | None:
        """Bring what is due; returns the seconds until more is, None for as yet unknown."""
        try:
            await keep_right(self._clock)
            errand = await self._journal.read(self._errand)
            if errand is None or errand.checkpoint is None:
                return None
            if errand.progress.next_at is not None:
                wait = (parse(errand.progress.next_at) - self._clock.now()).total_seconds()
                # Nothing is put off for longer: that was said before the clock went back.
                if 0 < wait <= self._schedule.longest:
                    return wait
            await self._bring(errand.progress, errand.checkpoint)
        except ProblemError as error:
            _log.error("%s: the journal does not serve: %s", self.target, error.problem.code)
            return TROUBLE
        except Exception:
            # Whatever it was, checkpoints must not wait for ever.
            _log.exception("%s could not be served", self.target)
            return TROUBLE
        return 0.0

    def _errand(self, records: Records) -> _Errand | None:
        progress = records.progress_of(self.target.kind, self.target.id)
        if progress is None:
            return None
        return _Errand(progress, self._next_of(records, progress.number))

    async def _bring(self, before: Progress, checkpoint: SignedCheckpoint) -> None:
        try:
            taken = await self._publish(checkpoint)
        except AnchorError as error:
            await self._failed(before, checkpoint.number, error)
        else:
            await self._taken(before, checkpoint.number, taken)

    async def _publish(self, checkpoint: SignedCheckpoint) -> Taken:
        """Hand a checkpoint over, with an end to it.

        Raises:
            AnchorError: it was not taken.
            ProblemError: the journal does not serve.
        """
        try:
            async with asyncio.timeout(PATIENCE):
                return await self.target.anchor.publish(checkpoint)
        except TimeoutError:
            raise AnchorError(f"It was not done within {PATIENCE:g} seconds.") from None
        except (AnchorError, ProblemError):
            raise
        except Exception as error:
            _log.exception("%s failed in an unexpected way", self.target)
            raise AnchorError(
                f"It failed in an unexpected way ({type(error).__name__})."
            ) from error

    async def _failed(self, before: Progress, number: int, error: AnchorError) -> None:
        after = self._schedule.failed(before, error, stamp(self._clock.now()))
        _log.warning(
            "%s has not taken checkpoint %d (attempt %d): gateway audit status tells why",
            *(self.target, number, after.attempts),
        )
        await self._journal.write(lambda tx: tx.move_target(before, after, None))

    async def _taken(self, before: Progress, number: int, taken: Taken) -> None:
        def unit(tx: Tx) -> None:
            receipt = Receipt(
                number, before.kind, before.target, tx.now, taken.answer, taken.cosignature
            )
            tx.move_target(before, moved_on(before, number, tx.now), receipt)

        await self._journal.write(unit)
        if before.attempts:
            told = "%s has taken checkpoint %d after %d attempts that failed"
            _log.info(told, self.target, number, before.attempts)
