"""Changes of single rows, gathered until something must see them, then sent many rows at a time.

A statement for a hundred rows costs either end a fraction of what a hundred statements do. Changes
of different rows may be made in any order. Those of one row keep theirs: the second goes
into a second wave, and waves are sent one after the other.
"""

from collections.abc import Hashable, Iterator, Mapping
from typing import Any

from gateway.journal.postgres.many import MANY
from gateway.journal.postgres.values import require_storable
from gateway.journal.statement import Parameters, Statement

ROWS = 100
"""Rows that one statement adds or changes at most: each may hold a large answer."""


class Gathering:
    """The changes of a session that were not sent yet."""

    __slots__ = ("_waves", "_waves_of")

    def __init__(self) -> None:
        self._waves: list[dict[Statement, list[Parameters]]] = []
        self._waves_of: dict[Hashable, int] = {}

    def __bool__(self) -> bool:
        """True where there are any."""
        return bool(self._waves)

    def add(self, statement: Statement, values: Mapping[str, Any]) -> bool:
        """Keep a change of one row for later; False where it is to be sent by itself.

        Raises:
            KeyError: a parameter of the statement is missing.
            TypeError: there are too many or too few.
            ProblemError: VALIDATION_FAILED for text that the database cannot hold.
        """
        many = MANY.get(statement)
        if many is None:
            return False
        rows = many.rows_of(values)
        if rows is None:
            return False
        parameters = statement.postgres.parameters(values)
        for value in parameters:
            if isinstance(value, str):
                require_storable(value)
        place = max(self._waves_of.get(row, 0) for row in rows)
        for row in rows:
            self._waves_of[row] = place + 1
        if place == len(self._waves):
            self._waves.append({})
        self._waves[place].setdefault(statement, []).append(parameters)
        return True

    def take(self) -> Iterator[tuple[Statement, list[Parameters]]]:
        """The changes in an order in which they may be made, at most ``ROWS`` of one statement at
        a time; none of them is kept any more."""
        waves, self._waves, self._waves_of = self._waves, [], {}
        for wave in waves:
            for statement, rows in wave.items():
                for start in range(0, len(rows), ROWS):
                    yield statement, rows[start : start + ROWS]

    def clear(self) -> None:
        """Forget them."""
        self._waves, self._waves_of = [], {}
