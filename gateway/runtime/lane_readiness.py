"""The gate of a lane: a pure function of what was attached, who approved, and the time.

The newest item of a required key counts, whatever came before it. It is stale once its own
``valid_until`` has passed, once it is older than the lane's freshness, and if it was attached
before the run was last retried. An approval counts while nothing that the lane requires was
attached after it, no blocking risk was raised or settled after it, and no retry came after it: it
is consent to exactly what its giver could see.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gateway.model.entry import EntryType
from gateway.model.evidence import EvidenceItem, EvidenceKind
from gateway.model.execution import Execution
from gateway.model.json import JsonObject, decode
from gateway.model.lane import (
    CLEANUP_PENDING,
    LANES,
    TEAM_CLEANUP,
    Lane,
    LaneApproval,
    Readiness,
)
from gateway.model.ports import Records
from gateway.model.principal import Principal
from gateway.model.time import after
from gateway.policy import Policies

_PROOF = (EvidenceKind.EVIDENCE, EvidenceKind.ARTIFACT)
"""Kinds that serve where evidence is required."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a lane's requirements are met; whether the steps are done takes no part.

    ``items`` are all that were attached, in order. ``artifacts`` and ``evidence`` are the keys
    that are missing, ``stale`` those to attach anew, ``roles`` those whose approval is missing.
    ``given`` are the approvals that count, ``risks`` the blocking risks that nothing has settled.
    ``stale_at`` is the next moment at which something that counts goes stale.
    """

    lane: Lane
    items: tuple[EvidenceItem, ...] = ()
    artifacts: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    given: tuple[LaneApproval, ...] = ()
    risks: tuple[EvidenceItem, ...] = ()
    is_cleaning_up: bool = False
    stale_at: str | None = None

    @property
    def readiness(self) -> Readiness:
        """What is lacking most pressingly, READY if nothing is."""
        lacking = (
            (self.risks, Readiness.BLOCKED),
            (self.artifacts, Readiness.MISSING_ARTIFACT),
            (self.evidence, Readiness.MISSING_EVIDENCE),
            (self.stale, Readiness.STALE_EVIDENCE),
            (self.is_cleaning_up, Readiness.CLEANUP_PENDING),
            (self.roles, Readiness.MISSING_APPROVAL),
        )
        return next((told for found, told in lacking if found), Readiness.READY)

    @property
    def is_ready(self) -> bool:
        """True if the gate would let the run pass."""
        return self.readiness is Readiness.READY

    @property
    def can_be_approved(self) -> bool:
        """True if nothing is lacking that approvals would have to see."""
        return self.readiness in (Readiness.READY, Readiness.MISSING_APPROVAL)

    @property
    def to_attach(self) -> tuple[str, ...]:
        """The required keys that are missing or stale, each once, in the order of the lane."""
        wanted = {*self.artifacts, *self.evidence, *self.stale}
        return tuple(key for key in self.lane.required if key in wanted)

    @property
    def completeness(self) -> float:
        """The part of the required keys that is attached and fresh, from 0 to 1."""
        return 1 - len(self.to_attach) / len(self.lane.required)

    def lacks(self) -> str:
        """All that is lacking, as a sentence for people; empty if nothing is."""
        told = [
            f"{what}: {', '.join(names)}"
            for what, names in (
                ("blocking risks", [risk.key for risk in self.risks]),
                ("missing artifacts", self.artifacts),
                ("missing evidence", self.evidence),
                ("stale", self.stale),
                ("clean-up", [TEAM_CLEANUP] if self.is_cleaning_up else []),
                ("missing approvals", self.roles),
            )
            if names
        ]
        return "; ".join(told)


def standing_of(
    lane: Lane,
    items: Sequence[EvidenceItem],
    approvals: Sequence[LaneApproval],
    retried: int,
    now: str,
) -> Standing:
    """How ``lane`` stands at ``now``; items and approvals are in the order in which they came.

    ``retried`` is the ``seq`` of the run's last retry, 0 where there was none.
    """
    artifacts = {item.key: item for item in items if item.kind is EvidenceKind.ARTIFACT}
    proofs = {item.key: item for item in items if item.kind in _PROOF}
    counted = [artifacts[key] for key in lane.artifacts if key in artifacts]
    counted += [proofs[key] for key in lane.evidence if key in proofs]
    fresh_until = {item.id: _fresh_until(lane, item) for item in counted if item.seq > retried}
    stale = {item.key for item in counted if fresh_until.get(item.id, now) <= now}
    seen = (item.seq for item in (*counted, *_about_risks(items)))
    newest = max(retried, *seen, 0)
    given = tuple(one for one in approvals if one.lane == lane.key and one.seq > newest)
    approved = {one.role for one in given}
    return Standing(
        lane=lane,
        items=tuple(items),
        artifacts=tuple(key for key in lane.artifacts if key not in artifacts),
        evidence=tuple(key for key in lane.evidence if key not in proofs),
        stale=tuple(key for key in lane.required if key in stale),
        roles=tuple(role for role in lane.approvals if role not in approved),
        given=given,
        risks=open_risks(items),
        is_cleaning_up=TEAM_CLEANUP in lane.artifacts
        and any(item.key == TEAM_CLEANUP and item.state == CLEANUP_PENDING for item in counted),
        stale_at=min((until for until in fresh_until.values() if until > now), default=None),
    )


def open_risks(items: Sequence[EvidenceItem]) -> tuple[EvidenceItem, ...]:
    """The blocking risks that nothing has settled."""
    return tuple(
        item
        for item in items
        if item.kind is EvidenceKind.RISK and item.blocking and item.settled_by is None
    )


def _about_risks(items: Sequence[EvidenceItem]) -> Iterator[EvidenceItem]:
    """The blocking risks, and what settled them."""
    blocking = {item.id for item in items if item.kind is EvidenceKind.RISK and item.blocking}
    return (item for item in items if item.id in blocking or item.resolves in blocking)


def lane_standing(
    records: Records, execution: Execution, now: str, policies: Policies
) -> Standing | None:
    """How the lane of an execution stands; None without a lane.

    Of an execution that has ended it tells how the lane stood then.
    """
    if execution.lane is None:
        return None
    return standing_of(
        LANES[execution.lane],
        records.evidence_items(execution.id),
        _held_approvals(records, execution, policies),
        _last_retry(records, execution),
        execution.ended_at or now,
    )


def _held_approvals(
    records: Records, execution: Execution, policies: Policies
) -> list[LaneApproval]:
    """The approvals of those who still hold the role; roles that came with a token count as they
    were then, and of earlier releases nobody knows them."""
    given = records.lane_approvals(execution.id)
    if not given or execution.ended_at is not None:
        return given
    told = records.entries_of_type(execution.id, EntryType.LANE_APPROVED)
    people = {one.seq: decode(one.body).get("approver") for one in told}
    return [one for one in given if _holds(policies, people.get(one.seq), one.role)]


def _holds(policies: Policies, person: JsonObject | None, role: str) -> bool:
    return person is None or policies.holds(Principal.from_json(person), role)


def _last_retry(records: Records, execution: Execution) -> int:
    """Where on its chain a run was last retried: a moment misleads where a clock went back."""
    if not execution.retries:
        return 0
    return max(
        (one.seq for one in records.entries_of_type(execution.id, EntryType.RUN_RETRIED)), default=0
    )


def _fresh_until(lane: Lane, item: EvidenceItem) -> str:
    """The moment from which an item is stale."""
    until = after(item.attached_at, lane.freshness)
    return until if item.valid_until is None else min(until, item.valid_until)
