"""Reading for one answer: no more of the record than one answer may be made of."""

from collections.abc import Iterable, Iterator
from typing import Any

from gateway.journal.session import Row, Session
from gateway.journal.statement import Statement
from gateway.model.problem import refuse


class MeteredSession(Session):
    """A session of which ``most`` characters of JSON may be read in all.

    Everything else that rows hold is short. The rows of a statement are counted once they are
    there, so it may read as much more as one statement gives.
    """

    __slots__ = ("_left", "_most", "_session")

    def __init__(self, session: Session, most: int) -> None:
        self._session = session
        self._most = most
        self._left = most

    @property
    def duplicates(self) -> type[Exception]:
        """As those of the session."""
        return self._session.duplicates

    def one(self, statement: Statement, /, **values: Any) -> Row | None:
        """The first row that a statement gives, None where there is none.

        Raises:
            ProblemError: ANSWER_LIMIT_EXCEEDED.
        """
        row = self._session.one(statement, **values)
        if row is not None:
            self._take(statement, (row,))
        return row

    def all(self, statement: Statement, /, **values: Any) -> list[Row]:
        """Every row that a statement gives. Raises as ``one``."""
        rows = self._session.all(statement, **values)
        self._take(statement, rows)
        return rows

    def each(self, statement: Statement, /, **values: Any) -> Iterator[Row]:
        """The rows that a statement gives, one after the other. Raises as ``one``."""
        for row in self._session.each(statement, **values):
            self._take(statement, (row,))
            yield row

    def change(self, statement: Statement, /, **values: Any) -> int:
        """As the session does."""
        return self._session.change(statement, **values)

    def change_one(self, statement: Statement, /, **values: Any) -> None:
        """As the session does."""
        self._session.change_one(statement, **values)

    def change_unseen(self, statement: Statement, /, **values: Any) -> None:
        """As the session does."""
        self._session.change_unseen(statement, **values)

    def _take(self, statement: Statement, rows: Iterable[Row]) -> None:
        places = statement.json
        if not places:
            return
        self._left -= sum(len(row[place]) for row in rows for place in places if row[place])
        if self._left < 0:
            told = (
                f"The answer is made of more than {self._most} bytes of the record. Ask for "
                "fewer items at once, or for less of each."
            )
            raise refuse("ANSWER_LIMIT_EXCEEDED", told, extra={"maximum": self._most})
