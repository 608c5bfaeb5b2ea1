"""A unit of work that takes a turn of a run, in two parts."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

S = TypeVar("S")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TurnUnit(Generic[S, T]):
    """A unit of work on the run ``run_id``: ``first``, then ``rest`` with what that returned.

    Given to ``Journal.write`` it is a unit like any other. A journal whose answers take a while may
    see from its parts what several units are about to read, and read it for all of them at once:
    before ``first`` the run's claim and execution, before ``rest`` the steps, and the plan where
    ``opens_plan``. So the first parts of units on different runs may run before the rest of any.
    """

    run_id: str
    first: Callable[[Any], S]
    rest: Callable[[Any, S], T]
    opens_plan: bool = False

    def __call__(self, tx: Any) -> T:
        """Run both parts, one after the other."""
        return self.rest(tx, self.first(tx))
