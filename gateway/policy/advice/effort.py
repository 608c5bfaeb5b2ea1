"""How much a lint looks at before it stops, and says so."""

LIMIT = 3_000_000
"""Comparisons of each check, which take about a second; ten thousand rules such as people write
need a small part of them."""


class Effort:
    """Counts comparisons. Once they are ``spent``, a check leaves what it did not look at yet;
    ``exhausted`` says that some check had to."""

    __slots__ = ("_left", "_limit", "exhausted")

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._left = limit
        self.exhausted = False

    def renew(self) -> None:
        """Begin with another check."""
        self._left = self._limit

    def spend(self, comparisons: int = 1) -> bool:
        """Count some comparisons; False if that was more than there is."""
        self._left -= comparisons
        self.exhausted = self.exhausted or self._left < 0
        return self._left >= 0

    @property
    def spent(self) -> bool:
        """True once this check exceeded the limit."""
        return self._left < 0
