"""The search for canaries: every byte, in every form that hides nothing."""

import base64
import hashlib
import io
import re
import sqlite3
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.canary.values import MARK, Canaries, Canary, spellings

_HASHES = ("md5", "sha1", "sha256", "sha512", "blake2b")
_AROUND = 40


@dataclass(frozen=True, slots=True)
class Hit:
    """A canary where it must not be: of which field, in which form, where, and what stands there."""

    field: str
    form: str
    place: str
    around: str

    def __str__(self) -> str:
        return f"{self.place}: {self.field} ({self.form}): {self.around}"


def _both(text: str) -> tuple[bytes, ...]:
    return text.lower().encode(), text.upper().encode(), text.capitalize().encode()


def _in_base64(text: bytes) -> Iterator[bytes]:
    """The part of the base64 of ``text`` that is the same whatever stands around it."""
    for lead in range(3):
        whole = base64.b64encode(b"\0" * lead + text)
        first = (lead * 8 + 5) // 6
        yield whole[first : (lead + len(text)) * 8 // 6]


def _any_of(parts: Iterable[bytes]) -> bytes:
    return b"|".join(sorted({re.escape(part) for part in parts}, key=len, reverse=True))


_ENCODED = {
    "base64": _any_of(part for one in _both(MARK) for part in _in_base64(one)),
    "hex": _any_of(one.hex().encode() for one in _both(MARK)),
    "HEX": _any_of(one.hex().upper().encode() for one in _both(MARK)),
    "UTF-16": _any_of("\0".join(one.decode()).encode() for one in _both(MARK)),
    "reversed": _any_of(one[::-1] for one in _both(MARK)),
    "percent": _any_of(("%" + one.hex("%")).encode() for one in _both(MARK)),
}
_FORMS = re.compile(
    b"|".join(
        b"(?P<%s>%s)" % (name.replace("-", "_").encode(), at) for name, at in _ENCODED.items()
    )
)
_TEXT = re.compile(MARK.encode() + rb"-?([0-9a-z]{6})?", re.IGNORECASE)
_DIGITS = re.compile(
    rb"(?<![0-9a-fA-F])(?:(19371\d{5})|(719371\d{7})|(9\.3719371\d{7})|"
    rb"(?:\+49|0|49)?(15193\d{6})|(11\d\d-\d\d-\d\d))(?![0-9a-fA-F])|(\.719371\d{3})(?!\d)"
)
_HEX = re.compile(rb"[0-9a-fA-F]{32,128}")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{22,88}")


class Searcher:
    """Looks for the canaries that were planted until now."""

    def __init__(self, canaries: Canaries) -> None:
        self._planted = dict(canaries.planted)
        self._hex: dict[str, Canary] = {}
        self._base64: dict[bytes, Canary] = {}
        for canary in self._planted.values():
            for text in spellings(canary):
                self._hash(canary, text.encode())

    def _hash(self, canary: Canary, text: bytes) -> None:
        for name in _HASHES:
            found = hashlib.new(name, text).digest()
            self._hex[found.hex()] = canary
            for coded in (base64.b64encode(found), base64.urlsafe_b64encode(found)):
                self._base64[coded.rstrip(b"=")] = canary

    def in_bytes(self, data: bytes, place: str) -> Iterator[Hit]:
        """Every canary in ``data``."""
        for found in _TEXT.finditer(data):
            sign = (found[1] or b"").decode().lower()
            canary = self._planted.get(sign)
            yield self._hit(canary, "as it is", place, data, found.start())
        for found in _DIGITS.finditer(data):
            canary = self._planted.get((found[found.lastindex or 0]).decode())
            if canary is not None:
                yield self._hit(canary, "as it is", place, data, found.start())
        for found in _FORMS.finditer(data):
            yield self._hit(None, str(found.lastgroup), place, data, found.start())
        yield from self._hashed(data, place)
        if data.startswith(b"PK\x03\x04"):
            yield from self._zipped(data, place)

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
        field = canary.where if canary else "some field"
        return Hit(field, form, place, around.decode("utf-8", "replace").replace("\0", "."))

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
