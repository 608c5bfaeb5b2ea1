"""Random bytes of the operating system, taken in larger pieces.

Each call of ``os.urandom`` lets other threads run, and a thread that is busy gives the interpreter
back only after some milliseconds. Whoever needs a few bytes a thousand times a second, such as the
thread that writes the journal, would wait for that each time.
"""

import os
import threading

_PIECE = 8192


class Entropy:
    """Random bytes, each given away once. Thread-safe; a forked process starts with none."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._piece = b""
        self._at = 0
        os.register_at_fork(after_in_child=self._restart)

    def take(self, count: int) -> bytes:
        """``count`` fresh random bytes, fit for keys and nonces."""
        if count > _PIECE:
            return os.urandom(count)
        with self._lock:
            end = self._at + count
            if end > len(self._piece):
                self._piece, self._at, end = os.urandom(_PIECE), 0, count
            taken, self._at = self._piece[self._at : end], end
            return taken

    def _restart(self) -> None:
        self._lock = threading.Lock()
        self._piece, self._at = b"", 0


_entropy = Entropy()

random_bytes = _entropy.take
"""``count`` fresh random bytes of this process."""
