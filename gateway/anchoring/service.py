"""Anchoring as a whole: a courier for each target, started and stopped together."""

import asyncio
import contextlib
import logging

from gateway.anchoring.courier import Courier
from gateway.journal import parsed_line
from gateway.model.anchor import Progress
from gateway.model.ports import Journal, Tx

_log = logging.getLogger(__name__)


class Anchoring:
    """Brings every checkpoint to every target, at least once. Without targets it does nothing.

    It never holds up a commit or a checkpoint: it is told of them afterwards.
    """

    def __init__(self, journal: Journal, couriers: tuple[Courier, ...]) -> None:
        self._journal = journal
        self._couriers = couriers
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin: what an earlier process left is brought, new targets begin with the last
        checkpoint that there is.

        Raises:
            ProblemError: SERVICE_UNAVAILABLE when the journal cannot be written.
        """

        def unit(tx: Tx) -> None:
            line = tx.last_checkpoint()
            newest = parsed_line(line).number if line is not None else 0
            for courier in self._couriers:
                target = courier.target
                tx.open_target(Progress(target.kind, target.id, max(newest - 1, 0), tx.now))

        if not self._couriers:
            return
        await self._journal.write(unit)
        self._tasks = [
            asyncio.create_task(courier.run(), name=f"courier {courier.target}")
            for courier in self._couriers
        ]

    def signed(self) -> None:
        """There is another checkpoint. On the event loop."""
        for courier in self._couriers:
            courier.look()

    async def stop(self, patience: float = 2.0) -> None:
        """Stop, giving the last checkpoints ``patience`` seconds to leave the house.

        Those that have not then are brought after the next start.
        """
        if self._tasks:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    await asyncio.gather(*(courier.rest() for courier in self._couriers))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        for courier in self._couriers:
            await courier.target.anchor.close()
