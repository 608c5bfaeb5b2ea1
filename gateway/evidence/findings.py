"""What checking a bundle finds, and how it is told."""

from dataclasses import dataclass, field
from enum import StrEnum

from gateway.model.text import printable

MOST_FINDINGS = 200
"""Findings beyond these are only counted."""


class BundleFindingKind(StrEnum):
    """What is wrong with a bundle."""

    REFUSED = "refused"
    MISSING = "missing"
    UNEXPECTED = "unexpected"
    CHANGED = "changed"
    REMOVED = "removed"
    REORDERED = "reordered"
    INSERTED = "inserted"
    FORGED = "forged"
    DISAGREES = "disagrees"
    REVEALED = "revealed"


@dataclass(frozen=True, slots=True)
class BundleFinding:
    """One thing that is wrong: in which ``file`` of the bundle, and, as far as they are known,
    about the entry with which ``seq`` and in which ``field`` (a member or a JSON pointer)."""

    kind: BundleFindingKind
    file: str
    message: str
    seq: int | None = None
    field: str | None = None


@dataclass(slots=True)
class BundleFindings:
    """Collects findings. Texts are taken as they stand in a file that may be tampered with."""

    found: list[BundleFinding] = field(default_factory=list)
    more: int = 0

    def add(
        self,
        kind: BundleFindingKind,
        file: str,
        message: str,
        *,
        seq: int | None = None,
        field: str | None = None,
    ) -> None:
        """Add a finding, or count it where there are very many."""
        if len(self.found) == MOST_FINDINGS:
            self.more += 1
            return
        shown = None if field is None else printable(field)
        told = BundleFinding(kind, printable(file), printable(message), seq, shown)
        if told not in self.found:
            self.found.append(told)

    def of(self, file: str) -> bool:
        """Whether anything was found in this file."""
        return any(finding.file == file for finding in self.found)
