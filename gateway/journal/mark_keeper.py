"""Keeping the mark of a record that is served: about once a second, and when it has stopped."""

import asyncio
import logging
from contextlib import suppress
from pathlib import Path

from gateway.journal.marks import MarkFile, present_mark, require_continued
from gateway.journal.sqlite import SqliteJournal
from gateway.model.problem import ProblemError

INTERVAL = 1.0
"""Seconds between two marks while entries come: what a copy may lack unseen."""

_log = logging.getLogger("gateway.journal")


class MarkKeeper:
    """Writes the mark of a ``journal`` that is open to ``file``."""

    def __init__(self, journal: SqliteJournal, file: MarkFile, interval: float = INTERVAL) -> None:
        self._journal = journal
        self._file = file
        self._interval = interval
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Write the mark now, then go on with it."""
        position = await asyncio.to_thread(self._write, stopped=False)
        self._task = asyncio.create_task(self._follow(position), name="journal-mark")

    async def stop(self) -> None:
        """Write that nothing more is done. Call it before the journal is closed, and after
        everything else that records."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        await asyncio.to_thread(self._write, stopped=True)

    async def _follow(self, position: int) -> None:
        while True:
            try:
                await self._journal.moved(position)
            except ProblemError:  # it is closed
                return
            position = max(position, await asyncio.to_thread(self._write, stopped=False))
            await asyncio.sleep(self._interval)

    def _write(self, *, stopped: bool) -> int:
        """Write where the record stands; returns the position, 0 where that failed."""
        try:
            mark = present_mark(self._journal.path, stopped=stopped)
            self._file.write(mark)
        except (OSError, ProblemError) as error:
            _log.warning("the mark of the record could not be written (%s)", type(error).__name__)
            return 0
        return mark.position


async def keep_mark(journal: SqliteJournal, folder: Path) -> MarkKeeper:
    """Keep the mark of a journal in the folder of the keys, from now on.

    Raises:
        ProblemError: RECORD_RESTORED where the record does not go on from its mark.
    """
    file = MarkFile(folder)
    await asyncio.to_thread(require_continued, journal.path, file.read())
    keeper = MarkKeeper(journal, file)
    await keeper.start()
    return keeper
