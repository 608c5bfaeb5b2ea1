"""What verification finds, and how it is told."""

from dataclasses import dataclass, field
from enum import StrEnum

from gateway.model.text import printable

MOST_FINDINGS = 1_000
"""Findings beyond these are only counted."""


class FindingKind(StrEnum):
    """What is wrong."""

    CHANGED = "changed"
    REMOVED = "removed"
    REORDERED = "reordered"
    TRUNCATED = "truncated"
    INSERTED = "inserted"
    ROOT = "root"
    FORK = "fork"
    TILE = "tile"
    CHECKPOINT_FORGED = "checkpoint_forged"
    CHECKPOINT_REMOVED = "checkpoint_removed"
    CHECKPOINT_FILE = "checkpoint_file"
    ARCHIVE = "archive"
    PROJECTION = "projection"
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, and where: the entry's chain, its ``seq`` there, and its
    ``position`` in the store, as far as they are known. ``shown`` are checkpoints that it is about,
    as notes."""

    kind: FindingKind
    message: str
    chain: str | None = None
    seq: int | None = None
    position: int | None = None
    shown: tuple[str, ...] = ()


@dataclass(slots=True)
class Findings:
    """Collects findings, each entry once per kind.

    ``altered`` are the positions of entries whose content does not fit their own hash.
    """

    found: list[Finding] = field(default_factory=list)
    more: int = 0
    altered: set[int] = field(default_factory=set)
    _seen: set[tuple[object, ...]] = field(default_factory=set)

    def add(
        self,
        kind: FindingKind,
        message: str,
        chain: object = None,
        seq: object = None,
        position: object = None,
        shown: tuple[str, ...] = (),
    ) -> None:
        """Add a finding. The places are taken as they stand in a file that may be tampered with."""
        place = (kind, str(chain), str(seq), str(position), "" if chain else message)
        if place in self._seen:
            return
        if len(self.found) == MOST_FINDINGS:
            self.more += 1
            return
        self._seen.add(place)
        self.found.append(
            Finding(
                kind,
                printable(message),
                None if chain is None else printable(str(chain)),
                seq if isinstance(seq, int) else None,
                position if isinstance(position, int) else None,
                shown,
            )
        )

    @property
    def of_entries(self) -> bool:
        """Whether the entries themselves are not as they were recorded."""
        kinds = {
            *(FindingKind.CHANGED, FindingKind.REMOVED, FindingKind.REORDERED),
            *(FindingKind.TRUNCATED, FindingKind.INSERTED, FindingKind.DAMAGED),
            *(FindingKind.ROOT, FindingKind.FORK),
        }
        return any(finding.kind in kinds for finding in self.found)
