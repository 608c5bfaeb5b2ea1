"""Awaiting what mostly is there already, without the price of waiting."""

from collections.abc import Awaitable, Generator
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Begun(Generic[T]):
    """An awaitable that is begun at once: whoever finds that it ``is_done`` has its ``value``, and
    need set no timer for it. The body of most requests came along with their headers.

    Raises:
        Exception: what the awaitable raises before it waits for anything.
    """

    def __init__(self, awaitable: Awaitable[T]) -> None:
        self.is_done = False
        self.value: T
        self._steps: Generator[Any, Any, T] = awaitable.__await__()
        self._next: Any = None
        try:
            self._next = next(self._steps)
        except StopIteration as done:
            self.is_done, self.value = True, done.value

    def __await__(self) -> Generator[Any, Any, T]:
        """Wait until it is done."""
        if self.is_done:
            return self.value
        try:
            yield self._next
        except BaseException as error:  # the task was cancelled meanwhile, which it is told
            yield self._steps.throw(error)
        return (yield from self._steps)
