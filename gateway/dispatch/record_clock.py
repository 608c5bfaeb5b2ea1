"""The clock by which claims go: that of the record, which all processes share."""

from datetime import datetime, timedelta

from gateway.model.elapsed import elapsed
from gateway.model.ports import Clock, Journal
from gateway.model.time import parse

_FRESH = 30.0


class RecordClock(Clock):
    """The record's time: read there now and then, and counted on by this process meanwhile.

    The clock of this process may be minutes off; how fast it goes is good enough for half a minute,
    of which what the machine slept through is a part.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._known: tuple[datetime, float] | None = None

    def now(self) -> datetime:
        """The present moment by the record's clock.

        Raises:
            RuntimeError: it was never read: see ``keep_right``.
        """
        if self._known is None:
            raise RuntimeError("the record's clock was not read yet")
        moment, read = self._known
        return moment + timedelta(seconds=elapsed() - read)

    async def keep_right(self) -> None:
        """Read the record's clock, unless that was done a short while ago.

        Raises:
            ProblemError: SERVICE_UNAVAILABLE.
        """
        began = elapsed()
        if self._known is not None and began - self._known[1] < _FRESH:
            return
        moment = parse(await self._journal.write(lambda tx: tx.now))
        self._known = moment, self._read_at(moment, began, elapsed())

    def _read_at(self, moment: datetime, began: float, ended: float) -> float:
        """When it was that moment, which is only known to be no earlier and no later than so.

        Where what was known before fits that, it is no worse: the answer may have taken long.
        """
        if self._known is None:
            return (began + ended) / 2
        known, read = self._known
        expected = read + (moment - known).total_seconds()
        return min(max(expected, began), ended)
