"""The gate of a lane as a pure function: what is asked for, what counts, and until when."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model.evidence import EvidenceItem, EvidenceKind
from gateway.model.execution import ExecutionStatus
from gateway.model.lane import LANES, Lane, LaneApproval, LaneStatus, Readiness, lane_status
from gateway.model.time import after
from gateway.runtime.lane_readiness import Standing, standing_of

START = "2026-03-01T09:00:00.000000Z"
NOW = "2026-03-01T10:00:00.000000Z"
SOON = "2026-03-01T11:00:00.000000Z"

PERSISTENT = LANES["complete.persistent"]
TEAM = LANES["team.coordinated"]


def items(*written: str, at: str = START) -> list[EvidenceItem]:
    """Items written ``kind:key``, with ``=state`` behind; their seq is their place."""
    found = []
    for place, text in enumerate(written, start=1):
        kind, _, rest = text.partition(":")
        key, _, state = rest.partition("=")
        item = EvidenceItem(
            f"evid_{place}", "exec_1", place, EvidenceKind(kind), key, "vera", at,
            state=state or None, blocking=kind == "risk",
        )  # fmt: skip
        found.append(item)
    return found


def complete(lane: Lane) -> list[EvidenceItem]:
    """What a lane requires, all attached at the start."""
    proofs = [f"evidence:{key}" for key in lane.evidence if key not in lane.artifacts]
    return items(*(f"artifact:{key}" for key in lane.artifacts), *proofs)


def approval(seq: int, role: str = "verifier", lane: str = PERSISTENT.key, at: str = START):  # type: ignore[no-untyped-def] # LaneApproval
    return LaneApproval("exec_1", seq, lane, role, "vera", at)


def standing(
    lane: Lane, attached: list[EvidenceItem], *given: LaneApproval, now: str = NOW, retried: int = 0
):  # type: ignore[no-untyped-def] # Standing
    return standing_of(lane, attached, given, retried, now)


# --- the table


def test_the_four_lanes_ask_for_what_they_are_to_ask_for() -> None:
    consensus = ("plan_pack", "architect_review", "critique_verdict", "tradeoff_record")
    persistent = ("completion_record", "progress_ledger", "signoff_record")
    team = ("team_snapshot", "verification_lane_evidence", "team_cleanup_state")
    table = {
        "clarify": (
            ("clarification_artifact",), ("clarification_artifact",), (), ("plan.consensus",),
        ),
        "plan.consensus": (
            consensus, consensus, (), ("complete.persistent", "team.coordinated"),
        ),
        "complete.persistent": (
            persistent, ("progress_ledger", "verification_results"), ("verifier",), (),
        ),
        "team.coordinated": (team, ("verification_results",), (), ("complete.persistent",)),
    }  # fmt: skip
    found = {
        key: (lane.artifacts, lane.evidence, lane.approvals, lane.next_lanes)
        for key, lane in LANES.items()
    }
    assert found == table
    assert all(lane.freshness > 0 and lane.objective for lane in LANES.values())


# --- what is lacking


@pytest.mark.parametrize(
    ("attached", "expected", "missing"),
    [
        ([], "missing_artifact", PERSISTENT.required),
        (["artifact:completion_record"], "missing_artifact", PERSISTENT.required[1:]),
        (
            ["artifact:completion_record", "artifact:progress_ledger", "artifact:signoff_record"],
            "missing_evidence",
            ("verification_results",),
        ),
        (
            ["artifact:completion_record", "evidence:progress_ledger", "artifact:signoff_record"],
            "missing_artifact",
            ("progress_ledger", "verification_results"),
        ),
        (["risk:completion_record"], "blocked", PERSISTENT.required),
    ],
)
def test_what_is_lacking_is_named(
    attached: list[str], expected: str, missing: tuple[str, ...]
) -> None:
    found = standing(PERSISTENT, items(*attached))
    assert found.readiness.value == expected
    assert found.to_attach == missing
    assert found.completeness == pytest.approx(1 - len(missing) / 4)
    assert all(key in found.lacks() for key in missing)


@pytest.mark.parametrize("lane", LANES.values(), ids=LANES)
def test_a_lane_with_everything_attached_asks_only_for_its_approvals(lane: Lane) -> None:
    found = standing(lane, complete(lane))
    assert found.roles == lane.approvals
    assert found.is_ready is (not lane.approvals)
    assert found.completeness == 1
    approved = [approval(99, role, lane.key) for role in lane.approvals]
    assert standing(lane, complete(lane), *approved).readiness is Readiness.READY


@pytest.mark.parametrize("lane", LANES.values(), ids=LANES)
def test_each_required_item_is_needed(lane: Lane) -> None:
    approved = [approval(99, role, lane.key) for role in lane.approvals]
    for item in complete(lane):
        rest = [other for other in complete(lane) if other != item]
        found = standing(lane, rest, *approved)
        assert not found.is_ready
        assert found.to_attach == (item.key,)


def test_an_artifact_serves_as_evidence_and_evidence_does_not_as_an_artifact() -> None:
    clarify = LANES["clarify"]
    assert standing(clarify, items("artifact:clarification_artifact")).is_ready
    found = standing(clarify, items("evidence:clarification_artifact"))
    assert found.readiness is Readiness.MISSING_ARTIFACT


# --- staleness


def test_an_item_is_stale_once_it_is_no_longer_valid() -> None:
    attached = complete(TEAM)
    attached[0] = replace(attached[0], valid_until=SOON)
    assert standing(TEAM, attached).is_ready
    assert standing(TEAM, attached).stale_at == SOON
    late = standing(TEAM, attached, now=SOON)
    assert late.readiness is Readiness.STALE_EVIDENCE
    assert late.stale == late.to_attach == ("team_snapshot",)


@pytest.mark.parametrize("lane", LANES.values(), ids=LANES)
def test_an_item_is_stale_once_it_is_older_than_the_lane_allows(lane: Lane) -> None:
    approved = [approval(99, role, lane.key) for role in lane.approvals]
    ends = after(START, lane.freshness)
    just_before = standing(lane, complete(lane), *approved, now=after(ends, -0.000001))
    assert just_before.is_ready
    assert just_before.stale_at == ends
    found = standing(lane, complete(lane), *approved, now=ends)
    assert found.readiness is Readiness.STALE_EVIDENCE
    assert (found.stale, found.stale_at) == (lane.required, None)


def test_what_came_before_a_retry_is_stale_and_no_consent_outlives_it() -> None:
    attached, given = complete(PERSISTENT), approval(99)
    found = standing(PERSISTENT, attached, given, retried=100)
    assert found.readiness is Readiness.STALE_EVIDENCE
    assert (found.roles, found.given) == (("verifier",), ())
    again = [replace(item, seq=100 + item.seq) for item in attached]
    found = standing(PERSISTENT, again, given, retried=100)
    assert found.readiness is Readiness.MISSING_APPROVAL
    assert standing(PERSISTENT, again, replace(given, seq=199), retried=100).is_ready


def test_the_newest_item_of_a_key_counts_whatever_came_before_it() -> None:
    attached = [*complete(TEAM), *items("artifact:team_snapshot")]
    attached[-1] = replace(attached[-1], id="evid_9", seq=9, valid_until=NOW)
    assert standing(TEAM, attached).stale == ("team_snapshot",)
    attached.append(replace(attached[-1], id="evid_10", seq=10, valid_until=None))
    assert standing(TEAM, attached).is_ready


# --- approvals


@pytest.mark.parametrize(
    "other",
    [approval(5, role="admin"), approval(5, lane="clarify"), approval(4), approval(1)],
    ids=["role", "lane", "same-entry", "earlier"],
)
def test_an_approval_counts_for_its_role_its_lane_and_what_it_saw(other: LaneApproval) -> None:
    attached = complete(PERSISTENT)
    assert max(item.seq for item in attached) == 4
    found = standing(PERSISTENT, attached, other)
    assert found.readiness is Readiness.MISSING_APPROVAL
    assert standing(PERSISTENT, attached, approval(5)).is_ready


def test_what_the_lane_does_not_ask_for_voids_no_approval() -> None:
    attached = complete(PERSISTENT)
    extra = [replace(one, seq=9) for one in items("artifact:notes", "evidence:completion_record")]
    found = standing(PERSISTENT, [*attached, *extra], approval(5))
    assert found.is_ready


# --- risks and clean-up


def test_a_blocking_risk_keeps_a_ready_run_until_it_is_settled() -> None:
    risk = items("risk:leak")[0]
    attached = [*complete(TEAM), replace(risk, seq=9)]
    found = standing(TEAM, attached)
    assert (found.readiness, found.risks) == (Readiness.BLOCKED, (attached[-1],))
    for harmless in (replace(risk, blocking=False), replace(risk, settled_by="evid_2")):
        assert standing(TEAM, [*complete(TEAM), harmless]).is_ready


@pytest.mark.parametrize(
    ("later", "counts"),
    [
        (items("risk:leak"), False),
        ([replace(items("risk:leak")[0], blocking=False)], True),
        ([replace(items("evidence:leak_closed")[0], resolves="evid_early")], False),
        ([replace(items("evidence:remark_settled")[0], resolves="evid_remark")], True),
    ],
    ids=["a risk", "a remark", "the settlement of a risk", "the settlement of a remark"],
)
def test_an_approval_has_not_seen_a_later_risk_nor_how_one_was_settled(
    later: list[EvidenceItem], counts: bool
) -> None:
    early = replace(items("risk:leak")[0], id="evid_early", settled_by="evid_1")
    remark = replace(early, id="evid_remark", blocking=False)
    attached = [*complete(PERSISTENT), early, remark]
    assert standing(PERSISTENT, attached, approval(50)).given
    late = [replace(item, seq=60) for item in later]
    assert bool(standing(PERSISTENT, [*attached, *late], approval(50)).given) is counts


def test_a_team_that_has_not_cleaned_up_keeps_its_run() -> None:
    pending = [*complete(TEAM), *items("artifact:team_cleanup_state=pending")]
    pending[-1] = replace(pending[-1], seq=8)
    assert standing(TEAM, pending).readiness is Readiness.CLEANUP_PENDING
    done = [*pending, replace(pending[-1], seq=9, state="done")]
    assert standing(TEAM, done).is_ready
    elsewhere = [*complete(PERSISTENT), *items("artifact:team_cleanup_state=pending")]
    assert standing(PERSISTENT, elsewhere, approval(9)).is_ready


# --- properties

_KEYS = sorted({key for lane in LANES.values() for key in lane.required})
_ITEMS = st.lists(
    st.builds(
        lambda kind, key, state, blocking, offset: (kind, key, state, blocking, offset),
        st.sampled_from(list(EvidenceKind)),
        st.sampled_from(_KEYS),
        st.sampled_from([None, "pending", "done"]),
        st.booleans(),
        st.integers(0, 30) | st.integers(86_000, 87_000) | st.integers(604_000, 606_000),
    ),
    max_size=12,
)


def _story(drawn: list[tuple[EvidenceKind, str, str | None, bool, int]]) -> list[EvidenceItem]:
    return [
        EvidenceItem(
            f"evid_{place}", "exec_1", place, kind, key, "vera", after(NOW, -age), state=state,
            blocking=kind is EvidenceKind.RISK and blocking,
        )
        for place, (kind, key, state, blocking, age) in enumerate(drawn, start=1)
    ]  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(list(LANES.values())), _ITEMS, st.lists(st.integers(1, 20), max_size=3))
def test_a_standing_is_ready_exactly_when_it_lacks_nothing(lane, drawn, approved) -> None:  # type: ignore[no-untyped-def] # drawn
    given_ = [approval(seq, role, lane.key) for seq in approved for role in lane.approvals]
    found: Standing = standing(lane, _story(drawn), *given_)
    nothing = not (found.to_attach or found.roles or found.risks or found.is_cleaning_up)
    assert found.is_ready is nothing is (found.lacks() == "")
    assert 0 <= found.completeness <= 1
    if found.stale_at is not None:
        assert found.stale_at > NOW
        before = standing(lane, _story(drawn), *given_, now=after(found.stale_at, -0.000001))
        assert before.readiness is found.readiness
        assert standing(lane, _story(drawn), *given_, now=found.stale_at).stale


# --- statuses


def test_every_state_of_an_execution_has_a_lane_status() -> None:
    for status in ExecutionStatus:
        for gate in (None, *Readiness):
            found = lane_status(status, gate)
            assert (found is LaneStatus.RUNNING) is (
                status is ExecutionStatus.RUNNING and gate is None
            )
            assert found is not LaneStatus.SUPERSEDED
    assert lane_status(ExecutionStatus.RUNNING, "blocked") is LaneStatus.BLOCKED
    assert lane_status(ExecutionStatus.RUNNING, "stale_evidence") is LaneStatus.WAITING
