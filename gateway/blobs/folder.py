"""Blobs as files of a folder, for one serving process."""

import contextlib
import os
import secrets
import time
from collections.abc import Iterable
from pathlib import Path

from gateway.blobs.port import Named, checked
from gateway.model.system import sync_folder

_UNFINISHED = 3600.0
"""Seconds after which a file that a crash left unfinished is removed."""


class FolderBlobs:
    """Blobs below ``folder``, which is made when the first is kept, for its owner alone."""

    is_shared = False

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def close(self) -> None:
        """See ``Blobs``: there is nothing to let go of."""

    def put(self, name: str, pieces: Iterable[bytes]) -> None:
        """See ``Blobs``: it is written aside and then renamed."""
        path = self._path(name)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                for piece in pieces:
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
        sync_folder(self._folder)

    def get(self, name: str, most: int | None = None) -> bytes | None:
        """See ``Blobs``."""
        try:
            with self._path(name).open("rb") as file:
                return file.read() if most is None else file.read(most)
        except FileNotFoundError:
            return None

    def rename(self, name: str, to: str) -> bool:
        """See ``Blobs``."""
        try:
            self._path(name).replace(self._path(to))
        except FileNotFoundError:
            return False
        sync_folder(self._folder)
        return True

    def remove(self, name: str) -> None:
        """See ``Blobs``."""
        self._path(name).unlink(missing_ok=True)

    def names(self, ending: str = "") -> list[Named]:
        """See ``Blobs``. What a crash left unfinished long ago is removed."""
        if not self._folder.is_dir():
            return []
        now, found = time.time(), []
        for path in sorted(self._folder.iterdir()):
            with contextlib.suppress(FileNotFoundError):
                age = max(now - path.stat().st_mtime, 0.0)
                if path.name.startswith("."):
                    if age > _UNFINISHED:
                        path.unlink()
                elif path.name.endswith(ending):
                    found.append(Named(path.name, age))
        return found

    def size(self) -> int:
        """See ``Blobs``."""
        if not self._folder.is_dir():
            return 0
        total = 0
        for path in self._folder.iterdir():
            with contextlib.suppress(FileNotFoundError):  # another thread has just renamed it
                total += path.stat().st_size
        return total

    def _path(self, name: str) -> Path:
        return self._folder / checked(name)
