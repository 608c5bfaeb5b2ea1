"""The store of artifacts: archives by their digest."""

import hashlib
import logging

from gateway.blobs import Blobs
from gateway.model.problem import refuse
from gateway.skills.archive import MAX_ARCHIVE
from gateway.skills.manifest import DIGEST

AREA = "skills"
"""The area of the store among blobs, and its folder within the data folder."""

MAX_STORE = 1024 * 1024 * 1024
"""How many bytes all archives may have together."""

_log = logging.getLogger(__name__)


class ArtifactStore:
    """Archives among ``blobs`` as ``<hex>.zip``; what is there never changes."""

    def __init__(self, blobs: Blobs, capacity: int = MAX_STORE) -> None:
        self._blobs = blobs
        self._capacity = capacity

    def get(self, digest: str) -> bytes | None:
        """The archive ``sha256:<hex>``; None where there is none, or it is not itself any more."""
        if not DIGEST.fullmatch(digest):
            return None
        content = self._blobs.get(_name(digest), MAX_ARCHIVE + 1)
        if content is None:
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
        if self._blobs.size() + len(content) > self._capacity:
            raise refuse(
                "LIMIT_EXCEEDED",
                f"The artifacts of all skills may have {self._capacity} bytes together. Remove "
                "those that no installation names from the folder `skills` of the data folder, or "
                "from the table `blob`.",
            )
        self._blobs.put(_name(digest), [content])
        return True


def _name(digest: str) -> str:
    return f"{_hex(digest)}.zip"


def _hex(digest: str) -> str:
    return digest.removeprefix("sha256:")
