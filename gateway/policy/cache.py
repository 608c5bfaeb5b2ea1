"""A bounded memory of decisions."""

import threading
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class BoundedCache(Generic[K, V]):
    """At most ``limit`` entries; the oldest one goes first.

    Reading takes no lock (a dict read is atomic); writing does.
    """

    __slots__ = ("_entries", "_limit", "_lock", "get")

    def __init__(self, limit: int) -> None:
        self._entries: dict[K, V] = {}
        self._limit = limit
        self._lock = threading.Lock()
        self.get = self._entries.get  # the dict's own method: a Python frame would double a hit

    def put(self, key: K, value: V) -> V:
        """Keep ``value`` and return it; the entry that another thread kept meanwhile wins."""
        with self._lock:
            if key not in self._entries and len(self._entries) >= self._limit:
                del self._entries[next(iter(self._entries))]
            return self._entries.setdefault(key, value)

    def __len__(self) -> int:
        return len(self._entries)
