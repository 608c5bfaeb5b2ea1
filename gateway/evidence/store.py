"""Where exported bundles are kept: one file each below the data folder, sealed.

A bundle may show personal data as it is, which the gateway keeps nowhere in the clear. So its
archive is sealed, in pieces, with the keys of its workspace, as PII in the journal is.
"""

import base64
import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.model.json import decode, encode
from gateway.model.ports import Sealer

_PIECE = 1024 * 1024
_FIELD = "output.bundle"
_RUN = re.compile(r"[A-Za-z0-9_]{1,100}")
_DRAFT = re.compile(r"([A-Za-z0-9_]{1,100})-([0-9a-f]{64})\.part")


@dataclass(frozen=True, slots=True)
class Draft:
    """A bundle that is written but not recorded yet."""

    path: Path
    run_id: str
    digest: str


class BundleStore:
    """Bundles below ``folder``; ``contract`` is the reference of the one that exports them.

    Its methods wait for the disk. A bundle is written as a draft before it is recorded, and has
    its name once it is.
    """

    def __init__(self, folder: Path, sealer: Sealer, contract: str) -> None:
        self._folder = folder
        self._sealer = sealer
        self._contract = contract

    def write(self, workspace: str, run_id: str, digest: str, content: bytes) -> Draft:
        """Write a draft, durably; ``digest`` is SHA-256 of ``content`` in hex."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = Draft(self._folder / f"{_known(run_id)}-{digest}.part", run_id, digest)
        descriptor = os.open(draft.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                for start in range(0, len(content), _PIECE):
                    piece = base64.b64encode(content[start : start + _PIECE]).decode()
                    sealed = self._sealer.seal(workspace, self._contract, _FIELD, piece)
                    file.write(encode(sealed).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
            _sync(self._folder)
        except BaseException:
            self.discard(draft)
            raise
        return draft

    def publish(self, draft: Draft, number: int) -> None:
        """Give a draft its name, once it is recorded as the run's bundle of this number.

        Safe to repeat: a crash in between leaves a draft, which ``drafts`` tells at the next start.
        """
        with contextlib.suppress(FileNotFoundError):
            draft.path.replace(self._path(draft.run_id, number))

    def discard(self, draft: Draft) -> None:
        """Remove a draft, if it is still one."""
        draft.path.unlink(missing_ok=True)

    def drafts(self) -> Iterator[Draft]:
        """The drafts that are there."""
        for path in sorted(self._folder.glob("*.part")) if self._folder.is_dir() else ():
            if named := _DRAFT.fullmatch(path.name):
                yield Draft(path, named[1], named[2])

    def read(self, workspace: str, run_id: str, number: int) -> bytes | None:
        """The archive of a bundle, None where its file is gone.

        Raises:
            ValueError: it was altered or its key is gone.
        """
        try:
            with self._path(run_id, number).open("rb") as file:
                return b"".join(self._opened(workspace, line) for line in file)
        except FileNotFoundError:
            return None

    def _opened(self, workspace: str, line: bytes) -> bytes:
        return base64.b64decode(self._sealer.unseal(workspace, decode(line)))

    def _path(self, run_id: str, number: int) -> Path:
        return self._folder / f"{_known(run_id)}-{number}.zip.sealed"


def _known(run_id: str) -> str:
    """A run's id, which may be part of a file's name."""
    if not _RUN.fullmatch(run_id):
        raise ValueError("this is no id of a run")
    return run_id


def _sync(folder: Path) -> None:
    """Make new names in ``folder`` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
