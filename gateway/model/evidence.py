"""Evidence: artifacts, evidence and risks that people and services attach to an execution."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class EvidenceKind(StrEnum):
    """What an attached item is: a result of the work, a proof of it, or something in its way."""

    ARTIFACT = "artifact"
    EVIDENCE = "evidence"
    RISK = "risk"


@dataclass(frozen=True, slots=True)
class EvidenceItem:
    """One attached item, without its content and note: the journal alone holds those.

    ``seq`` is the place of its entry in the chain of the execution. ``digest`` (``sha256:<hex>``)
    and ``uri`` name content that is held elsewhere. ``state`` is the status that the content of
    an artifact about a team tells. ``valid_until`` is when it goes stale at the latest.
    ``blocking`` belongs to a risk, ``settled_by`` is the item that settled it.
    """

    id: str
    execution_id: str
    seq: int
    kind: EvidenceKind
    key: str
    attached_by: str
    attached_at: str
    digest: str | None = None
    uri: str | None = None
    state: str | None = None
    valid_until: str | None = None
    blocking: bool = False
    resolves: str | None = None
    settled_by: str | None = None


class EvidenceRecords(Protocol):
    """Reading attached items, as part of ``Records``."""

    def evidence_items(self, execution_id: str) -> list[EvidenceItem]:
        """The items of an execution, in the order in which they were attached."""
        ...
