"""The store of artifacts: archives by their digest, in the data folder."""

import contextlib
import hashlib
import logging
import os
import secrets
from pathlib import Path

from gateway.model.problem import refuse
from gateway.skills.archive import MAX_ARCHIVE
from gateway.skills.manifest import DIGEST

FOLDER = "skills"
"""The folder of the store within the data folder."""

MAX_STORE = 1024 * 1024 * 1024
"""How many bytes all archives may have together."""

_log = logging.getLogger(__name__)


class ArtifactStore:
    """Archives under ``folder`` as ``<hex>.zip``; what is there never changes."""

    def __init__(self, folder: Path, capacity: int = MAX_STORE) -> None:
        self._folder = folder
        self._capacity = capacity

    def get(self, digest: str) -> bytes | None:
        """The archive ``sha256:<hex>``; None where there is none, or it is not itself any more."""
        if not DIGEST.fullmatch(digest):
            return None
        try:
            with self._path(digest).open("rb") as file:
                content = file.read(MAX_ARCHIVE + 1)
        except FileNotFoundError:
            return None
        if hashlib.sha256(content).hexdigest() != _hex(digest):
            _log.error("the stored artifact %s is damaged; upload it again", digest)
            return None
        return content

    def put(self, digest: str, content: bytes) -> bool:
        """Keep an archive whose digest was checked; False if it was there already.

        Raises:
            ProblemError: LIMIT_EXCEEDED when the store is full.
        """
        if self.get(digest) is not None:
            return False
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._size() + len(content) > self._capacity:
            raise refuse(
                "LIMIT_EXCEEDED",
                f"The artifacts of all skills may have {self._capacity} bytes together. Remove "
                "those that no installation names from the folder `skills` of the data folder.",
            )
        self._publish(self._path(digest), content)
        return True

    def _path(self, digest: str) -> Path:
        return self._folder / f"{_hex(digest)}.zip"

    def _size(self) -> int:
        return sum(path.stat().st_size for path in self._folder.iterdir())

    def _publish(self, path: Path, content: bytes) -> None:
        """Put a complete file in place, or none: it is written aside and then renamed."""
        draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        try:
            with draft.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                draft.unlink()
        descriptor = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _hex(digest: str) -> str:
    return digest.removeprefix("sha256:")
