"""Checkpoints of a log: its name, its size, its root, and lines of the log's own.

The form is that of C2SP tlog-checkpoint (https://c2sp.org/tlog-checkpoint); signed as a note, it is
what witnesses and monitors of transparency logs read.
"""

import base64
import binascii
import re
from dataclasses import dataclass

from gateway.transparency.merkle import EMPTY_ROOT
from gateway.transparency.note import NoteError

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_LARGEST = 2**63 - 1  # what databases hold, and as far as proofs go
_ROOT_BYTES = len(EMPTY_ROOT)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log says of itself: ``root`` is the RFC 6962 head of its first ``size`` leaves.

    ``extensions`` are further lines, none of them empty; what they mean is the log's own matter.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "Checkpoint":
        """The checkpoint that a note's text is.

        Raises:
            NoteError: it is none.
        """
        lines = text.split("\n")
        if len(lines) < 4 or lines.pop() != "" or "" in lines:
            raise NoteError("a checkpoint has at least three lines, and none is empty")
        origin, size, root, *extensions = lines
        if not _SIZE.fullmatch(size):
            raise NoteError("the size of a checkpoint is a decimal number without leading zeros")
        if int(size) > _LARGEST:
            raise NoteError(f"no log has more than {_LARGEST} entries")
        return cls(origin, int(size), _root(root), tuple(extensions))

    def __str__(self) -> str:
        root = base64.b64encode(self.root).decode()
        return "".join(
            f"{line}\n" for line in (self.origin, str(self.size), root, *self.extensions)
        )


def _root(text: str) -> bytes:
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if len(found) != _ROOT_BYTES or base64.b64encode(found).decode() != text:
        raise NoteError(f"the root of a checkpoint is base64 of {_ROOT_BYTES} bytes")
    return found
