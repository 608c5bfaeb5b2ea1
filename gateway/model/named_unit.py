"""A unit of work that says beforehand which execution it is about."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from gateway.model.ports import Tx

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class NamedUnit(Generic[T]):
    """The unit of work ``whole``, which is likely to read the execution ``execution_id``.

    A journal may read it beforehand, with those of other units. The id comes from a caller: there
    may be no such execution, or it may be another workspace's.
    """

    execution_id: str
    whole: Callable[[Tx], T]

    def __call__(self, tx: Tx) -> T:
        """The whole unit."""
        return self.whole(tx)


def naming(unit: Callable[[Tx], T], execution_id: object) -> Callable[[Tx], T]:
    """The unit with what it is about, where that is the id of an execution."""
    return NamedUnit(execution_id, unit) if isinstance(execution_id, str) else unit
