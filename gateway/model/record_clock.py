"""The clock by which claims and deliveries go: that of the record, which all processes share."""

from datetime import datetime, timedelta

from gateway.model.elapsed import elapsed
from gateway.model.ports import Clock, Journal
from gateway.model.time import parse

_FRESH = 30.0
"""For how many seconds what was read is counted on."""

_SURE = 1.0
"""An answer that took more seconds says too little of when it was given, and is counted on no
longer than so: a process that starts on a busy machine may read its first one late."""


class RecordClock(Clock):
    """The record's time: read there now and then, and counted on by this process meanwhile.

    The clock of this process may be minutes off; how fast it goes is good enough for half a minute,
    of which what the machine slept through is a part.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._known: tuple[datetime, float] | None = None
        self._fresh_until = float("-inf")

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
        if began < self._fresh_until:
            return
        moment = parse(await self._journal.write(lambda tx: tx.now))
        ended = elapsed()
        self._known = moment, self._read_at(moment, began, ended)
        self._fresh_until = ended + (_FRESH if ended - began <= _SURE else _SURE)

    def _read_at(self, moment: datetime, began: float, ended: float) -> float:
        """When it was that moment, which is only known to be no earlier and no later than so.

        Where what was known before fits that, it is no worse: the answer may have taken long.
        """
        if self._known is None:
            return (began + ended) / 2
        known, read = self._known
        expected = read + (moment - known).total_seconds()
        return min(max(expected, began), ended)


def shared_clock(journal: Journal, own: Clock, *, is_shared: bool) -> Clock:
    """The clock by which what is stored is due: that of the record where processes share it, else
    their ``own``."""
    return RecordClock(journal) if is_shared else own


async def keep_right(clock: Clock) -> None:
    """Have a clock be right, where it is that of the record.

    Raises:
        ProblemError: SERVICE_UNAVAILABLE.
    """
    if isinstance(clock, RecordClock):
        await clock.keep_right()
