"""How much a peer may send in a time."""

import asyncio


class Allowance:
    """A bucket of tokens: so many messages at once, and as many anew each second."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._left = rate
        self._clock = asyncio.get_running_loop().time
        self._at = self._clock()

    def take(self) -> bool:
        """Take one, if there is one."""
        now = self._clock()
        self._left = min(self._rate, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
