"""Fewer lines of calls that are put off: there may be more of them than of others, and telling of
each would take the time of those that are served."""

import time

EACH_SECOND = 20
"""So many of them are told a second, at the level that lines have; the others at debug."""


class Sparing:
    """Says which line of a kind is told."""

    def __init__(self) -> None:
        self._second = 0
        self._asked = 0

    def is_spared(self) -> bool:
        """True for all but the first ``EACH_SECOND`` that ask within a second."""
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._asked = second, 0
        self._asked += 1
        return self._asked > EACH_SECOND
