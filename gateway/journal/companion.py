"""Tables of other parts in the same PostgreSQL database as the record."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # a start on SQLite does without the driver
    import psycopg


@dataclass(frozen=True, slots=True)
class Companion:
    """What is created and migrated along with the tables of the record.

    ``is_current`` only looks. ``bring`` creates what is missing or brings it up to date, and
    changes nothing where all is there. Both get a connection amid a transaction, and neither ends
    it.
    """

    name: str
    is_current: "Callable[[psycopg.Connection[Any]], bool]"
    bring: "Callable[[psycopg.Connection[Any]], object]"


def tables_companion(name: str, script: str, *tables: str) -> Companion:
    """A companion of one version: ``script`` creates its ``tables`` where they are missing."""

    def is_current(connection: "psycopg.Connection[Any]") -> bool:
        asked = "SELECT count(to_regclass(name)) FROM unnest(%s::text[]) AS name"
        return connection.execute(asked, (list(tables),)).fetchone() == (len(tables),)

    def bring(connection: "psycopg.Connection[Any]") -> None:
        connection.execute(script.encode())

    return Companion(name, is_current, bring)
