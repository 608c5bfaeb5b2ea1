"""The pure decision: what a run may do next."""

from typing import Any

import pytest

from gateway.model.execution import (
    Approval,
    ApprovalStatus,
    ExecutionStatus,
    Step,
    StepStatus,
)
from gateway.model.plan import Plan, PlanStep
from gateway.runtime.decide import Moves, next_moves

NOW = "2026-03-01T10:00:00.000000Z"
PAST = "2026-03-01T09:00:00.000000Z"
SOON = "2026-03-01T11:00:00.000000Z"
LATER = "2026-03-01T12:00:00.000000Z"


def plan_of(**depends_on: str) -> Plan:
    """A plan whose steps depend on the letters that are given."""
    steps = tuple(
        PlanStep(key, key, "shop.plain@1.0.0", "0", {}, tuple(names))
        for key, names in depends_on.items()
    )
    return Plan("plan_1", "0", steps)


def moves(  # type: ignore[no-untyped-def] # Moves
    plan: Plan,
    *in_flight: str,
    approvals: dict[str, Any] | None = None,
    steered: dict[str, bool] | None = None,
    **states: str,
):
    """The moves with steps in these states, written ``status`` or ``status@retry_at``."""
    steps = {}
    for key, state in states.items():
        status, _, retry_at = state.partition("@")
        steps[key] = Step(
            "exec_1", plan.id, key, key, "c", StepStatus(status), PAST, retry_at=retry_at or None
        )
    return next_moves(plan, steps, approvals or {}, set(in_flight), NOW, **(steered or {}))


def approval(step_id: str, status: str, expires_at: str = SOON) -> Approval:
    return Approval(
        id=f"appr_{step_id}",
        execution_id="exec_1",
        workspace="acme",
        step_id=step_id,
        contract="c",
        status=ApprovalStatus(status),
        digest="0",
        arguments={},
        decision={},
        approver_role="approver",
        quorum=1,
        risk="high",
        reason="",
        requested_by="agent",
        requested_at=PAST,
        expires_at=expires_at,
    )


def started(found: Moves) -> list[str]:
    return [step.key for step in found.start]


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ({"a": "planned", "b": "planned", "c": "planned"}, ["a", "b"]),
        ({"a": "completed", "b": "planned", "c": "planned"}, ["b"]),
        ({"a": "completed", "b": "skipped", "c": "planned"}, ["c"]),
        ({"a": "completed", "b": "unresolved", "c": "planned"}, []),
        ({"a": f"ready@{PAST}", "b": f"ready@{SOON}", "c": "planned"}, ["a"]),
        ({"a": f"ready@{NOW}", "b": "completed", "c": "planned"}, ["a"]),
        ({"a": "ready", "b": "completed", "c": "planned"}, ["a"]),
        ({"a": "waiting_approval", "b": "completed", "c": "planned"}, []),
    ],
)
def test_steps_start_once_what_they_wait_for_is_done(
    states: dict[str, str], expected: list[str]
) -> None:
    assert started(moves(plan_of(a="", b="", c="ab"), **states)) == expected


def test_a_step_in_flight_is_no_orphan_and_is_not_started_again() -> None:
    assert moves(plan_of(a=""), "a", a="dispatched") == Moves(parked=ExecutionStatus.RUNNING)


def test_orphans_come_before_everything_else() -> None:
    found = moves(plan_of(a="", b="", c=""), a="dispatched", b="failed", c="planned")
    assert [step.id for step in found.orphans] == ["a"]
    assert (found.start, found.end) == ((), None)


@pytest.mark.parametrize(
    ("status", "end"), [("failed", "failed"), ("rejected", "rejected"), ("expired", "expired")]
)
def test_a_step_that_ended_badly_ends_the_run_once_nothing_is_in_flight(
    status: str, end: str
) -> None:
    plan = plan_of(a="", b="", c="")
    assert moves(plan, a=status, b="completed", c="planned").end == ExecutionStatus(end)
    assert moves(plan, "b", a=status, b="dispatched", c="planned") == Moves()


@pytest.mark.parametrize(("a", "b"), [("completed", "completed"), ("completed", "skipped")])
def test_a_run_of_done_steps_is_completed(a: str, b: str) -> None:
    assert moves(plan_of(a="", b="a"), a=a, b=b).end is ExecutionStatus.COMPLETED


@pytest.mark.parametrize(
    ("status", "expires_at", "expired"),
    [
        ("pending", PAST, True),
        ("pending", NOW, True),
        ("pending", SOON, False),
        ("approved", PAST, False),
    ],
)
def test_only_undecided_requests_expire(status: str, expires_at: str, expired: bool) -> None:
    asked = {"a": approval("a", status, expires_at)}
    found = moves(plan_of(a="", b=""), a="waiting_approval", b="planned", approvals=asked)
    assert bool(found.expired) is expired
    assert started(found) == ([] if expired else ["a", "b"])


@pytest.mark.parametrize(
    ("states", "parked"),
    [
        ({"a": "waiting_approval", "b": "unresolved", "c": f"ready@{SOON}"}, "waiting_approval"),
        ({"a": "completed", "b": "unresolved", "c": f"ready@{SOON}"}, "running"),
        ({"a": "completed", "b": "unresolved", "c": "planned"}, "unresolved"),
        ({"a": "completed", "b": "completed", "c": f"ready@{SOON}"}, "running"),
    ],
)
def test_the_state_in_which_a_run_waits(states: dict[str, str], parked: str) -> None:
    found = moves(plan_of(a="", b="", c="b"), **states)
    assert found.end is None
    assert found.parked.value == parked


def test_a_run_wakes_for_the_first_retry_or_expiry() -> None:
    plan = plan_of(a="", b="", c="")
    asked = {"a": approval("a", "pending", LATER)}
    states = {"a": "waiting_approval", "c": "completed"}
    assert moves(plan, approvals=asked, b=f"ready@{SOON}", **states).wake_at == SOON
    assert moves(plan, approvals=asked, b="completed", **states).wake_at == LATER
    given = {"a": approval("a", "approved", SOON)}
    assert moves(plan, approvals=given, b="completed", **states).wake_at is None


PAUSED = {"paused": True}
STOPPING = {"stopping": True}


def test_a_paused_run_starts_nothing_and_wakes_for_requests_alone() -> None:
    asked = {"c": approval("c", "pending", LATER)}
    states = {"a": "planned", "b": f"ready@{SOON}", "c": "waiting_approval"}
    found = moves(plan_of(a="", b="", c=""), approvals=asked, steered=PAUSED, **states)
    assert found == Moves(parked=ExecutionStatus.PAUSED, wake_at=LATER)


@pytest.mark.parametrize(
    ("states", "end"),
    [
        ({"a": "failed", "b": "planned"}, "failed"),
        ({"a": "rejected", "b": "planned"}, "rejected"),
        ({"a": "completed", "b": "completed"}, "completed"),
    ],
)
def test_a_paused_run_ends_where_its_steps_end_it(states: dict[str, str], end: str) -> None:
    assert moves(plan_of(a="", b=""), steered=PAUSED, **states).end == ExecutionStatus(end)


def test_requests_expire_and_orphans_are_settled_while_paused() -> None:
    asked = {"a": approval("a", "pending", PAST)}
    plan = plan_of(a="", b="")
    found = moves(plan, approvals=asked, steered=PAUSED, a="waiting_approval", b="planned")
    assert [one.step_id for one in found.expired] == ["a"]
    found = moves(plan, steered=PAUSED, a="dispatched", b="planned")
    assert [step.id for step in found.orphans] == ["a"]


@pytest.mark.parametrize("states", [{"a": "completed"}, {"a": "failed"}, {"a": "unresolved"}])
def test_a_stopping_run_ends_cancelled_whatever_came_of_its_steps(states: dict[str, str]) -> None:
    plan = plan_of(a="", b="")
    found = moves(plan, steered=STOPPING, **states, b="planned")
    assert found == Moves(end=ExecutionStatus.CANCELLED)
    assert moves(plan, "b", steered=STOPPING, **states, b="dispatched") == Moves()
    assert moves(plan, steered=STOPPING, **states, b="dispatched").orphans
