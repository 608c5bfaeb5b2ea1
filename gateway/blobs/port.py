"""The port of blobs: content under a name, in one area such as ``evidence``."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,249}")


@dataclass(frozen=True, slots=True)
class Named:
    """A blob that is there; ``age`` is the seconds since it was written."""

    name: str
    age: float


class Blobs(Protocol):
    """The blobs of one area. Its methods wait for a disk or a database, so call them off the event
    loop. Thread-safe.

    A name has letters, digits, ``_``, ``.`` and ``-``; anything else raises ValueError, so that no
    name is ever a path. Where they cannot be reached or the disk is full, they raise a
    ``ProblemError`` with SERVICE_UNAVAILABLE.
    """

    @property
    def is_shared(self) -> bool:
        """Whether other processes write here too."""
        ...

    def put(self, name: str, pieces: Iterable[bytes]) -> None:
        """Keep content, durably and as a whole or not at all; what had the name is replaced."""
        ...

    def get(self, name: str, most: int | None = None) -> bytes | None:
        """The content of a blob, its first ``most`` bytes; None where there is none."""
        ...

    def rename(self, name: str, to: str) -> bool:
        """Give a blob another name, durably; what had that is replaced. False where there is no
        such blob."""
        ...

    def remove(self, name: str) -> None:
        """Remove a blob, if it is there."""
        ...

    def names(self, ending: str = "") -> list[Named]:
        """Those whose names end so, in the order of names."""
        ...

    def close(self) -> None:
        """Let go of what they are reached by."""
        ...

    def size(self) -> int:
        """How many bytes all blobs of the area have together."""
        ...


def checked(name: str) -> str:
    """``name``, if it may be one.

    Raises:
        ValueError: it may not.
    """
    if not _NAME.fullmatch(name):
        raise ValueError("this is no name of a blob")
    return name
