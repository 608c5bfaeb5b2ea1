"""Reading which entries hold personal data under which keys, beside whoever writes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class SealedEntry:
    """An entry that holds envelopes; ``body`` is its text as stored, ``type`` as written."""

    position: int
    at: str
    type: str
    execution_id: str | None
    body: str


class SealedHistory(Protocol):
    """The entries of a journal that hold envelopes. Its methods wait for the disk."""

    def last_position(self) -> int:
        """The position of the newest entry, 0 where there is none."""
        ...

    def holding(
        self, workspace: str, key_ids: frozenset[str], after: int, through: int
    ) -> Iterator[SealedEntry]:
        """The entries of a workspace that name one of these keys, behind ``after`` up to
        ``through``, in order."""
        ...

    def of_execution(self, execution_id: str, after: int, through: int) -> Iterator[SealedEntry]:
        """The entries of an execution with envelopes, and of bundles exported from it, behind
        ``after`` up to ``through``."""
        ...

    def at(self, positions: Iterable[int]) -> Iterator[SealedEntry]:
        """The entries at these positions, in order."""
        ...
