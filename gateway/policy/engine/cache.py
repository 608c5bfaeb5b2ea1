"""A bounded memory of decisions."""

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class BoundedCache(Generic[K, V]):
    """At most ``limit`` entries; the oldest one goes first. With a limit of 0 it keeps nothing.

    Reading takes no lock (a dict read is atomic); writing does.
    """

    __slots__ = ("_entries", "_limit", "_lock", "get")

    def __init__(self, limit: int) -> None:
        self._entries: OrderedDict[K, V] = OrderedDict()
        self._limit = limit
        self._lock = threading.Lock()
        self.get = self._entries.get  # the dict's own method: a Python frame would double a hit

    def put(self, key: K, value: V) -> V:
        """Keep ``value`` and return it; the entry that another thread kept meanwhile wins."""
        if self._limit <= 0:
            return value
        with self._lock:
            if key not in self._entries and len(self._entries) >= self._limit:
                # A plain dict would walk over every slot that was freed before the oldest entry.
                self._entries.popitem(last=False)
            return self._entries.setdefault(key, value)

    def __len__(self) -> int:
        return len(self._entries)
