"""What the record says is archived: which positions may be empty, and what must have stood there.

A position is archived if an entry says so that a checkpoint covers. Its leaf still stands in the
tiles, and the roots that were signed hold them to it; so an entry whose predecessor in its chain is
archived is held against those leaves, and against the segments where they are at hand.
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gateway.journal.archives.kept import Kept, kept_archives
from gateway.journal.findings import FindingKind, Findings
from gateway.journal.sqlite_session import SqliteSession
from gateway.journal.tiles import StoredTiles
from gateway.journal.verify_checkpoints import Audit
from gateway.model.entry import EntryType
from gateway.model.json import JsonValue, decode
from gateway.transparency import Hash
from gateway.transparency.tiles import HASH_BYTES, HEIGHT, WIDTH, hashes_of

_SAYS = "SELECT position, type, body FROM entry WHERE chain = ? AND seq = ?"


@dataclass(frozen=True, slots=True)
class Follower:
    """What follows on an archived entry: an entry of a chain by number and position, or (without a
    position) the head of the chain. ``seq`` is that of the archived entry."""

    chain: str
    seq: int
    position: int | None


class Archives:
    """The archived stretches that count, ``kept``, in order; ``end`` is where they end."""

    def __init__(self, connection: sqlite3.Connection, kept: list[Kept]) -> None:
        self.kept = kept
        self.end = kept[-1].last if kept else 0
        self.absent = sum(len(one.absent) for one in kept)
        self._tiles = StoredTiles(SqliteSession(connection.cursor()))
        self._at = 0
        self._place = -1
        self._held: list[Hash] = []

    @classmethod
    def of(cls, connection: sqlite3.Connection, findings: Findings, audit: Audit) -> "Archives":
        """Those that a checkpoint covers; tells of those that none does."""
        try:
            told = kept_archives(SqliteSession(connection.cursor()))
        except (ValueError, TypeError) as error:
            findings.add(FindingKind.ARCHIVE, f"what the record archived cannot be read: {error}")
            return cls(connection, [])
        sound: list[Kept] = []
        for one in told:
            why = _unsound(connection, one, sound[-1].last if sound else 0, audit)
            if why:
                named = f"that the entries {one.first} to {one.last} are archived {why}"
                findings.add(FindingKind.ARCHIVE, named, position=one.first)
                break  # the next one would not go on from it
            sound.append(one)
        return cls(connection, sound)

    def __contains__(self, position: int) -> bool:
        """Whether the entry of a position is archived; ask in rising order."""
        while self._at < len(self.kept) and self.kept[self._at].last < position:
            self._at += 1
        return self._at < len(self.kept) and position in self.kept[self._at].absent

    def leaf(self, position: int) -> Hash:
        """The leaf of an archived entry, as its tile has it; zeros where that lacks it."""
        place, index = (position - 1) >> HEIGHT, (position - 1) % WIDTH
        if place != self._place:
            self._place, self._held = place, hashes_of(self._tiles(0, place))
        found = self._held[index] if index < len(self._held) else b""
        return found if len(found) == HASH_BYTES else bytes(HASH_BYTES)

    def leaves(self) -> Iterator[tuple[int, Hash]]:
        """Every archived position with its leaf, in order."""
        for one in self.kept:
            for position in one.absent:
                yield position, self.leaf(position)

    def explained(self, wanted: dict[Hash, list[Follower]]) -> set[Follower]:
        """Those of the followers (by the leaf that must come before them) that follow on an
        archived entry indeed."""
        found: set[Follower] = set()
        if not wanted:
            return found
        for position, leaf in self.leaves():
            for one in wanted.get(leaf, ()):
                if one.position is None or position < one.position:
                    found.add(one)
        return found


def _unsound(connection: sqlite3.Connection, kept: Kept, after: int, audit: Audit) -> str:
    """Why what is said of a stretch does not count; empty where it does."""
    if kept.first != after + 1:
        return f"does not go on from position {after}"
    if kept.last > audit.tiled:
        return "is said of entries that no checkpoint covers"
    row = connection.execute(_SAYS, (kept.chain, kept.seq)).fetchone()
    if row is None or not _says(row[1], row[2], kept):
        return "is in no entry of the record"
    if not isinstance(row[0], int) or row[0] > audit.covered_position:
        return "is in an entry that no checkpoint covers"
    return ""


def _says(kind: Any, text: Any, kept: Kept) -> bool:
    try:
        body: JsonValue = decode(text)
    except (ValueError, TypeError):
        return False
    if not isinstance(body, dict) or (body.get("first"), body.get("last")) != (
        kept.first,
        kept.last,
    ):
        return False
    if kind == EntryType.RECORD_RETURNED:
        return (body.get("file"), body.get("absent")) == (kept.file, str(kept.absent))
    told = (body.get("file"), body.get("sha256"), body.get("absent"))
    return kind == EntryType.RECORD_ARCHIVED and told == (kept.file, kept.digest, str(kept.absent))
