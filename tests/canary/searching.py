"""The search for canaries: every byte, in every form that hides nothing."""

import base64
import hashlib
import io
import json
import re
import sqlite3
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.model.json import canonical, encode
from tests.canary.values import MARK, Canaries, Canary, spellings

_HASHES = ("md5", "sha1", "sha256", "sha512", "blake2b")
_AROUND = 40


@dataclass(frozen=True, slots=True)
class Hit:
    """A canary where it must not be: of which field, in which form, where, what is around it."""

    field: str
    form: str
    place: str
    around: str
    needle: str = ""

    def __str__(self) -> str:
        return f"{self.place}: {self.field} ({self.form}): {self.around}"


def _any_case(text: str) -> tuple[bytes, ...]:
    return text.lower().encode(), text.upper().encode(), text.capitalize().encode()


def _in_base64(text: bytes) -> Iterator[bytes]:
    """The part of the base64 of ``text`` that is the same whatever stands around it."""
    for lead in range(3):
        whole = base64.b64encode(b"\0" * lead + text)
        yield whole[(lead * 8 + 5) // 6 : (lead + len(text)) * 8 // 6]


def _encoded() -> Iterator[tuple[bytes, str]]:
    """The mark in every form but its own."""
    for text in _any_case(MARK):
        yield from ((part, "base64") for part in _in_base64(text))
        yield text.hex().encode(), "hex"
        yield text.hex().upper().encode(), "hex"
        yield "\0".join(text.decode()).encode(), "UTF-16"
        yield text[::-1], "reversed"
        yield b"%" + text.hex("%").encode(), "percent-encoded"
        yield b"%" + text.hex("%").upper().encode(), "percent-encoded"


_FORMS = tuple(dict(_encoded()).items())
_SIGN = re.compile(rb"-?([0-9a-z]{6})")
_NUMBERS = re.compile(
    rb"(?:%2B|(?<![0-9a-fA-F]))(?:(19371\d{5})|(719371\d{7})|(9\.3719371\d{7})|"
    rb"(?:\+49|0|49)?(15193\d{6})|(11\d\d-\d\d-\d\d))(?![0-9a-fA-F])|(\.719371\d{3})(?!\d)"
)
_BEGINNINGS = (b"19371", b"15193")
"""What stands in every number, so that the bytes around need be looked at only there."""

_DATE = re.compile(rb"11\d\d-\d\d-\d\d")
_HEX = re.compile(rb"[0-9a-fA-F]{32,128}")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{22,88}")


def _places(data: bytes, part: bytes) -> Iterator[int]:
    at = data.find(part)
    while at >= 0:
        yield at
        at = data.find(part, at + 1)


class Searcher:
    """Looks for the canaries that were planted until now, or until ``learn`` was last called."""

    def __init__(self, canaries: Canaries) -> None:
        self._canaries = canaries
        self._planted: dict[str, Canary] = {}
        self._hex: dict[str, Canary] = {}
        self._base64: dict[bytes, Canary] = {}
        self._sent = 0
        self.learn()

    def learn(self) -> "Searcher":
        """Look for what was planted since, too; hashing everything anew would take long."""
        for needle, canary in dict(self._canaries.planted).items():
            if self._planted.get(needle) is not canary:
                self._planted[needle] = canary
                for text in spellings(canary):
                    self._hash(canary, text.encode())
        sent = self._canaries.sent[self._sent :]
        self._sent += len(sent)
        for where, value in sent:
            self._hash_whole(where, value)
        return self

    def _hash_whole(self, where: str, sent: Any) -> None:
        whole = Canary(where, "an input", "", sent)
        for text in (canonical(sent), encode(sent).encode(), json.dumps(sent).encode()):
            self._hash(whole, text)

    def _hash(self, canary: Canary, text: bytes) -> None:
        for name in _HASHES:
            found = hashlib.new(name, text).digest()
            self._hex[found.hex()] = canary
            for coded in (base64.b64encode(found), base64.urlsafe_b64encode(found)):
                self._base64[coded.rstrip(b"=")] = canary

    def in_bytes(self, data: bytes, place: str) -> Iterator[Hit]:
        """Every canary in ``data``."""
        folded = data.lower()
        for at in _places(folded, MARK.encode()):
            sign = _SIGN.match(folded, at + len(MARK))
            canary = self._planted.get(sign[1].decode()) if sign else None
            yield self._hit(canary, "as it is", place, data, at)
        for at in self._numbers(data):
            found = _NUMBERS.match(data, at)
            canary = self._planted.get(found[found.lastindex or 0].decode()) if found else None
            if canary is not None:
                yield self._hit(canary, "as it is", place, data, at)
        for part, form in _FORMS:
            for at in _places(data, part):
                yield self._hit(None, form, place, data, at)
        yield from self._hashed(data, place)
        if data.startswith(b"PK\x03\x04"):
            yield from self._zipped(data, place)

    def _numbers(self, data: bytes) -> Iterator[int]:
        """Where a planted number, date or moment may begin."""
        for part in _BEGINNINGS:
            for at in _places(data, part):
                yield from range(max(at - 6, 0), at + 1)
        for found in _DATE.finditer(data):
            yield found.start()

    def _hashed(self, data: bytes, place: str) -> Iterator[Hit]:
        for found in _HEX.finditer(data):
            canary = self._hex.get(found[0].decode().lower())
            if canary is not None:
                yield self._hit(canary, "plain hash", place, data, found.start())
        for found in _BASE64.finditer(data):
            canary = self._base64.get(found[0])
            if canary is not None:
                yield self._hit(canary, "plain hash", place, data, found.start())

    def _zipped(self, data: bytes, place: str) -> Iterator[Hit]:
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                for name in archive.namelist():
                    yield from self.in_bytes(archive.read(name), f"{place}!{name}")
        except zipfile.BadZipFile:
            return

    def _hit(self, canary: Canary | None, form: str, place: str, data: bytes, at: int) -> Hit:
        around = data[max(at - _AROUND, 0) : at + _AROUND]
        if place.endswith(".log"):  # which logger it was stands at the beginning of the line
            line = data.rfind(b"\n", 0, at) + 1
            around = data[line : min(line + 80, at)] + b"..." + around
        field = canary.where if canary else "some field"
        text = around.decode("utf-8", "replace").replace("\0", ".")
        return Hit(field, form, place, text, canary.needle if canary else "")

    def in_folder(self, folder: Path) -> Iterator[Hit]:
        """Every canary in the files below ``folder``, byte by byte, and among their names."""
        for path in sorted(folder.rglob("*")):
            place = str(path.relative_to(folder))
            yield from self.in_bytes(place.encode(), f"name of {place}")
            if path.is_file():
                data = path.read_bytes()
                yield from self.in_bytes(data, place)
                if data.startswith(b"SQLite format 3\0"):
                    yield from self._raw_hashes(path, place)

    def _raw_hashes(self, path: Path, place: str) -> Iterator[Hit]:
        """Hashes that stand in cells of a database as bytes."""
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
            names = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            for (name,) in names.fetchall():
                for row in database.execute(f'SELECT * FROM "{name}"'):  # noqa: S608 - our own names
                    for cell in row:
                        if isinstance(cell, bytes) and cell.hex() in self._hex:
                            canary = self._hex[cell.hex()]
                            yield self._hit(canary, "plain hash", f"{place}!{name}", cell, 0)
        database.close()
