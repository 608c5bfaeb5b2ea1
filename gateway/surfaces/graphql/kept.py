"""A cache that is bounded by the estimated size of what it keeps."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class KeptBySize(Generic[T]):
    """Keeps what was asked for most recently, together at most ``most_bytes``."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._kept: OrderedDict[Hashable, tuple[T, int]] = OrderedDict()
        self._bytes = 0

    @property
    def bytes(self) -> int:
        """The estimated size of all that is kept."""
        return self._bytes

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: Hashable) -> T | None:
        """What is kept under a key, which is now the most recent."""
        found = self._kept.get(key)
        if found is None:
            return None
        self._kept.move_to_end(key)
        return found[0]

    def put(self, key: Hashable, value: T, size: int) -> T:
        """Keep a value of ``size`` bytes in place of what the key had; others go as they must.

        One that is larger than all may be is not kept: it would only push out the others.
        """
        _, replaced = self._kept.pop(key, (None, 0))
        self._bytes -= replaced
        if size > self._most_bytes:
            return value
        self._kept[key] = (value, size)
        self._bytes += size
        while self._bytes > self._most_bytes:
            _, (_, dropped) = self._kept.popitem(last=False)
            self._bytes -= dropped
        return value
