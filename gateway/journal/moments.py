"""Finding places of the record by moments: entries lie in the order of time, as far as clocks went
forward."""

from collections.abc import Callable

from sqlalchemy import bindparam, select

from gateway.journal.session import Row
from gateway.journal.statement import Statement
from gateway.journal.tables import entry

_FROM = Statement(
    select(entry.c.position, entry.c.at)
    .where(entry.c.position > bindparam("after_position"))
    .order_by(entry.c.position)
    .limit(1)
)


class SqlMoments:
    """Places by moments, over the ways of ``SqlRecords`` to run a statement."""

    __slots__ = ()

    _one: Callable[..., Row | None]
    last_position: Callable[[], int]

    def position_before(self, moment: str) -> int:
        """Where, by halving, entries before ``moment`` give way to those from it on.

        INVARIANT: what lies at ``low`` is older than ``moment``, what lies behind ``high`` is not.
        """
        low, high = 0, self.last_position()
        while low < high:
            middle = (low + high) // 2
            found = self._one(_FROM, after_position=middle)
            if found is not None and found[0] <= high and found[1] < moment:
                low = found[0]
            else:
                high = middle
        return low

    def last_moment(self) -> str | None:
        """The stamp of the last entry, None before the first."""
        return self.moment_behind(self.last_position() - 1)

    def moment_behind(self, position: int) -> str | None:
        """The stamp of the first entry behind a position."""
        found = self._one(_FROM, after_position=position)
        return found[1] if found else None
