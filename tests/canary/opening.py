"""What a thief could read who has a data folder and a key folder: every envelope that opens.

Nothing may run on the folders."""

import io
import re
import shutil
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from gateway.model.json import JsonObject, decode, encoded
from gateway.privacy import Keyring, KeyringSealer

_ENVELOPE = re.compile(rb'\{\s*"\$sealed"\s*:\s*\[[^\[\]{}]*\]\s*\}')


def opened(data: Path, keys: Path, scratch: Path, workspace: str = "acme") -> bytes:
    """The plain text of all that opens, whatever the gateway would show of it; ``scratch`` is where
    the folders are copied to, since opening a key folder may change it."""
    shutil.rmtree(scratch, ignore_errors=True)
    shutil.copytree(keys, scratch / "keys")
    shutil.copytree(data, scratch / "data")
    keyring = Keyring.open(scratch / "keys")
    try:
        sealer, found = KeyringSealer(keyring), []
        for envelope in _envelopes(scratch / "data"):
            try:
                found.append(encoded(sealer.unseal(workspace, envelope)))
            except ValueError:  # erased, of another workspace, or cut short by the end of a page
                continue
    finally:
        keyring.data.close()
    shutil.rmtree(scratch)
    return b"\n".join(found)


def _envelopes(folder: Path) -> Iterator[JsonObject]:
    """Every envelope, as rows of databases hold it, as files hold it, and as archives do."""
    seen: set[bytes] = set()
    for content in _contents(folder):
        for match in _ENVELOPE.finditer(content):
            if match[0] not in seen:
                seen.add(match[0])
                try:
                    envelope: JsonObject = decode(match[0].decode())
                except ValueError:
                    continue
                yield envelope


def _contents(folder: Path) -> Iterator[bytes]:
    files = [(path, path.read_bytes()) for path in sorted(folder.rglob("*")) if path.is_file()]
    for path, content in files:
        yield content
        if content.startswith(b"SQLite format 3\0"):
            yield from _cells(path)
        elif content.startswith(b"PK\x03\x04"):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                yield from (archive.read(name) for name in archive.namelist())


def _cells(path: Path) -> Iterator[bytes]:
    with closing(sqlite3.connect(path)) as database:
        names = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (name,) in names:
            for row in database.execute(f'SELECT * FROM "{name}"'):  # noqa: S608 - our own names
                yield from (cell.encode() for cell in row if isinstance(cell, str))


def wrapped_keys(keys: Path) -> dict[str, bytes]:
    """The wrapped bytes of each data key of a key folder, by the id of the key."""
    with closing(sqlite3.connect(f"file:{keys / 'keys.db'}?mode=ro", uri=True)) as database:
        rows = database.execute("SELECT id, wrapped FROM known_key WHERE wrapped IS NOT NULL")
        return dict(rows.fetchall())
