"""Decisions: what policy said, under which rule and revision, and why.

The two kinds of decisions are named tuples, because one is made for every question: a frozen
dataclass takes three times as long to make.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from gateway.model.json import JsonObject


class Verdict(StrEnum):
    """Whether a step runs by itself, asks a human, or never runs; from best to worst."""

    AUTONOMOUS = "autonomous"
    ASSIST = "assist"
    BLOCKED = "blocked"

    @property
    def rank(self) -> int:
        """Position from best (0) to worst (2)."""
        return list(Verdict).index(self)


class Treatment(StrEnum):
    """What a principal sees of a PII field; from the most to the least."""

    RAW = "raw"
    PARTIAL = "partial"
    MASK = "mask"
    HASH = "hash"
    FULL = "full"
    DROP = "drop"

    @property
    def rank(self) -> int:
        """How strict it is, from raw (0) to drop (5)."""
        return list(Treatment).index(self)


@dataclass(frozen=True, slots=True)
class Rule:
    """A matched rule and where it stands: ``file`` with its ``line`` (from 1) and ``text``."""

    file: str
    line: int
    text: str

    @property
    def ref(self) -> str:
        """``file:line``."""
        return f"{self.file}:{self.line}"

    def to_json(self) -> JsonObject:
        """The rule as it is recorded and shown to those who may audit."""
        return {"at": self.ref, "rule": self.text}


class AccessDecision(NamedTuple):
    """Whether a principal may call a contract.

    ``rule`` is the matched rule; for a default deny it is None and ``missing`` says what would be
    needed. ``reason`` is one sentence for the caller.
    """

    decision_id: str
    allowed: bool
    reason: str
    revision: str
    rule: Rule | None = None
    missing: tuple[str, ...] = ()

    def to_json(self) -> JsonObject:
        """The decision as it is recorded."""
        return {
            "decisionId": self.decision_id,
            "effect": "allow" if self.allowed else "deny",
            "reason": self.reason,
            "policyRevision": self.revision,
            "rule": self.rule.to_json() if self.rule else None,
            "missing": list(self.missing),
        }


class VerdictDecision(NamedTuple):
    """How a call or a step may run.

    For ``assist``: who approves (``approver_role``), how many distinct people (``quorum``) and for
    how long the request stands (``expires_in``, seconds). After ``escalate_after`` seconds, if that
    is set, holders of the role ``escalate_to`` may decide it too. ``rules`` holds every rule that
    took part (more than one while an argument is not yet known).
    """

    decision_id: str
    verdict: Verdict
    reasons: tuple[str, ...]
    revision: str
    rules: tuple[Rule, ...] = ()
    approver_role: str = ""
    quorum: int = 1
    expires_in: float = 86_400.0
    escalate_after: float | None = None
    escalate_to: str = ""

    def to_json(self) -> JsonObject:
        """The decision as it is recorded."""
        return {
            "decisionId": self.decision_id,
            "verdict": self.verdict.value,
            "reasons": list(self.reasons),
            "policyRevision": self.revision,
            "rules": [rule.to_json() for rule in self.rules],
            "approverRole": self.approver_role,
            "quorum": self.quorum,
            "expiresIn": self.expires_in,
            "escalateAfter": self.escalate_after,
            "escalateTo": self.escalate_to,
        }
