"""Erasing: what falls, what stays, and what happens to runs that are under way."""

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.model.action import Answered
from gateway.model.entry import EntryType
from gateway.model.execution import ExecutionStatus, StepStatus
from gateway.model.pii import Owner
from gateway.model.ports import Tx
from gateway.model.problem import ProblemError
from gateway.model.rights import ErasureStatus, pseudonym
from gateway.rights.desk import MAX_HOLDS
from gateway.rights.erasing import CHUNK
from tests.unit.rights.rights_world import PAUL, PETRA, RightsWorld, done
from tests.unit.runtime.loop_world import SILENCE, WORKSPACE, Gated, step

pytestmark = pytest.mark.anyio


async def test_a_pseudonym_is_the_token_of_the_key_store(rights: RightsWorld) -> None:
    owner = Owner(WORKSPACE, "").person("Ada@Example.com")
    assert pseudonym(rights.sealer, owner) == rights.keyring.data.token(owner)


async def test_a_persons_keys_and_those_of_their_executions_fall(rights: RightsWorld) -> None:
    mine = await rights.mail("ada@x.org", "bob@x.org")
    other = await rights.mail("bob@x.org")
    erasure = await rights.erase(rights.named("ada@x.org"))
    assert done(erasure)
    for execution_id, envelope, sealed in await rights.envelopes():
        owner = rights.keyring.data.owner_token(sealed.key_id)
        bobs = owner == rights.named("bob@x.org").subject.target
        falls = not bobs and execution_id != other
        assert rights.is_erased(envelope) is falls, sealed
    left = await rights.texts()
    assert "Dear bob@x.org" in left
    assert not [text for text in left if "ada" in text]
    assert {mine, other}
    assert rights.matches() == []


async def test_every_key_that_fell_is_named_by_a_durable_entry(rights: RightsWorld) -> None:
    await rights.mail("ada@x.org")
    erasure = await rights.erase(rights.named("ada@x.org"))
    condemned = await rights.journal.read(lambda records: records.condemned_by(erasure.id))
    assert erasure.receipt is not None
    assert erasure.receipt["receipt"]["keys"] == len(condemned) == 2
    assert not any(rights.keyring.data.is_there(key_id) for key_id in condemned)
    entries = await rights.journal.read(lambda records: records.entries_after(0, 10_000))
    ours = [entry for entry in entries if entry.type.value.startswith("privacy.")]
    assert "ada@" not in str([entry.body for entry in ours])
    last = ours[-1]
    assert last.type is EntryType.SUBJECT_ERASED
    before = next(entry for entry in entries if entry.position == last.position - 1)
    told = {"position": before.position, "hash": before.hash}
    assert erasure.receipt["receipt"]["journal"] == told


async def test_a_run_under_way_ends_and_its_late_answer_is_not_kept(rights: RightsWorld) -> None:
    world, slow = rights.world, Gated(Answered({"id": "s0", "echo": "Dear ada@x.org"}))
    world.actions.will("mail", slow)
    execution_id = await rights.mail("ada@x.org", run=False)
    running = asyncio.create_task(world.advance(execution_id))
    await slow.begun.wait()
    assert done(await rights.erase(rights.named("ada@x.org")))
    execution = await world.execution(execution_id)
    assert execution.status is ExecutionStatus.FAILED
    assert (execution.problem or {})["code"] == "ERASED"
    slow.go.set()
    await running
    assert not [text for text in await rights.texts() if "ada" in text]
    (settled,) = await world.entries(execution_id, EntryType.STEP_COMPLETED)
    assert ("output" in settled.body, settled.body["erased"]) == (False, True)
    assert rights.matches() == []


@pytest.mark.parametrize("command", ["cancel", "abort"])
@pytest.mark.parametrize("by_execution", [False, True])
async def test_the_late_answer_of_a_run_that_had_ended_before_is_not_kept(
    rights: RightsWorld, command: str, by_execution: bool
) -> None:
    world, slow = rights.world, Gated(Answered({"id": "s0", "echo": "Dear ada@x.org"}))
    world.actions.will("mail", slow)
    execution_id = await rights.mail("ada@x.org", run=False)
    running = asyncio.create_task(world.advance(execution_id))
    await slow.begun.wait()
    await world.operate(command, execution_id, "")
    whole = rights.rights.desk.execution(WORKSPACE, execution_id)
    assert done(await rights.erase(whole if by_execution else rights.named("ada@x.org")))
    slow.go.set()
    await running
    (settled,) = await world.entries(execution_id, EntryType.STEP_COMPLETED)
    assert ("output" in settled.body, settled.body["erased"]) == (False, True)
    assert rights.matches() == []


async def test_what_an_operator_says_an_erased_run_answered_is_not_kept(
    rights: RightsWorld,
) -> None:
    world = rights.world
    world.actions.will("find", *[SILENCE] * 4)
    mailing = step("mail", "mail", email="ada@x.org", body="Dear ada@x.org")
    execution_id = await world.begin(mailing, step("find", "find", ["mail"]))
    for _ in range(5):
        await world.advance(execution_id)
        world.clock.forward(20)
    found = await world.step(execution_id, "find")
    assert found.status is StepStatus.UNRESOLVED
    assert done(await rights.erase(rights.named("ada@x.org")))
    await world.reconcile(
        execution_id, "find", "done", found.attempt, id="1", echo="Dear ada@x.org"
    )
    assert not [text for text in await rights.texts() if "ada" in text]
    (settled,) = await world.entries(execution_id, EntryType.STEP_RECONCILED)
    assert ("output" in settled.body, settled.body["erased"]) == (False, True)
    assert (await world.step(execution_id, "find")).status is StepStatus.COMPLETED
    await world.advance(execution_id)
    assert ((await world.execution(execution_id)).problem or {})["code"] == "ERASED"
    assert rights.matches() == []


async def test_nothing_is_done_with_an_answer_that_was_not_kept(rights: RightsWorld) -> None:
    """The plan holds nothing of anybody, so that it can still be opened."""
    world = rights.world
    world.actions.will("plain", *[SILENCE] * 4)
    following = step("after", "keyed", ["plain"], extra={"$from": "plain.id"})
    execution_id = await world.begin(step("plain", "plain"), following)
    for _ in range(5):
        await world.advance(execution_id)
        world.clock.forward(20)
    found = await world.step(execution_id, "plain")
    assert done(await rights.erase(rights.rights.desk.execution(WORKSPACE, execution_id)))
    await world.reconcile(execution_id, "plain", "done", found.attempt, id="by hand")
    await world.advance(execution_id)
    assert world.actions.made("keyed") == []
    assert ((await world.execution(execution_id)).problem or {})["code"] == "ERASED"


async def test_a_run_that_waits_fails_closed_when_it_is_woken(rights: RightsWorld) -> None:
    execution_id = await rights.mail("ada@x.org", run=False)
    keys = rights.keyring.data.keys_of(Owner(WORKSPACE, "").person("ada@x.org"))
    rights.keyring.data.destroy(WORKSPACE, keys, "retention")
    await rights.world.advance(execution_id)
    execution = await rights.world.execution(execution_id)
    assert execution.status is ExecutionStatus.FAILED
    assert (execution.problem or {})["code"] == "ERASED"
    assert rights.world.actions.calls == []


async def test_what_comes_while_it_is_erased_falls_too(
    rights: RightsWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rights.mail("ada@x.org")
    data, came = rights.keyring.data, []
    loop, destroy = asyncio.get_running_loop(), data.destroy

    def destroyed(*given: Any) -> int:
        gone = destroy(*given)
        if not came:
            came.append(asyncio.run_coroutine_threadsafe(rights.mail("ada@x.org"), loop).result())
        return gone

    monkeypatch.setattr(data, "destroy", destroyed)
    erasure = await rights.erase(rights.named("ada@x.org"))
    assert done(erasure)
    assert came
    assert not [text for text in await rights.texts() if "ada" in text]
    assert erasure.receipt is not None
    assert erasure.receipt["receipt"]["executions"] == 2


@pytest.mark.parametrize("placed_before", [True, False])
async def test_what_comes_while_it_is_erased_and_is_under_hold_stays(
    rights: RightsWorld, monkeypatch: pytest.MonkeyPatch, placed_before: bool
) -> None:
    await rights.mail("ada@x.org")
    data, came = rights.keyring.data, []
    destroy, bob = data.destroy, rights.named("bob@x.org")
    if placed_before:
        await rights.mail("bob@x.org")
        await rights.hold(bob)

    async def meanwhile() -> str:
        both = await rights.mail("ada@x.org", "bob@x.org", run=False)
        if not placed_before:
            await rights.world.journal.write(lambda tx: place(tx, both))
        return both

    def place(tx: Tx, both: str) -> None:
        """A hold that nobody looked for, as one that came a moment before the erasure began."""
        whole = rights.rights.desk.execution(WORKSPACE, both)
        with monkeypatch.context() as patched:
            patched.setattr("gateway.rights.desk.require_in_time", lambda *_: None)
            rights.rights.desk.place(tx, PETRA, whole, "Case 1", "because", None)

    loop = asyncio.get_running_loop()

    def destroyed(*given: Any) -> int:
        gone = destroy(*given)
        if not came:
            came.append(asyncio.run_coroutine_threadsafe(meanwhile(), loop).result())
        return gone

    monkeypatch.setattr(data, "destroy", destroyed)
    erasure = await rights.erase(rights.named("ada@x.org"))
    assert done(erasure)
    assert (await rights.world.execution(came[0])).status is ExecutionStatus.RUNNING
    for execution_id, envelope, _ in await rights.envelopes():
        if execution_id == came[0]:
            assert rights.is_readable(envelope)
    assert erasure.receipt is not None
    told = erasure.receipt["receipt"]
    condemned = await rights.journal.read(lambda records: records.condemned_by(erasure.id))
    assert (told["executions"], told["keys"]) == (1, len(condemned))
    await rights.world.advance(came[0])
    assert await rights.world.status(came[0]) == "completed"


async def test_more_keys_than_one_entry_names_fall(rights: RightsWorld) -> None:
    named = rights.named("ada@x.org")
    data = rights.keyring.data
    made = data._made(WORKSPACE, None, named.subject.target, CHUNK + 1)
    data.store.keep_data_keys([row for row, _ in made])
    erasure = await rights.erase(named)
    assert done(erasure)
    assert erasure.receipt is not None
    assert erasure.receipt["receipt"]["keys"] > CHUNK
    entries = await rights.journal.read(lambda records: records.entries_after(0, 10_000))
    assert sum(entry.type is EntryType.KEYS_CONDEMNED for entry in entries) > 1


async def test_a_hold_stops_it_until_the_last_moment_and_not_later(rights: RightsWorld) -> None:
    await rights.mail("ada@x.org")
    named = rights.named("ada@x.org")
    erasure_id = await rights.ask(named)
    await rights.approve(erasure_id)
    hold = await rights.hold(named)
    assert (await rights.erasure(erasure_id)).status is ErasureStatus.HELD
    await rights.rights.sweeper.sweep()
    assert "Dear ada@x.org" in await rights.texts()
    await rights.lift(hold.id)
    await rights.rights.sweeper.sweep()
    assert done(await rights.erasure(erasure_id))
    assert "Dear ada@x.org" not in await rights.texts()


async def test_a_hold_that_comes_too_late_is_refused(
    rights: RightsWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rights.mail("ada@x.org")
    named = rights.named("ada@x.org")

    def fails(*_: Any) -> int:
        raise TimeoutError

    with monkeypatch.context() as patched:
        patched.setattr(rights.keyring.data, "destroy", fails)
        erasure = await rights.erase(named)
    assert erasure.condemned_at is not None
    assert erasure.status is ErasureStatus.APPROVED
    with pytest.raises(ProblemError, match="too late"):
        await rights.hold(named)
    await rights.rights.sweeper.sweep()
    assert done(await rights.erasure(erasure.id))


@pytest.mark.parametrize("by", ["execution", "bob@x.org"])
async def test_a_hold_on_what_falls_with_somebody_else_is_refused_and_any_other_is_placed(
    rights: RightsWorld, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    shared = await rights.mail("ada@x.org", "bob@x.org")
    await rights.mail("eve@x.org")

    def fails(*_: Any) -> int:
        raise TimeoutError

    with monkeypatch.context() as patched:
        patched.setattr(rights.keyring.data, "destroy", fails)
        erasure = await rights.erase(rights.named("ada@x.org"))
    assert erasure.condemned_at is not None
    desk = rights.rights.desk
    beside = desk.execution(WORKSPACE, shared) if by == "execution" else rights.named(by)
    with pytest.raises(ProblemError, match="takes something of what is held"):
        await rights.hold(beside, await rights.look(beside))
    eve = rights.named("eve@x.org")
    with pytest.raises(ProblemError, match="began just now"):
        await rights.hold(eve)
    await rights.hold(eve, await rights.look(eve))
    await rights.rights.sweeper.sweep()
    assert done(await rights.erasure(erasure.id))
    await rights.hold(beside, await rights.look(beside))


async def test_an_erasure_of_an_execution_is_too_far_for_a_hold_on_whoever_occurs_in_it(
    rights: RightsWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = rights.rights.desk.execution(WORKSPACE, await rights.mail("ada@x.org"))

    def fails(*_: Any) -> int:
        raise TimeoutError

    with monkeypatch.context() as patched:
        patched.setattr(rights.keyring.data, "destroy", fails)
        await rights.erase(whole)
    ada = rights.named("ada@x.org")
    with pytest.raises(ProblemError, match="too late"):
        await rights.hold(ada, await rights.look(ada))


async def test_the_holds_of_a_workspace_are_bounded(
    rights: RightsWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.rights.desk.MAX_HOLDS", 1)
    assert MAX_HOLDS > 1
    await rights.hold(rights.named("ada@x.org"))
    with pytest.raises(ProblemError, match="LIMIT_EXCEEDED"):
        await rights.hold(rights.named("bob@x.org"))


async def test_nobody_decides_twice_or_alone(rights: RightsWorld) -> None:
    erasure_id = await rights.ask(rights.named("ada@x.org"))
    with pytest.raises(ProblemError, match="Nobody erases alone"):
        await rights.approve(erasure_id, PETRA)
    with pytest.raises(ProblemError, match="Nobody erases alone"):
        await rights.approve(erasure_id, replace(PETRA, subject="Petra"))
    await rights.approve(erasure_id, PAUL)
    with pytest.raises(ProblemError, match="waits for no decision"):
        await rights.approve(erasure_id, PAUL)


async def test_a_person_is_one_however_the_name_is_written(rights: RightsWorld) -> None:
    await rights.mail("zoe@x.org")
    assert done(await rights.erase(rights.named("  ZOE@X.ORG ")))
    assert not [text for text in await rights.texts() if "zoe" in text]


async def test_a_run_that_begins_anew_speaks_of_the_person_again(rights: RightsWorld) -> None:
    await rights.mail("ada@x.org")
    await rights.erase(rights.named("ada@x.org"))
    await rights.mail("ada@x.org")
    assert "Dear ada@x.org" in await rights.texts()
