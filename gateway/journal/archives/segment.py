"""Segments: files that hold a stretch of the record, each provable by itself.

A segment is a gzip file of JSON lines. The first says what it holds::

    {"before":[...],"first":...,"format":1,"last":...,"note":"...","origin":"..."}

``note`` is the signed checkpoint over the entries up to ``last``, and ``before`` are the roots of
the complete subtrees over the entries before ``first`` (base64, the largest first). So the tree
that grows from ``before`` by the entries must have the root that was signed. Each further line is
an entry: a JSON array of its stored columns, from the position to the hash, in order of position.
"""

import base64
import binascii
import gzip
import hashlib
import os
import secrets
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import orjson

from gateway.journal.chain import entry_hash
from gateway.journal.checkpoint_lines import Line, LineError, origin_of, parsed_note, signer_among
from gateway.model.json import JsonObject
from gateway.model.system import sync_folder
from gateway.transparency import Frontier, Hash, leaf_hash

FORMAT = 1
SUFFIX = ".segment.gz"
MOST_BYTES = 256 * 1024 * 1024
"""No line of a segment is longer."""

Row: TypeAlias = tuple[Any, ...]
_COLUMNS = 12
_CHUNK = 1 << 20


class SegmentError(ValueError):
    """A file is no segment, or does not hold what was signed; the message is a clause."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a segment says of itself: see the module. ``before`` are hashes, ``line`` the note."""

    first: int
    last: int
    origin: str
    before: tuple[Hash, ...]
    note: str

    @property
    def name(self) -> str:
        """The name of its file."""
        return f"{self.first:012d}-{self.last:012d}{SUFFIX}"

    def line(self) -> Line:
        """The checkpoint at its end; its signature is not verified.

        Raises:
            SegmentError: it is none, or one of other entries.
        """
        try:
            line = parsed_note(self.note)
        except LineError as error:
            raise SegmentError(f"its checkpoint cannot be read ({error})") from error
        if line.position != self.last or line.checkpoint is None:
            raise SegmentError("its checkpoint is of other entries")
        if line.checkpoint.origin != self.origin:
            raise SegmentError("its checkpoint is of another record")
        return line

    def to_json(self) -> JsonObject:
        """The first line of the file."""
        return {
            "format": FORMAT,
            "first": self.first,
            "last": self.last,
            "origin": self.origin,
            "before": [base64.b64encode(one).decode() for one in self.before],
            "note": self.note,
        }


def write_segment(folder: Path, header: Header, rows: Iterable[Row]) -> str:
    """Write a segment durably; returns the SHA-256 of the file, in hex.

    The same entries give the same bytes; a file that is there already with these is left alone.

    Raises:
        OSError: it cannot be written.
        SegmentError: another file of this name is there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / header.name
    begun = folder / f"{header.name}.{secrets.token_hex(8)}.part"  # another may write it as well
    try:
        _write(begun, header, rows)
        digest = file_digest(begun)
        if not path.exists():
            begun.rename(path)
        elif file_digest(path) != digest:
            raise SegmentError("holds something else already")
        sync_folder(folder)  # also where another put it there, who may not have come to this
        return digest
    finally:
        begun.unlink(missing_ok=True)


def _write(path: Path, header: Header, rows: Iterable[Row]) -> None:
    with path.open("wb") as file:
        with gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=6, mtime=0) as out:
            out.write(orjson.dumps(header.to_json(), option=orjson.OPT_SORT_KEYS) + b"\n")
            for row in rows:
                out.write(orjson.dumps(row) + b"\n")
        file.flush()
        os.fsync(file.fileno())


def file_digest(path: Path) -> str:
    """SHA-256 of a file, in hex.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Segment:
    """A segment that is read; ``rows`` may be gone through once.

    Use it as a context. What is read is checked on the way: each entry against its hash, the
    positions, and at the end the root against the checkpoint, so rows count once all came.
    """

    def __init__(self, path: Path) -> None:
        """Open it and read its first line.

        Raises:
            SegmentError, OSError: it is no segment, or cannot be read.
        """
        self.path = path
        self._file = gzip.open(path)  # noqa: SIM115 # closed by the context
        try:
            self.header = _header(self._line())
            self.line = self.header.line()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> "Segment":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def is_signed_by(self, keys: Iterable[bytes]) -> bool:
        """Whether one of these public keys (32 bytes each) signed the checkpoint at its end."""
        return signer_among(self.line, keys) is not None

    def rows(self) -> Iterator[Row]:
        """The entries, as their rows are stored.

        Raises:
            SegmentError: one is not what was signed, or some are missing or too many.
        """
        header = self.header
        tree = Frontier(header.first - 1, header.before)
        for position in range(header.first, header.last + 1):
            row = _row(self._line(), position)
            leaf = leaf_hash(bytes.fromhex(row[-1]))
            if position == 1 and origin_of(leaf) != header.origin:
                raise SegmentError("it begins with the first entry of another record")
            tree.append(leaf)
            yield row
        if self._line():
            raise SegmentError(f"more follows on position {header.last}")
        if self.line.checkpoint is None or tree.root() != self.line.checkpoint.root:
            raise SegmentError("its entries are not those that its checkpoint signed")

    def _line(self) -> bytes:
        try:
            line = self._file.readline(MOST_BYTES)
        except (EOFError, OSError, zlib.error) as error:
            raise SegmentError(f"it cannot be read to its end ({type(error).__name__})") from error
        if line and not line.endswith(b"\n"):
            raise SegmentError("a line of it breaks off, or is too long")
        return line


def check_segment(path: Path, through: Callable[[Iterator[Row]], Iterable[Row]] = iter) -> Header:
    """Read a segment through; ``through`` passes its entries on.

    Raises:
        SegmentError, OSError: it is none, or does not hold what its checkpoint says.
    """
    with Segment(path) as segment:
        for _ in through(segment.rows()):
            pass
        return segment.header


def _header(line: bytes) -> Header:
    try:
        told = orjson.loads(line)
    except ValueError as error:
        raise SegmentError("its first line is no JSON") from error
    match told:
        case {
            "format": 1,
            "first": int(first),
            "last": int(last),
            "origin": str(origin),
            "before": list(before),
            "note": str(note),
        } if 1 <= first <= last and len(before) == (first - 1).bit_count():
            return Header(first, last, origin, tuple(map(_hash, before)), note)
        case _:
            raise SegmentError("its first line is not that of a segment of a format that is known")


def _hash(text: object) -> Hash:
    try:
        found = base64.b64decode(text if isinstance(text, str) else "", validate=True)
    except binascii.Error:
        found = b""
    if len(found) != len(leaf_hash(b"")):
        raise SegmentError("its first line holds something else than hashes")
    return found


def _row(line: bytes, position: int) -> Row:
    if not line:
        raise SegmentError(f"it ends before position {position}")
    try:
        row = orjson.loads(line)
        if not isinstance(row, list) or len(row) != _COLUMNS:
            raise SegmentError(f"what stands for position {position} is no entry")
        if type(row[0]) is not int or row[0] != position:  # which no hash covers
            raise SegmentError(f"no entry of position {position} stands where it must")
        chain, seq, form, *fields, previous, own = row[1:]
        found = entry_hash(form, chain, seq, previous, *fields)
    except (TypeError, orjson.JSONDecodeError) as error:
        raise SegmentError(f"what stands for position {position} is no entry") from error
    if found != own:
        raise SegmentError(f"the entry at position {position} does not fit its hash")
    return tuple(row)
