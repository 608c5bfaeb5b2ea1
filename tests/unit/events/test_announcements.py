"""Which entries announce which events, with payloads that their contracts allow."""

from typing import Any

import pytest

from gateway.events import announcements
from gateway.events.derive import DERIVED
from gateway.model.action import Declined
from gateway.model.entry import Entry, EntryType
from gateway.model.event import Announcement, Origin
from gateway.model.execution import RunMode
from gateway.model.json import JsonObject
from tests.unit.events.event_world import EventWorld
from tests.unit.runtime.loop_world import AGENT, FIONA, step

pytestmark = pytest.mark.anyio

AT = "2026-03-01T09:30:00.000000Z"
RAN = Origin("alice", "run_1", RunMode.AUTONOMOUS)
PROBLEM = {"code": "TIMEOUT", "status": 504, "detail": "It took too long."}


def entry(kind: EntryType, body: JsonObject, execution_id: str | None = "exec_1") -> Entry:
    where = (7, f"execution/{execution_id}", 3, AT, kind, "acme", execution_id, "alice")
    return Entry(*where, body, "0" * 64, "ab" * 32)


def told(kind: EntryType, body: JsonObject, origin: Origin = RAN) -> list[tuple[str, JsonObject]]:
    found = announcements(entry(kind, body), origin)
    return [(event.type.removeprefix("controlPlane."), event.payload) for event in found]


def check_payloads(world: EventWorld, found: list[Announcement]) -> None:
    for event in found:
        contract = world.registry.events[f"{event.type}@{event.version}"]
        world.registry.payload_of(contract).check(event.payload, "/payload")


async def test_a_run_tells_of_everything_that_happens_to_it(world: EventWorld) -> None:
    execution_id = await world.begin(step("a", "read"), step("b", "plain", ["a"]))
    await world.advance(execution_id)

    found = await world.told(execution_id)
    run_id = (await world.execution(execution_id)).run_id
    ids = {name: (await world.step(execution_id, name)).id for name in "ab"}

    assert [event.type.removeprefix("controlPlane.") for event in found] == [
        "intent.received",
        "plan.compiled",
        "execution.step.started",
        "execution.step.completed",
        "execution.step.started",
        "execution.step.completed",
        "execution.completed",
    ]
    execution = await world.execution(execution_id)
    entries = {item.position: item for item in await world.entries(execution_id)}
    at = [entries[event.position].at for event in found]
    assert [event.payload for event in found] == [
        {
            "executionId": execution_id,
            "intentId": execution.intent_id,
            "receivedAt": at[0],
            "actorId": AGENT.subject,
        },
        {
            "executionId": execution_id,
            "planId": execution.plan_id,
            "compiledAt": at[1],
            "stepCount": 2,
        },
        *(
            {"executionId": execution_id, "runId": run_id, "stepId": ids[name], moment: when}
            for name, moment, when in zip(
                "aabb", ("startedAt", "completedAt") * 2, at[2:6], strict=True
            )
        ),
        {
            "executionId": execution_id,
            "runId": run_id,
            "completedAt": at[6],
            "outcome": "completed",
        },
    ]
    assert [event.run_id for event in found] == [None, None, *[run_id] * 5]
    assert {event.execution_id for event in found} == {execution_id}
    assert {event.submitter for event in found} == {AGENT.subject}
    assert {event.version for event in found} == {"1.0.0"}
    check_payloads(world, found)


async def test_every_declared_event_of_the_control_plane_is_derived(world: EventWorld) -> None:
    declared = {
        event.meta.key
        for event in world.registry.events.values()
        if event.meta.domain == "control-plane"
    }
    assert declared <= DERIVED


async def test_a_step_is_started_once_however_often_it_is_tried(world: EventWorld) -> None:
    world.actions.will("plain", Declined("BUSY", "Busy.", 503, retryable=True))
    execution_id = await world.begin(step("a", "plain"))
    await world.advance(execution_id)
    world.clock.forward(5)
    await world.advance(execution_id)

    assert (await world.step(execution_id, "a")).attempt == 2
    assert (await world.types(execution_id))[2:] == [
        "execution.step.started",
        "execution.step.completed",
        "execution.completed",
    ]


def dispatched(attempt: int, **more: int) -> JsonObject:
    return {"planId": "plan_1", "stepId": "step_1", "attempt": attempt, **more}


@pytest.mark.parametrize(
    ("body", "starts"),
    [
        (dispatched(1), True),
        (dispatched(2), False),
        (dispatched(4, base=3), True),
        (dispatched(5, base=3), False),
    ],
)
async def test_a_step_starts_with_the_first_attempt_of_each_round(
    body: JsonObject, starts: bool
) -> None:
    expected = {
        "executionId": "exec_1",
        "runId": "run_1",
        "stepId": "step_1",
        "startedAt": AT,
    }
    found = told(EntryType.STEP_DISPATCHED, body)
    assert found == ([("execution.step.started", expected)] if starts else [])


async def test_a_failed_run_names_the_problem_of_its_step(world: EventWorld) -> None:
    world.actions.will("plain", Declined("REFUSED", "It was refused.", 409))
    execution_id = await world.begin(step("a", "plain"))
    await world.advance(execution_id)

    event = (await world.told(execution_id))[-1]
    run_id = (await world.execution(execution_id)).run_id
    problem = (await world.step(execution_id, "a")).problem

    assert event.type == "controlPlane.execution.failed"
    assert event.payload == {
        "executionId": execution_id,
        "runId": run_id,
        "failedAt": event.at,
        "errorCode": "REFUSED",
        "errorMessage": "It was refused.",
        "problem": problem,
    }
    check_payloads(world, [event])


async def test_whoever_waits_for_an_approval_is_blocked_and_says_why(world: EventWorld) -> None:
    execution_id = await world.begin(step("a", "two"))
    await world.advance(execution_id)

    event = (await world.told(execution_id))[-1]
    execution = await world.execution(execution_id)
    approval = await world.approval(execution_id, "a")

    assert event.type == "controlPlane.execution.step.blocked"
    assert event.payload == {
        "executionId": execution_id,
        "runId": execution.run_id,
        "stepId": approval.step_id,
        "blockedAt": approval.requested_at,
        "reason": approval.reason,
    }
    check_payloads(world, [event])


async def test_a_rejected_approval_ends_the_execution(world: EventWorld) -> None:
    execution_id = await world.begin(step("a", "two"))
    await world.advance(execution_id)
    await world.reject(execution_id, "a", FIONA)
    await world.advance(execution_id)

    event = (await world.told(execution_id))[-1]
    assert event.type == "controlPlane.execution.failed"
    assert event.payload["errorCode"] == "REJECTED"
    check_payloads(world, [event])


async def test_an_execution_cancelled_before_its_run_has_no_run(world: EventWorld) -> None:
    execution = await world.verify(await world.compile([step("a", "plain")]))
    await world.cancel(execution.id)

    event = (await world.told(execution.id))[-1]
    assert event.type == "controlPlane.execution.failed"
    assert event.payload == {
        "executionId": execution.id,
        "failedAt": event.at,
        "errorCode": "CANCELLED",
        "errorMessage": "enough",
    }
    assert event.run_id is None
    check_payloads(world, [event])


async def test_a_blocked_plan_is_rejected_its_steps_blocked_and_the_execution_over(
    world: EventWorld,
) -> None:
    draft = [step("a", "plain"), step("b", "never")]
    execution = await world.verify(await world.compile(draft))
    blocked = (await world.step(execution.id, "b")).id

    found = (await world.told(execution.id))[2:]

    assert [event.type.removeprefix("controlPlane.") for event in found] == [
        "plan.rejected",
        "execution.step.blocked",
        "execution.failed",
    ]
    rejected, stopped, failed = (event.payload for event in found)
    assert rejected["planId"] == execution.plan_id
    assert rejected["reasons"]
    assert stopped["stepId"] == blocked
    assert "runId" not in stopped
    assert failed["errorCode"] == "FORBIDDEN"
    assert "runId" not in failed
    assert [event.index for event in found] == [0, 1, 2]
    assert len({event.id for event in found}) == 3
    check_payloads(world, found)


async def test_a_plan_that_may_run_announces_nothing_when_it_is_verified(world: EventWorld) -> None:
    execution = await world.verify(await world.compile([step("a", "plain")]))
    assert await world.types(execution.id) == ["intent.received", "plan.compiled"]


async def test_a_dry_run_says_so(world: EventWorld) -> None:
    execution_id = await world.begin(step("a", "plain"), mode=RunMode.DRY_RUN)
    await world.advance(execution_id)

    event = (await world.told(execution_id))[-1]
    assert event.type == "controlPlane.execution.completed"
    assert event.payload["outcome"] == "dry_run"


async def test_a_draft_that_does_not_compile_is_told_with_its_reasons(world: EventWorld) -> None:
    issues = [{"path": "/input/draft", "code": "CYCLE", "message": "It is a cycle."}]
    ((kind, payload),) = told(EntryType.PLAN_REJECTED, {"issues": issues})
    assert kind == "plan.rejected"
    assert payload == {
        "executionId": "exec_1",
        "rejectedAt": AT,
        "reasons": ["/input/draft: It is a cycle."],
    }


async def test_a_step_that_policy_refuses_at_its_dispatch_is_blocked() -> None:
    body = {"stepId": "step_1", "problem": {"code": "FORBIDDEN", "detail": "Not any more."}}
    assert told(EntryType.STEP_BLOCKED, body) == [
        (
            "execution.step.blocked",
            {
                "executionId": "exec_1",
                "runId": "run_1",
                "stepId": "step_1",
                "blockedAt": AT,
                "reason": "Not any more.",
            },
        )
    ]


async def test_an_escalated_request_calls_those_who_may_decide_now() -> None:
    body = {"stepId": "step_1", "approvalId": "appr_1", "role": "boss", "reason": "Nobody did."}
    ((kind, payload),) = told(EntryType.APPROVAL_ESCALATED, body)
    assert kind == "execution.step.blocked"
    assert (payload["stepId"], payload["reason"]) == ("step_1", "Nobody did.")


async def test_a_broken_glass_is_told_with_who_and_why(world: EventWorld) -> None:
    body = {"stepId": "step_1", "approvalId": "appr_1", "by": "olga", "reason": "The shop burns."}
    ((kind, payload),) = told(EntryType.APPROVAL_OVERRIDDEN, body)
    assert kind == "execution.override.used"
    assert payload == {
        "executionId": "exec_1",
        "runId": "run_1",
        "stepId": "step_1",
        "approvalId": "appr_1",
        "invokedBy": "olga",
        "reason": "The shop burns.",
        "usedAt": AT,
    }
    check_payloads(world, list(announcements(entry(EntryType.APPROVAL_OVERRIDDEN, body), RAN)))


@pytest.mark.parametrize(("outcome", "count"), [("done", 1), ("failed", 0), ("repeat", 0)])
async def test_an_operator_who_settles_a_step_as_done_completes_it(
    outcome: str, count: int
) -> None:
    found = told(EntryType.STEP_RECONCILED, {"stepId": "step_1", "outcome": outcome})
    assert [kind for kind, _ in found] == ["execution.step.completed"] * count


async def test_what_an_operator_knows_to_have_been_emitted_is_told_too() -> None:
    events = [{"event": "shop.done@1.0.0", "payload": {"id": "1"}}]
    body = {"stepId": "step_1", "outcome": "done", "events": events}
    found = announcements(entry(EntryType.STEP_RECONCILED, body), RAN)
    assert [event.type for event in found] == [
        "controlPlane.execution.step.completed",
        "shop.done",
    ]


@pytest.mark.parametrize("status", ["failed", "expired", "rejected", "cancelled", "aborted"])
async def test_every_end_short_of_the_goal_is_a_failure(status: str) -> None:
    body = {"runId": "run_1", "executionStatus": status, "reason": "Enough."}
    expected = {
        "executionId": "exec_1",
        "runId": "run_1",
        "failedAt": AT,
        "errorCode": status.upper(),
        "errorMessage": "Enough.",
    }
    assert told(EntryType.RUN_ENDED, body) == [("execution.failed", expected)]
    ((_, payload),) = told(EntryType.RUN_ENDED, {**body, "problem": PROBLEM})
    assert payload["errorCode"] == "TIMEOUT"
    assert payload["problem"] == PROBLEM


SKILL = {"skillKey": "acme.refunds", "version": "2.0.0", "provenance": "git", "other": 1}
INSTALLED = {**SKILL, "installationId": "inst_1", "publisher": "acme", "manifestDigest": "ab"}
REJECTED = {**SKILL, "reason": "No.", "issues": [{"code": "KEY_UNTRUSTED", "message": "No."}]}


async def test_skills_are_told_of_from_their_own_entries(world: EventWorld) -> None:
    found = [
        announcements(entry(kind, body, None), None)
        for kind, body in (
            (EntryType.SKILL_INSTALLED, INSTALLED),
            (EntryType.SKILL_REJECTED, REJECTED),
        )
    ]
    (installed,), (rejected,) = found
    known = {"skillKey": "acme.refunds", "version": "2.0.0", "provenance": "git"}
    assert installed.payload == {
        **known,
        "installationId": "inst_1",
        "publisher": "acme",
        "manifestDigest": "ab",
        "installedAt": AT,
    }
    assert rejected.payload == {
        **known,
        "reason": "No.",
        "issues": REJECTED["issues"],
        "rejectedAt": AT,
    }
    assert installed.execution_id is None


async def test_what_an_action_emitted_follows_the_step_that_completed(world: EventWorld) -> None:
    execution_id = await world.begin(step("a", "keyed", amount=3.5))
    await world.advance(execution_id)

    found = (await world.told(execution_id))[3:5]
    run_id = (await world.execution(execution_id)).run_id

    assert [event.type for event in found] == [
        "controlPlane.execution.step.completed",
        "shop.keyed.done",
    ]
    assert found[0].position == found[1].position
    assert found[1].payload == {"id": "a", "amount": 3.5}
    assert (found[1].execution_id, found[1].run_id) == (execution_id, run_id)
    check_payloads(world, found)


async def test_the_pii_of_what_an_action_emitted_stays_sealed(world: EventWorld) -> None:
    execution_id = await world.begin(step("a", "mail", email="ada@example.com"))
    await world.advance(execution_id)

    event = next(one for one in await world.told(execution_id) if one.type == "shop.mail.sent")
    assert list(event.payload["email"]) == ["$sealed"]


async def test_an_event_with_an_entry_of_its_own_comes_from_nowhere_else() -> None:
    events = [
        {"event": f"{key}@1.0.0", "payload": {"executionId": "exec_9"}} for key in sorted(DERIVED)
    ] + [{"event": "shop.done@2.1.0", "payload": {"id": "1"}}]

    (call,) = announcements(entry(EntryType.CALL_COMPLETED, {"events": events}, None), None)
    step_events = announcements(
        entry(EntryType.STEP_COMPLETED, {"stepId": "step_1", "events": events}), RAN
    )

    assert (call.type, call.version, call.payload) == ("shop.done", "2.1.0", {"id": "1"})
    assert [event.type for event in step_events] == [
        "controlPlane.execution.step.completed",
        "shop.done",
    ]
    assert step_events[0].payload["executionId"] == "exec_1"


@pytest.mark.parametrize(
    "kind",
    [
        *(EntryType.RUN_STARTED, EntryType.RUN_CLAIMED, EntryType.RUN_WAITING),
        *(EntryType.STEP_FAILED, EntryType.STEP_RETRYING, EntryType.STEP_LATE),
        *(EntryType.QUERY_ANSWERED, EntryType.CALL_DENIED, EntryType.POLICY_ACTIVATED),
    ],
)
async def test_other_entries_announce_nothing(kind: EntryType) -> None:
    assert announcements(entry(kind, {}), RAN) == ()


async def test_ids_depend_on_the_entry_and_the_place_in_it_alone() -> None:
    def one(**more: Any) -> Announcement:
        body = {"stepId": "step_1", "events": [], **more}
        return announcements(entry(EntryType.STEP_COMPLETED, body), RAN)[0]

    assert one().id == one().id
    assert one().id.startswith("evt_")
    assert len(one().id) == len("evt_") + 32
    assert one().cursor == "7.0"
