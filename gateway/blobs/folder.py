"""Blobs as files of a folder, for one serving process."""

import contextlib
import os
import secrets
import time
from collections.abc import Iterable, Iterator
from io import FileIO
from pathlib import Path

from gateway.blobs.port import Named, checked
from gateway.model.problem import refuse
from gateway.model.system import sync_folder

_UNFINISHED = 3600.0
"""Seconds after which a file that a crash left unfinished is removed."""

_RETRY_AFTER = 1.0
"""Seconds after which a caller may try again what could not be kept."""


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
        draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        with self._usable():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb", buffering=0) as file:
                for piece in pieces:  # which may fail too, for a reason of their own
                    with self._usable():
                        _write(file, piece)
                with self._usable():
                    os.fsync(file.fileno())
            with self._usable():
                draft.replace(path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
        with self._usable():
            sync_folder(self._folder)

    def get(self, name: str, most: int | None = None) -> bytes | None:
        """See ``Blobs``."""
        missing = contextlib.suppress(FileNotFoundError)
        with self._usable(), missing, self._path(name).open("rb") as file:
            return file.read() if most is None else file.read(most)
        return None

    def rename(self, name: str, to: str) -> bool:
        """See ``Blobs``."""
        with self._usable(), contextlib.suppress(FileNotFoundError):
            self._path(name).replace(self._path(to))
            sync_folder(self._folder)
            return True
        return False

    def remove(self, name: str) -> None:
        """See ``Blobs``."""
        with self._usable():
            self._path(name).unlink(missing_ok=True)

    def names(self, ending: str = "") -> list[Named]:
        """See ``Blobs``. What a crash left unfinished long ago is removed."""
        now = time.time()
        return [
            Named(name, max(now - told.st_mtime, 0.0))
            for name, told in self._files()
            if name.endswith(ending) and not name.startswith(".")
        ]

    def size(self) -> int:
        """See ``Blobs``. What a crash left unfinished long ago is removed."""
        return sum(told.st_size for _, told in self._files())

    def _files(self) -> list[tuple[str, os.stat_result]]:
        """The files that are there, those that are being written included."""
        found = []
        with self._usable():
            present = sorted(self._folder.iterdir()) if self._folder.is_dir() else []
            for path in present:
                with contextlib.suppress(FileNotFoundError):  # another thread has just renamed it
                    told = path.stat()
                    if path.name.startswith(".") and time.time() - told.st_mtime > _UNFINISHED:
                        path.unlink()
                    else:
                        found.append((path.name, told))
        return found

    def _path(self, name: str) -> Path:
        return self._folder / checked(name)

    @contextlib.contextmanager
    def _usable(self) -> Iterator[None]:
        """A folder that cannot be used, as on a full disk, is told as a problem."""
        try:
            yield
        except OSError as error:
            told = (
                f"The folder `{self._folder.name}` of the data folder cannot be used "
                f"({error.strerror}). Free space on its volume, or give the gateway read and write "
                "access to it, then try again."
            )
            raise refuse("SERVICE_UNAVAILABLE", told, retry_after=_RETRY_AFTER) from error


def _write(file: FileIO, piece: bytes) -> None:
    """Write a piece whole: a disk that fills up takes a part first."""
    left = memoryview(piece)
    while left:
        left = left[file.write(left) :]
