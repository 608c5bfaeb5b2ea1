"""Tombstones in the key store's own schema of PostgreSQL, for processes that share it.

A restored database brings back an earlier table of tombstones. So copy them out, to where a backup
of the database does not reach: `gateway keys tombstones` writes and reads such a file.
"""

from collections.abc import Iterator, Sequence

from gateway.privacy.postgres_key_store import PostgresKeyStore
from gateway.privacy.tombstones import Tombstone

_PAGE = 10_000


class PostgresTombstones:
    """The table of tombstones beside the keys of ``store``."""

    def __init__(self, store: PostgresKeyStore) -> None:
        self._connection = store.connection

    def append(self, tombstones: Sequence[Tombstone]) -> None:
        """Write tombstones, durably; one for a key that has one changes nothing."""
        columns = [
            [one.key_id for one in tombstones],
            [one.workspace for one in tombstones],
            [one.at for one in tombstones],
            [one.reason for one in tombstones],
        ]
        self._connection.change(
            "INSERT INTO tombstone (key_id, workspace, at, reason)"
            " SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[])"
            " ON CONFLICT (key_id) DO NOTHING",
            columns,
        )

    def __iter__(self) -> Iterator[Tombstone]:
        """Every tombstone, the earliest first."""
        after = 0
        while True:
            rows = self._connection.rows(
                "SELECT number, key_id, workspace, at, reason FROM tombstone WHERE number > %s"
                " ORDER BY number LIMIT %s",
                (after, _PAGE),
            )
            for number, *told in rows:
                after = number
                yield Tombstone(*told)
            if len(rows) < _PAGE:
                return
