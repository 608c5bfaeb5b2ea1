"""A bounded memory of what was used last."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

N = TypeVar("N")
T = TypeVar("T")


class Recent(Generic[N, T]):
    """The entries that were used last, ``most`` of them."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: OrderedDict[N, T] = OrderedDict()

    def get(self, name: N) -> T | None:
        """What is remembered under this name, which counts as used now."""
        found = self._held.get(name)
        if found is not None:
            self._held.move_to_end(name)
        return found

    def keep(self, name: N, value: T) -> None:
        """Remember something, and forget what was not used for the longest time."""
        self._held[name] = value
        self._held.move_to_end(name)
        if len(self._held) > self._most:
            self._held.popitem(last=False)

    def drop(self, is_over: Callable[[T], bool]) -> None:
        """Forget whatever ``is_over``."""
        for name in [name for name, held in self._held.items() if is_over(held)]:
            del self._held[name]
