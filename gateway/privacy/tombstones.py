"""The tombstones of destroyed keys, which outlive every restored key store.

A backup of the key store holds keys that were destroyed since. So each destruction is written here
first, durably; whoever opens a key store destroys again whatever a tombstone names. Tombstones hold
no key, no name of a person and no value: copy them as often as you like. ``Tombstones`` is the
port; the file that is here only grows, by one JSON line for each.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Protocol

from gateway.model.json import decode, encode
from gateway.model.system import sync_folder

FILE_NAME = "tombstones.jsonl"
_AT_ONCE = 5_000
_MOST_BYTES = 65_536
"""No line is longer."""


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A key of ``workspace`` that was destroyed ``at`` (RFC 3339) for a ``reason``."""

    key_id: str
    workspace: str
    at: str
    reason: str


class Tombstones(Protocol):
    """Where tombstones are kept."""

    def append(self, tombstones: Sequence[Tombstone]) -> None:
        """Write tombstones, durably."""
        ...

    def __iter__(self) -> Iterator[Tombstone]:
        """Every tombstone, the earliest first."""
        ...


class TombstoneFile:
    """A file of tombstones, such as ``tombstones.jsonl`` in a key folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, tombstones: Sequence[Tombstone]) -> None:
        """Write tombstones, durably."""
        is_new = not self.path.exists()
        lines = "".join(f"{_line(one)}\n" for one in tombstones)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            if file.seek(0, os.SEEK_END) and not self._ends_whole(file.fileno()):
                lines = f"\n{lines}"  # a crash cut the last line
            file.write(lines.encode())
            file.flush()
            os.fsync(file.fileno())
        if is_new:
            sync_folder(self.path.parent)

    def _ends_whole(self, descriptor: int) -> bool:
        return os.pread(descriptor, 1, os.fstat(descriptor).st_size - 1) == b"\n"

    def __iter__(self) -> Iterator[Tombstone]:
        """Every tombstone; a line that a crash cut short is passed over."""
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            for line in _lines(file):
                if (told := _told(line)) is not None:
                    yield told

    def unreadable(self) -> int:
        """How many lines are passed over: more than a few are no work of crashes."""
        if not self.path.exists():
            return 0
        with self.path.open("rb") as file:
            return sum(_told(line) is None for line in _lines(file) if line.strip())


def by_key(tombstones: Tombstones) -> Iterator[dict[str, Tombstone]]:
    """Every tombstone by its key, some thousands at a time: there may be very many."""
    buried = iter(tombstones)
    while chunk := {one.key_id: one for one in islice(buried, _AT_ONCE)}:
        yield chunk


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """The lines of a file; of one that is too long for a tombstone, only the beginning."""
    is_begun = False
    while part := file.readline(_MOST_BYTES):
        if not is_begun:
            yield part
        is_begun = not part.endswith(b"\n")


def _told(line: bytes) -> Tombstone | None:
    """The tombstone of a line, None where it is none."""
    try:
        told = decode(line)
        named = (told["keyId"], told["workspace"], told["at"], told["reason"])
    except (ValueError, KeyError, TypeError):
        return None
    return Tombstone(*named) if all(isinstance(part, str) for part in named) else None


def _line(one: Tombstone) -> str:
    return encode(
        {"keyId": one.key_id, "workspace": one.workspace, "at": one.at, "reason": one.reason}
    )
