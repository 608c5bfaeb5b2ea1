"""Replay names what would be otherwise now."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs

from gateway.model.entry import EntryType
from gateway.model.execution import PlanRecord, RunMode
from gateway.model.pii import envelopes_in
from gateway.runtime import POLICY, STRUCTURAL, Loop
from gateway.runtime.replay import Replay
from tests.unit.runtime.loop_world import (
    FILES,
    POLICIES,
    VERDICT,
    LoopWorld,
    step,
    write_contracts,
)

pytestmark = pytest.mark.anyio

Alter = Callable[[PlanRecord], PlanRecord]

BOTH = frozenset({STRUCTURAL, POLICY})
ACCESS = (POLICIES / "access.csv").read_text()
DENIED = "p, user:agent-7, *, shop.cash, call, deny\n"
CASH = "p, 21, *, *, shop.cash, *, amount <= 100, "
ASKS = VERDICT.replace(f"{CASH}autonomous, -, -, -, -", f"{CASH}assist, approver, 1, 1h, -")
BLOCKS = VERDICT.replace(f"{CASH}autonomous", f"{CASH}blocked")


async def replayed(world: LoopWorld, execution_id: str, loop: Loop | None = None) -> Replay:
    execution = await world.execution(execution_id)
    record = await world.journal.read(lambda records: records.plan(execution.plan_id or ""))
    assert record is not None
    entries = await world.entries(execution_id)
    return (loop or world.loop).replayer.replay(execution, record, entries, BOTH)


async def ran(world: LoopWorld) -> str:
    execution_id = await world.begin(
        step("a", "read"), step("b", "cash", amount={"$from": "a.amount"}), mode=RunMode.AUTONOMOUS
    )
    await world.advance(execution_id)
    assert await world.status(execution_id) == "completed"
    return execution_id


async def test_nothing_differs_while_nothing_changed(world: LoopWorld) -> None:
    found = await replayed(world, await ran(world))
    assert found.differences == ()
    assert found.recomputed_hash == found.recorded_hash


async def replayed_as(world: LoopWorld, execution_id: str, alter: Alter) -> set[tuple[str, str]]:
    """Kinds and paths of what a replay finds of a plan that was altered after it was recorded."""
    execution = await world.execution(execution_id)
    record = await world.journal.read(lambda records: records.plan(execution.plan_id or ""))
    assert record is not None
    entries = await world.entries(execution_id)
    found = world.loop.replayer.replay(execution, alter(record), entries, BOTH)
    return {(item.kind, item.path) for item in found.differences}


@pytest.mark.parametrize(
    ("member", "value", "name"),
    [
        ("contract_digest", "0" * 64, "contractDigest"),
        ("id", "step_0", "id"),
        ("pii", ("email",), "pii"),
        ("subject", "email", "subject"),
    ],
)
async def test_a_recorded_step_that_was_altered_beside_its_hash_is_named(
    world: LoopWorld, member: str, value: Any, name: str
) -> None:
    def alter(record: PlanRecord) -> PlanRecord:
        first, *others = record.plan.steps
        steps = (structs.replace(first, **{member: value}), *others)
        return structs.replace(record, plan=replace(record.plan, steps=steps))

    found = await replayed_as(world, await ran(world), alter)
    assert (STRUCTURAL, f"/steps/a/{name}") in found


async def test_recorded_decisions_that_were_removed_added_or_emptied_are_named(
    world: LoopWorld,
) -> None:
    execution_id = await ran(world)
    own = (await world.step(execution_id, "b")).id

    def decided(**altered: Any) -> Alter:
        def alter(record: PlanRecord) -> PlanRecord:
            kept = {**(record.decisions or {}), **altered}
            kept = {name: one for name, one in kept.items() if one is not None}
            return structs.replace(record, decisions=kept)

        return alter

    path = f"/decisions/{own}"
    assert await replayed_as(world, execution_id, decided()) == set()
    assert await replayed_as(world, execution_id, decided(**{own: None})) == {(POLICY, path)}
    more = await replayed_as(world, execution_id, decided(step_9={}))
    assert more == {(POLICY, "/decisions/step_9")}
    emptied = await replayed_as(world, execution_id, decided(**{own: {"rules": [1]}}))
    assert {(POLICY, f"{path}/verdict"), (POLICY, f"{path}/rules")} <= emptied


async def test_policy_that_decides_otherwise_is_named_by_step_and_member(world: LoopWorld) -> None:
    execution_id = await ran(world)
    await world.decide_by(VERDICT.replace("100", "50"))
    found = await replayed(world, execution_id)
    assert {item.kind for item in found.differences} == {POLICY}
    (verdict,) = [
        item
        for item in found.differences
        if item.path.startswith("/entries") and item.path.endswith("/verdict")
    ]
    assert (verdict.recorded, verdict.replayed) == ("autonomous", "assist")
    assert verdict.step_id == (await world.step(execution_id, "b")).id


async def under_another_policy(world: LoopWorld, verdict: str, **files: str) -> Replay:
    """The replay of a run that was verified and is replayed under the usual rules, and stopped
    under others that were in force for a while."""
    execution_id = await world.begin(step("b", "cash", amount=80))
    await world.decide_by(verdict, **files)
    await world.advance(execution_id)
    await world.decide_by(VERDICT)
    assert not await world.entries(execution_id, EntryType.STEP_DISPATCHED)
    return await replayed(world, execution_id)


async def test_a_verdict_that_stopped_a_step_at_its_dispatch_is_decided_again(
    world: LoopWorld,
) -> None:
    found = await under_another_policy(world, BLOCKS)
    verdict = next(one for one in found.differences if one.path.endswith("/verdict"))
    assert (verdict.recorded, verdict.replayed) == ("blocked", "autonomous")
    assert all(one.path.startswith("/entries/") for one in found.differences)


async def test_a_verdict_that_asked_for_an_approval_is_decided_again(world: LoopWorld) -> None:
    found = await under_another_policy(world, ASKS)
    verdict = next(one for one in found.differences if one.path.endswith("/verdict"))
    assert (verdict.recorded, verdict.replayed) == ("assist", "autonomous")


async def test_a_denial_that_stopped_a_step_at_its_dispatch_is_decided_again(
    world: LoopWorld,
) -> None:
    found = await under_another_policy(world, VERDICT, access=ACCESS + DENIED)
    (access,) = found.differences
    assert (access.recorded, access.replayed) == ("deny", "allow")
    assert access.message == "Access would be allowed."


async def test_a_copy_that_stopped_a_step_is_no_decision_of_policy(world: LoopWorld) -> None:
    execution_id = await world.begin(
        step("r", "read"), step("a", "keyed", ["r"], extra={"why": "ada@example.com wrote"})
    )
    await world.advance(execution_id)
    (stopped,) = await world.entries(execution_id, EntryType.STEP_BLOCKED)
    assert stopped.body["decision"]["verdict"] == "blocked"
    assert (await replayed(world, execution_id)).differences == ()


async def test_a_contract_that_changed_is_named_and_refuses_no_replay(world: LoopWorld) -> None:
    execution_id = await ran(world)
    other = FILES | {"cash.yaml": FILES["cash.yaml"].replace("Some text.", "Another text.")}
    other["cash.yaml"] = other["cash.yaml"].replace("output: {id: ID!}", "output: {id: ID}")
    registry = write_contracts(world.folder / "changed", other)
    world.registry = registry
    found = await replayed(world, execution_id, world.process())
    paths = {(item.kind, item.path) for item in found.differences}
    assert (STRUCTURAL, "/hash") in paths
    assert (STRUCTURAL, "/steps/b/contractDigest") in paths
    assert (POLICY, "/decisions") in paths


async def test_what_was_erased_is_named_and_never_guessed(world: LoopWorld) -> None:
    execution_id = await world.begin(
        step("a", "read"), step("b", "cash", amount=20.0, email="ada@example.com")
    )
    await world.advance(execution_id)
    envelopes = envelopes_in([entry.body for entry in await world.entries(execution_id)])
    world.keyring.data.destroy("acme", sorted(envelopes), "test")
    found = await replayed(world, execution_id)
    assert found.recomputed_hash == ""
    assert {item.kind for item in found.differences} == {"ERASED"}
    assert all(item.recorded is item.replayed is None for item in found.differences)
    own = (await world.step(execution_id, "b")).id
    assert {item.step_id for item in found.differences} == {own}
    assert "/steps/b/input" in {item.path for item in found.differences}
