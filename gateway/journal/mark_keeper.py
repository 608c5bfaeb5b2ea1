"""Keeping the mark of a record that is served: about once a second, and when it has stopped."""

import asyncio
import logging
from pathlib import Path

from gateway.journal.continuing import require_continued
from gateway.journal.durable import DurableJournal
from gateway.journal.marks import MarkFile, mark_of
from gateway.model.problem import ProblemError
from gateway.model.tasks import cancelled, to_the_end

INTERVAL = 1.0
"""Seconds between two marks while entries come: what a copy may lack unseen."""

_log = logging.getLogger("gateway.journal")


class MarkKeeper:
    """Writes the mark of a ``journal`` that is open to ``file``."""

    def __init__(self, journal: DurableJournal, file: MarkFile, interval: float = INTERVAL) -> None:
        self._journal = journal
        self._file = file
        self._interval = interval
        self._task: asyncio.Task[None] | None = None
        self._failed = False

    async def start(self) -> None:
        """Write the mark now, then go on with it."""
        position = await self._write(stopped=False)
        self._task = asyncio.create_task(self._follow(position), name="journal-mark")

    async def stop(self) -> None:
        """Write that nothing more is done. Call it before the journal is closed, and after
        everything else that records."""
        await cancelled(self._task)
        self._task = None
        await self._write(stopped=True)

    async def _follow(self, position: int) -> None:
        while True:
            try:
                await self._journal.moved(position)
            except ProblemError:  # it is closed
                return
            position = max(position, await self._write(stopped=False))
            await asyncio.sleep(self._interval)

    async def _write(self, *, stopped: bool) -> int:
        """Write where the record stands; returns the position, 0 where that failed."""
        place = self._journal.place
        try:
            mark = await self._journal.read(
                lambda records: mark_of(records, place, stopped=stopped)
            )
            await to_the_end(self._file.write, mark)
        except (OSError, ProblemError) as error:
            if not self._failed:
                told = "the mark of the record could not be written (%s)"
                _log.warning(told, type(error).__name__)
            self._failed = True
            return 0
        self._failed = False
        return mark.position


async def keep_mark(journal: DurableJournal, folder: Path) -> MarkKeeper:
    """Keep the mark of a journal in a ``folder`` that is apart from the record, from now on.

    In PostgreSQL the record keeps as well which server it is served from.

    Raises:
        ProblemError: RECORD_RESTORED where the record does not go on from its mark.
    """
    file = MarkFile(folder)
    place, data_dir = journal.place, journal.checkpoints.path.parent
    await asyncio.to_thread(require_continued, place, data_dir, file.read())
    await asyncio.to_thread(file.tidy)
    if isinstance(place, str):
        from gateway.journal.postgres.home import keep_home  # only where it is used

        await asyncio.to_thread(keep_home, place)
    keeper = MarkKeeper(journal, file)
    await keeper.start()
    return keeper
