"""One governed call: the order of its stages, and what it records."""

import asyncio
from typing import Any

import pytest

from gateway.model.action import ActionCall, ActionOutcome, Answered, Declined, Unknown
from gateway.model.entry import EntryType
from gateway.model.principal import ANONYMOUS
from gateway.model.problem import Problem, ProblemError
from gateway.pipeline import Admission, Bounds, Gauges
from tests.unit.pipeline.desk import Desk
from tests.unit.runtime.loop_world import OLGA, person

pytestmark = pytest.mark.anyio

ALICE = person("alice")
BOB = person("bob")
READER = person("rita", "pii.reader")


async def refused(desk: Desk, *given: Any) -> Problem:
    with pytest.raises(ProblemError) as error:
        await desk.call(*given)
    return error.value.problem


async def test_access_is_decided_before_the_input_is_looked_at(desk: Desk) -> None:
    told = await refused(desk, ANONYMOUS, "few", {"wrong": 1})
    assert told.code == "UNAUTHENTICATED"
    assert told.operation == {"key": "shop.few", "version": "1.0.0", "kind": "command"}


async def test_a_place_comes_back_whatever_became_of_the_call(desk: Desk) -> None:
    delay = 0.0
    places = desk.pipeline.admission = Admission(Bounds(calls=4), Gauges(delay=lambda: delay))
    for _ in range(5):
        assert (await refused(desk, ANONYMOUS, "few", {"text": "a"})).code == "UNAUTHENTICATED"
    await desk.call(ALICE, "few", {"text": "a"})
    assert places.in_progress == 0

    delay = 60.0
    told = await refused(desk, ALICE, "few", {"text": "b"})
    assert (told.code, told.retry_after) == ("SERVICE_UNAVAILABLE", 1.0)
    assert told.operation == {"key": "shop.few", "version": "1.0.0", "kind": "command"}
    assert (places.in_progress, desk.applied) == (0, ["a"])


async def test_invalid_input_costs_no_call_of_the_limit(desk: Desk) -> None:
    for _ in range(5):
        assert (await refused(desk, ALICE, "few", {})).code == "VALIDATION_FAILED"
    await desk.call(ALICE, "few", {"text": "a"})
    await desk.call(ALICE, "few", {"text": "b"})
    told = await refused(desk, ALICE, "few", {"text": "c"})
    assert (told.code, told.retry_after, told.retryable) == ("RATE_LIMITED", 30.0, True)
    assert desk.applied == ["a", "b"]


async def test_the_limit_counts_before_the_idempotency_key_is_looked_up(desk: Desk) -> None:
    for _ in range(2):
        await desk.call(ALICE, "few", {"text": "a"}, "key-1")
    assert (await refused(desk, ALICE, "few", {"text": "a"}, "key-1")).code == "RATE_LIMITED"
    assert desk.applied == ["a"]


async def test_a_denial_is_recorded_with_its_decision_and_without_the_input(desk: Desk) -> None:
    told = await refused(desk, ALICE, "boss", {"id": "my secret"})
    assert told.code == "FORBIDDEN"
    (entry,) = await desk.entries()
    assert (entry.type, entry.workspace, entry.actor) == (EntryType.CALL_DENIED, "acme", "alice")
    assert entry.body["contract"] == "shop.boss@1.0.0"
    assert entry.body["decision"]["effect"] == "deny"
    assert entry.body["decision"]["decisionId"] == (told.extra or {})["decisionId"]
    assert "my secret" not in str(entry.body)


async def test_anonymous_denials_are_counted_and_recorded_once_a_minute(desk: Desk) -> None:
    for _ in range(3):
        await refused(desk, ANONYMOUS, "add", {"text": "a"})
    await refused(desk, ANONYMOUS, "look", {"text": "a"})
    assert await desk.entries() == []
    desk.clock.forward(60)
    await refused(desk, ANONYMOUS, "add", {"text": "a"})
    await desk.recorder.flush()
    await desk.recorder.flush()
    first, second = await desk.entries(EntryType.CALLS_DENIED)
    assert first.body["minute"] == "2026-03-01T09:30Z"
    assert first.body["counts"] == {"shop.add@1.0.0": 3, "shop.look@1.0.0": 1}
    assert (second.body["minute"], second.body["counts"]) == (
        "2026-03-01T09:31Z",
        {"shop.add@1.0.0": 1},
    )


async def test_a_command_answers_after_its_record_with_pii_sealed_and_masked(desk: Desk) -> None:
    masked = await desk.call(ALICE, "add", {"text": "ada@example.com"})
    assert masked["id"] == "1"
    assert "ada@example.com" not in str(masked)
    assert (await desk.call(READER, "add", {"text": "ada@example.com"}))["text"] == (
        "ada@example.com"
    )
    done = await desk.entries(EntryType.CALL_COMPLETED)
    assert len(done) == 2
    assert "ada@example.com" not in str([entry.body for entry in done])
    assert set(done[0].body["output"]["text"]) == {"$sealed"}


@pytest.mark.parametrize(
    ("then", "code", "kind"),
    [
        ("raise", "CONFLICT", EntryType.CALL_FAILED),
        ("deny", "FORBIDDEN", EntryType.CALL_DENIED),
        ("misfit", "VALIDATION_FAILED", EntryType.CALL_FAILED),
    ],
)
async def test_a_command_that_raises_writes_nothing_but_its_failure(
    desk: Desk, then: str, code: str, kind: EntryType
) -> None:
    told = await refused(desk, ALICE, "add", {"text": "a secret", "then": then}, "key-1")
    assert told.code == code
    (entry,) = await desk.entries()
    assert (entry.type, entry.body["code"]) == (kind, code)
    assert "a secret" not in str(entry.body)
    await desk.call(ALICE, "add", {"text": "a"}, "key-1")  # the key is still free
    assert desk.applied == ["a"]


async def test_a_command_that_breaks_writes_nothing_at_all(desk: Desk) -> None:
    with pytest.raises(RuntimeError):
        await desk.call(ALICE, "add", {"text": "a", "then": "crash"})
    assert await desk.entries() == []


async def test_a_refusal_that_is_a_fact_keeps_what_the_handler_appended(desk: Desk) -> None:
    told = await refused(desk, ALICE, "add", {"text": "a", "then": "refuse"}, "key-1")
    assert told.code == "PRECONDITION_FAILED"
    assert await desk.facts() == ["refuse"]
    assert len(await desk.entries(EntryType.CALL_FAILED)) == 1
    await desk.call(ALICE, "add", {"text": "a"}, "key-1")


async def test_the_same_key_and_input_get_the_first_answer(desk: Desk) -> None:
    first = await desk.call(READER, "add", {"text": "a"}, "key-1")
    assert await desk.call(READER, "add", {"text": "a"}, "key-1") == first
    assert desk.applied == ["a"]
    assert len(await desk.entries(EntryType.CALL_COMPLETED)) == 1


async def test_the_same_key_and_another_input_are_a_conflict(desk: Desk) -> None:
    await desk.call(ALICE, "add", {"text": "a"}, "key-1")
    assert (await refused(desk, ALICE, "add", {"text": "b"}, "key-1")).code == "CONFLICT"
    assert desk.applied == ["a"]


async def test_a_key_belongs_to_its_subject_and_contract(desk: Desk) -> None:
    await desk.call(ALICE, "add", {"text": "a"}, "key-1")
    await desk.call(BOB, "add", {"text": "b"}, "key-1")
    await desk.call(ALICE, "few", {"text": "c"}, "key-1")
    assert desk.applied == ["a", "b", "c"]


async def test_concurrent_calls_of_one_key_are_performed_once(desk: Desk) -> None:
    calls = [desk.call(READER, "add", {"text": "a"}, "key-1") for _ in range(20)]
    answers = await asyncio.gather(*calls)
    assert answers == [{"id": "1", "text": "a"}] * 20
    assert await desk.facts() == ["done"]
    assert len(await desk.entries(EntryType.CALL_COMPLETED)) == 1


async def test_concurrent_calls_of_one_key_with_other_inputs_leave_one(desk: Desk) -> None:
    calls = [desk.call(ALICE, "add", {"text": str(number)}, "key-1") for number in range(10)]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    failed = [one for one in answers if isinstance(one, ProblemError)]
    assert {one.problem.code for one in failed} == {"CONFLICT"}
    assert len(failed) == 9
    assert len(await desk.facts()) == 1


async def test_a_read_is_recorded_and_masked(desk: Desk) -> None:
    found = await desk.call(ALICE, "look", {"text": "ada@example.com"}, "key-1")
    assert "ada@example.com" not in str(found)
    (entry,) = await desk.entries()
    assert entry.type is EntryType.QUERY_ANSWERED
    assert entry.body["decision"]["effect"] == "allow"
    assert "ada@example.com" not in str(entry.body)


async def test_a_query_with_a_handler_is_decided_and_recorded(desk: Desk) -> None:
    found = await desk.call(ALICE, "read", {"id": "1"})
    assert (found["id"], found["amount"]) == ("1", 80.5)
    assert found["email"] != "ada@example.com"
    (entry,) = await desk.entries()
    assert entry.body["verdict"]["verdict"] == "autonomous"
    (asked,) = desk.actions.made("read")
    assert asked.take == desk.pipeline.registry.output_of(asked.contract).take


async def test_a_query_that_is_given_up_is_recorded_because_the_service_was_asked(
    desk: Desk,
) -> None:
    asked = asyncio.Event()

    async def slow(_: ActionCall) -> ActionOutcome:
        asked.set()
        await asyncio.sleep(60)
        raise AssertionError("it is given up before")

    desk.actions.will("read", slow)
    calling = asyncio.create_task(desk.call(OLGA, "read", {"id": "1"}))
    await asyncio.wait_for(asked.wait(), 5)
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling
    (entry,) = await desk.entries()
    assert (entry.type, entry.body["code"]) == (EntryType.CALL_FAILED, "TIMEOUT")


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        (Declined("REFUSED", "It was refused.", 409), "REFUSED"),
        (Unknown("The line was cut."), "BAD_GATEWAY"),
        (Answered({"other": 1}), "BAD_GATEWAY"),
    ],
)
async def test_a_query_that_fails_outside_is_recorded_as_failed(
    desk: Desk, outcome: ActionOutcome, code: str
) -> None:
    desk.actions.will("read", outcome)
    assert (await refused(desk, OLGA, "read", {"id": "1"})).code == code
    (entry,) = await desk.entries()
    assert (entry.type, entry.body["code"]) == (EntryType.CALL_FAILED, code)


@pytest.mark.parametrize(
    ("key", "value", "at", "code"),
    [
        ("a\0b", {"text": "a"}, "/idempotencyKey", "NOT_ALLOWED"),
        ("k" * 513, {"text": "a"}, "/idempotencyKey", "OUT_OF_RANGE"),
        ("k", {"text": "a\0b"}, "/input/text", "NOT_ALLOWED"),
        (None, {"text": "a", "then": "\0"}, "/input/then", "NOT_ALLOWED"),
    ],
    ids=["key with NUL", "long key", "text with NUL", "other text with NUL"],
)
async def test_what_postgresql_cannot_hold_is_refused_on_every_record_with_its_place(
    desk: Desk, key: str | None, value: dict[str, str], at: str, code: str
) -> None:
    told = await refused(desk, ALICE, "add", value, key)
    assert told.code == "VALIDATION_FAILED"
    assert [(issue.path, issue.code) for issue in told.issues] == [(at, code)]
    assert desk.applied == []
    await desk.call(ALICE, "add", {"text": "a"}, "k" * 512)
