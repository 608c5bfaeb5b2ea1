"""Blobs in tables of PostgreSQL, for every process on one database."""

from collections.abc import Iterable, Iterator

from gateway.blobs.port import Named, checked
from gateway.model.problem import refuse
from gateway.postgres import Connection

PIECE = 1024 * 1024
"""The bytes of a piece: what is sent and held at a time."""

MOST = 1024 * 1024 * 1024
"""The bytes of the largest blob."""

_SETTINGS = {"lock_timeout": "10s", "idle_in_transaction_session_timeout": "30s"}
"""What stands still for longer is cut off: its locks go, and keys that were destroyed can be
vacuumed, which any transaction keeps from it."""

_SILENCE = 30.0
"""Seconds of silence after which a session counts as lost: more than a wait for others takes, and
the removal of the largest blob."""


class PostgresBlobs:
    """The blobs of ``area`` in the database ``url``."""

    is_shared = True

    def __init__(self, url: str, area: str) -> None:
        self._area = area
        self._connection = Connection(url, "blobs", settings=_SETTINGS, silence=_SILENCE)

    def close(self) -> None:
        """See ``Blobs``: the connection ends."""
        self._connection.close()

    def put(self, name: str, pieces: Iterable[bytes]) -> None:
        """See ``Blobs``.

        Raises:
            ProblemError: PAYLOAD_TOO_LARGE for more than ``MOST`` bytes; SERVICE_UNAVAILABLE.
        """
        checked(name)
        with self._connection.transaction():
            self._remove(name)
            ((blob,),) = self._connection.rows(
                "INSERT INTO blob (area, name, size) VALUES (%s, %s, 0)"
                " ON CONFLICT (area, name) DO UPDATE SET size = 0 RETURNING id",
                (self._area, name),
            )
            self._connection.change("DELETE FROM blob_piece WHERE blob = %s", (blob,))
            size = 0
            for number, piece in enumerate(_evenly(pieces)):
                size += len(piece)
                if size > MOST:
                    raise refuse("PAYLOAD_TOO_LARGE", f"A blob has at most {MOST} bytes.")
                self._connection.change(
                    "INSERT INTO blob_piece (blob, number, content) VALUES (%s, %s, %s)",
                    (blob, number, piece),
                )
            self._connection.change("UPDATE blob SET size = %s WHERE id = %s", (size, blob))

    def get(self, name: str, most: int | None = None) -> bytes | None:
        """See ``Blobs``."""
        last = MOST // PIECE if most is None else max(most - 1, 0) // PIECE
        rows = self._connection.rows(
            "SELECT content FROM blob LEFT JOIN blob_piece ON blob = id AND number <= %s"
            " WHERE area = %s AND name = %s ORDER BY number",
            (last, self._area, checked(name)),
        )
        if not rows:
            return None
        return b"".join(row[0] for row in rows if row[0] is not None)[:most]

    def rename(self, name: str, to: str) -> bool:
        """See ``Blobs``."""
        checked(name), checked(to)
        with self._connection.transaction():
            if name == to or not self._is_there(name):
                return self._is_there(name)
            self._remove(to)
            moved = self._connection.change(
                "UPDATE blob SET name = %s WHERE area = %s AND name = %s", (to, self._area, name)
            )
            return moved == 1

    def remove(self, name: str) -> None:
        """See ``Blobs``."""
        self._remove(checked(name))

    def names(self, ending: str = "") -> list[Named]:
        """See ``Blobs``; ages go by the clock of the database."""
        rows = self._connection.rows(
            "SELECT name, extract(epoch FROM clock_timestamp() - created_at)::double precision"
            " FROM blob WHERE area = %s AND right(name, %s) = %s ORDER BY name",
            (self._area, len(ending), ending),
        )
        return [Named(name, max(age, 0.0)) for name, age in rows]

    def size(self) -> int:
        """See ``Blobs``."""
        ((size,),) = self._connection.rows(
            "SELECT coalesce(sum(size), 0)::bigint FROM blob WHERE area = %s", (self._area,)
        )
        return int(size)

    def _is_there(self, name: str) -> bool:
        rows = self._connection.rows(
            "SELECT 1 FROM blob WHERE area = %s AND name = %s FOR UPDATE", (self._area, name)
        )
        return bool(rows)

    def _remove(self, name: str) -> None:
        self._connection.change(
            "DELETE FROM blob WHERE area = %s AND name = %s", (self._area, name)
        )


def _evenly(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same content in pieces of one size."""
    held = bytearray()
    for piece in pieces:
        held += piece
        while len(held) >= PIECE:
            yield bytes(held[:PIECE])
            del held[:PIECE]
    if held:
        yield bytes(held)
