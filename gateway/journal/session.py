"""A session: how the record runs its statements, whatever database it lies in."""

from collections.abc import Iterator
from typing import Any, Protocol, TypeAlias

from gateway.journal.statement import Statement

Row: TypeAlias = tuple[Any, ...]
"""The columns of a row, in the order of the statement."""


class NoSuchRowError(ValueError):
    """A change that is of one row hit none, or several."""

    def __init__(self) -> None:
        super().__init__("a change hit another number of rows than one")


class Session(Protocol):
    """Runs statements on one connection, and so within its transaction.

    ``values`` give the parameters that the statement takes, by name. Each way raises ``KeyError``
    or ``TypeError`` for others, and what the driver raises.
    """

    @property
    def duplicates(self) -> type[Exception]:
        """What the driver raises where a row with the same key is already there."""
        ...

    def one(self, statement: Statement, /, **values: Any) -> Row | None:
        """The first row that a statement gives, None where there is none."""
        ...

    def all(self, statement: Statement, /, **values: Any) -> list[Row]:
        """Every row that a statement gives."""
        ...

    def each(self, statement: Statement, /, **values: Any) -> Iterator[Row]:
        """The rows that a statement gives, one after the other, however many there are.

        Other statements may run meanwhile.
        """
        ...

    def change(self, statement: Statement, /, **values: Any) -> int:
        """Run a change; returns how many rows it hit."""
        ...

    def change_one(self, statement: Statement, /, **values: Any) -> None:
        """Run a change that must hit exactly one row.

        A database that answers later may say so later: at the next read, or at the latest at the
        end of the unit.

        Raises:
            NoSuchRowError: it hit none, or several.
        """
        ...

    def change_unseen(self, statement: Statement, /, **values: Any) -> None:
        """Run a change, however many rows it hits; a database that answers later need not be
        waited for."""
        ...
