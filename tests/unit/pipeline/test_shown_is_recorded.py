"""The record of a call says what of personal data its caller was shown."""

from dataclasses import replace

import pytest

from gateway.model.entry import EntryType
from gateway.model.json import JsonObject
from gateway.model.problem import ProblemError, refuse
from gateway.pipeline import Admitted, Direct, Query
from tests.unit.pipeline.desk import Desk
from tests.unit.runtime.loop_world import person

pytestmark = pytest.mark.anyio

ALICE = person("alice")
READER = person("rita", "pii.reader")


async def last(desk: Desk, kind: EntryType) -> JsonObject:
    entries = [one for one in await desk.entries(kind) if one.actor != "handler"]
    return entries[-1].body


async def test_a_command_says_what_its_answer_showed(desk: Desk) -> None:
    await desk.call(ALICE, "add", {"text": "ada@example.com"})
    told = await last(desk, EntryType.CALL_COMPLETED)
    assert told["seen"] == {"fields": {"shop.add@1.0.0 output.text": "mask"}}
    await desk.call(READER, "add", {"text": "ada@example.com"})
    told = await last(desk, EntryType.CALL_COMPLETED)
    assert told["seen"] == {"fields": {"shop.add@1.0.0 output.text": "raw"}}
    assert "ada@example.com" not in str(await desk.entries())


async def test_a_query_says_what_its_answer_showed(desk: Desk) -> None:
    await desk.call(ALICE, "look", {"text": "ada@example.com"})
    told = await last(desk, EntryType.QUERY_ANSWERED)
    assert told["seen"] == {"fields": {"shop.look@1.0.0 output.text": "mask"}}


async def test_an_answer_without_personal_data_says_so(desk: Desk) -> None:
    await desk.call(ALICE, "few", {"text": "plain"})
    assert (await last(desk, EntryType.CALL_COMPLETED))["seen"] == {}


async def test_a_repeated_answer_is_recorded_as_shown_again(desk: Desk) -> None:
    await desk.call(ALICE, "add", {"text": "ada@example.com"}, "key-1")
    assert await desk.entries(EntryType.ANSWER_SHOWN) == []
    await desk.call(ALICE, "add", {"text": "ada@example.com"}, "key-1")
    (again,) = await desk.entries(EntryType.ANSWER_SHOWN)
    assert again.body["seen"] == {"fields": {"shop.add@1.0.0 output.text": "mask"}}
    assert (again.actor, again.body["contract"]) == ("alice", "shop.add@1.0.0")


async def test_the_answer_of_an_execution_is_recorded_when_it_is_given(desk: Desk) -> None:
    async def perform(admitted: Admitted) -> JsonObject:
        await desk.recorder.write(desk.recorder.started(admitted, "exec_1"))
        admitted.shown.belongs_to("exec_1")
        return {"id": "1", "email": "ada@example.com"}

    desk.pipeline.direct = Direct(perform, desk.pipeline.direct.resume)
    await desk.call(ALICE, "tell", {"id": "1"})
    assert (await last(desk, EntryType.CALL_COMPLETED))["seen"] is None
    (shown,) = await desk.entries(EntryType.ANSWER_SHOWN)
    told = {"fields": {"shop.tell@1.0.0 output.email": "mask"}, "executions": ["exec_1"]}
    assert shown.body["seen"] == told
    assert "ada@example.com" not in str(await desk.entries())


def durable(desk: Desk) -> None:
    bound = desk.pipeline.bindings["shop.look@1.0.0"]
    assert isinstance(bound, Query)
    told = replace(bound, durable=True, reading=lambda *_: {"filter": {"limit": 3}, "rows": 1})
    desk.pipeline.bindings["shop.look@1.0.0"] = told


async def test_a_reading_is_recorded_with_what_was_looked_for(desk: Desk) -> None:
    durable(desk)
    await desk.call(ALICE, "look", {"text": "a"})
    told = await last(desk, EntryType.QUERY_ANSWERED)
    assert told["reading"] == {"filter": {"limit": 3}, "rows": 1}
    assert len(told["inputDigest"]) == 64


async def test_a_reading_that_cannot_be_recorded_is_not_answered(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    durable(desk)

    async def full(_: object) -> None:
        raise refuse("SERVICE_UNAVAILABLE", "The disk is full.")

    monkeypatch.setattr(desk.journal, "write", full)
    with pytest.raises(ProblemError) as caught:
        await desk.call(ALICE, "look", {"text": "a"})
    assert caught.value.problem.code == "SERVICE_UNAVAILABLE"
