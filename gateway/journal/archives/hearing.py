"""Long looks at files within a transaction, of which the database hears."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from sqlalchemy import text

from gateway.journal.session import Session
from gateway.journal.statement import Statement

T = TypeVar("T")

_EVERY = 1_000
_HEAR = Statement(text("SELECT 1"))


def heard(session: Session, rows: Iterable[T]) -> Iterator[T]:
    """``rows``, with a word to the database now and then: a server ends a transaction in which
    nothing happens for a while, and half a million entries may take longer."""
    for number, row in enumerate(rows, 1):
        if number % _EVERY == 0:
            session.one(_HEAR)
        yield row
