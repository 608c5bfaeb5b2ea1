"""The lock on a data folder: one serving process at a time."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import Self

from gateway.model.problem import Problem, ProblemError

LOCK_NAME = "gateway.lock"


class FolderLock:
    """Holds a data folder for this process until ``release``, or until the process ends.

    The lock is the operating system's (``flock``), so a crash frees it; the file merely says who
    holds it and is never removed. Readers such as verification do not take it.
    """

    def __init__(self, data_dir: Path) -> None:
        """Take the folder, creating it where it is missing.

        Raises:
            ProblemError: DATA_DIR_IN_USE when another process (or journal) holds it;
                DATABASE_UNREADABLE when it cannot be made or written.
        """
        try:
            data_dir.mkdir(parents=True, exist_ok=True)
            self._file = os.open(data_dir / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise _unusable(data_dir, error) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(self._file, 20, 0).decode("ascii", "replace").strip()
            self.release()
            raise _in_use(data_dir, holder) from error
        with suppress(OSError):  # a full disk, say; the lock holds without a name
            os.truncate(self._file, 0)
            os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let the folder go."""
        os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def _in_use(data_dir: Path, holder: str) -> ProblemError:
    return ProblemError(
        Problem(
            code="DATA_DIR_IN_USE",
            title="The data folder is in use",
            status=409,
            detail=f"Another process ({holder or 'unknown'}) serves from {data_dir}. Stop it, or "
            "give this one another folder with GATEWAY_DATA_DIR.",
            category="state",
        )
    )


def _unusable(data_dir: Path, error: OSError) -> ProblemError:
    remedy = (
        f"Give the user that runs the gateway read and write access to {data_dir}, and room on "
        "its disk"
    )
    if isinstance(error, IsADirectoryError):
        remedy = "The gateway keeps a file there: move that folder away"
    return ProblemError(
        Problem(
            code="DATABASE_UNREADABLE",
            title="The data folder cannot be used",
            status=500,
            detail=f"{error.filename or data_dir} cannot be made or written ({error.strerror}). "
            f"{remedy}, or name another folder with GATEWAY_DATA_DIR.",
            category="internal",
        )
    )
