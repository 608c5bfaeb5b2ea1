"""Finding the entries that hold data under some keys, in short reads beside whoever writes.

Envelopes name their key in clear text, so an entry is found by the key's id: by SQLite itself for
a few keys, which holds up nobody, and by one pattern for many.
"""

import contextlib
import re
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

from gateway.journal.chain import execution_chain
from gateway.journal.database import open_reader
from gateway.model.entry import EntryType
from gateway.model.json import encode
from gateway.model.sealed_history import SealedEntry, SealedHistory

_WINDOW = 20_000
"""How many positions one read goes through: it must hold no snapshot for long."""

_FEW = 2
_KEY_ID = re.compile(r'"\$sealed":\[\d+,"[^"\\]*","[^"\\]*","([^"\\]+)"')
_COLUMNS = "position, at, type, execution_id, body"
_ALL = " UNION ALL ".join(
    f"SELECT {_COLUMNS}, workspace, chain, seq FROM {table}"  # noqa: S608 # constants
    for table in ("entry", "archived_entry")
)
"""All entries; of those that are archived, what is kept of their envelopes."""

_HOLDS = "instr(body, '\"$sealed\":') > 0"


@contextlib.contextmanager
def open_sealed(path: Path) -> Iterator[SealedHistory]:
    """The entries with envelopes of the database in ``path``; for one thread at a time.

    Raises:
        ProblemError: DATABASE_UNREADABLE, DATABASE_UNKNOWN_VERSION.
    """
    with closing(open_reader(path)) as connection:
        yield SqlSealedHistory(connection)


class SqlSealedHistory(SealedHistory):
    """``SealedHistory`` over a reading connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def last_position(self) -> int:
        """The position of the newest entry, 0 where there is none."""
        found = self._connection.execute("SELECT max(position) FROM entry").fetchone()
        return int(found[0] or 0)

    def holding(
        self, workspace: str, key_ids: frozenset[str], after: int, through: int
    ) -> Iterator[SealedEntry]:
        """The entries of a workspace that name one of these keys, behind ``after`` up to
        ``through``, in order."""
        if not key_ids:
            return
        few = sorted(key_ids) if len(key_ids) <= _FEW else []
        named = " OR ".join(["instr(body, ?) > 0"] * len(few)) or "1"
        query = (
            f"SELECT {_COLUMNS} FROM ({_ALL}) WHERE position > ? AND position <= ?"  # noqa: S608 constants and placeholders
            f" AND workspace = ? AND {_HOLDS} AND ({named}) ORDER BY position"
        )
        for start in range(after, through, _WINDOW):
            end = min(start + _WINDOW, through)
            for row in self._connection.execute(query, (start, end, workspace, *few)).fetchall():
                if few or not key_ids.isdisjoint(_KEY_ID.findall(row[4])):
                    yield SealedEntry(*row)

    def of_execution(self, execution_id: str, after: int, through: int) -> Iterator[SealedEntry]:
        """The entries of an execution with envelopes, and of bundles exported from it, behind
        ``after`` up to ``through``."""
        rows = self._connection.execute(
            f"SELECT {_COLUMNS} FROM ({_ALL}) WHERE chain = ?"  # noqa: S608 constants
            f" AND position > ? AND position <= ? AND ({_HOLDS} OR type = ?) ORDER BY seq",
            (execution_chain(execution_id), after, through, EntryType.EVIDENCE_EXPORTED.value),
        ).fetchall()
        yield from (SealedEntry(*row) for row in rows)

    def at(self, positions: Iterable[int]) -> Iterator[SealedEntry]:
        """The entries at these positions, in order."""
        rows = self._connection.execute(
            f"SELECT {_COLUMNS} FROM ({_ALL})"  # noqa: S608 constants
            " WHERE position IN (SELECT value FROM json_each(?)) ORDER BY position",
            (encode(list(positions)),),
        )
        yield from (SealedEntry(*row) for row in rows)
