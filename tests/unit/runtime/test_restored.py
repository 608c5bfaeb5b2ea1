"""A record that was restored: a step that may have been done is not dispatched, unless it does no
harm."""

import pytest

from gateway.journal import rebuild_matches
from gateway.journal.archives.archiving import RECORD_WORKSPACE
from gateway.model.action import Answered
from gateway.model.entry import EntryType, NewEntry
from gateway.model.execution import RunMode
from gateway.model.time import stamp
from tests.unit.runtime.loop_world import REFUSED, SILENCE, LoopWorld, step

pytestmark = pytest.mark.anyio


async def restore(world: LoopWorld, *, later: float = 60) -> None:
    """The record is accepted as restored now; the gateway starts again ``later``."""
    world.clock.forward(60)
    body = {"before": stamp(world.clock.now()), "position": 0, "known": None}
    entry = NewEntry(EntryType.RECORD_RESTORED, RECORD_WORKSPACE, body)
    await world.journal.write(lambda tx: tx.append(entry))
    place = await world.journal.read(lambda records: records.restored_at_position())
    world.loop = world.process(restored=place)
    world.clock.forward(later)


async def statuses(world: LoopWorld, execution_id: str) -> dict[str, str]:
    return {key: one.status.value for key, one in (await world.steps(execution_id)).items()}


async def test_what_does_no_harm_is_done_and_the_rest_is_unresolved(world: LoopWorld) -> None:
    steps = (step("a", "read"), step("b", "safe"), step("c", "keyed"), step("d", "plain"))
    execution_id = await world.begin(*steps)
    await restore(world)

    await world.advance(execution_id)

    told = {"a": "completed", "b": "completed", "c": "completed", "d": "unresolved"}
    assert await statuses(world, execution_id) == told
    assert await world.status(execution_id) == "unresolved"
    doubted = await world.step(execution_id, "d")
    assert (doubted.problem or {})["code"] == "OUTCOME_UNKNOWN"
    assert "restored from a backup" in (doubted.problem or {})["detail"]
    assert "shop.plain" not in [call.contract.key for call in world.actions.calls]
    assert rebuild_matches(world.journal.path) == []


@pytest.mark.parametrize("later", [60, -3600])
async def test_a_run_of_after_the_restore_knows_no_doubt(world: LoopWorld, later: float) -> None:
    await restore(world, later=later)
    execution_id = await world.begin(step("a", "plain"))

    await world.advance(execution_id)

    assert await world.status(execution_id) == "completed"


async def test_what_is_ready_only_later_is_doubted_then(world: LoopWorld) -> None:
    execution_id = await world.begin(step("a", "keyed"), step("b", "plain", ["a"]))
    await restore(world)

    await world.advance(execution_id)

    assert await statuses(world, execution_id) == {"a": "completed", "b": "unresolved"}


async def test_nobody_is_asked_for_what_may_be_done(world: LoopWorld) -> None:
    execution_id = await world.begin(step("a", "plain"), mode=RunMode.ASSIST)
    await world.advance(execution_id)
    assert await world.status(execution_id) == "waiting_approval"
    await restore(world)
    await world.approve(execution_id, "a")

    await world.advance(execution_id)

    assert await statuses(world, execution_id) == {"a": "unresolved"}
    assert (await world.approval(execution_id, "a")).status.value == "void"


@pytest.mark.parametrize("later", [60, -3600])
@pytest.mark.parametrize("outcome", ["done", "failed", "repeat"])
async def test_an_operator_settles_it(world: LoopWorld, outcome: str, later: float) -> None:
    execution_id = await world.begin(step("a", "plain"), step("b", "plain", ["a"]))
    await restore(world, later=later)
    await world.advance(execution_id)
    world.clock.forward(1)

    given = {"id": "by hand"} if outcome == "done" else {}
    await world.reconcile(execution_id, "a", outcome, 0, **given)
    await world.advance(execution_id)

    found = await statuses(world, execution_id)
    after = {"done": "completed", "failed": "failed", "repeat": "completed"}
    assert found["a"] == after[outcome]
    assert len(world.actions.calls) == (outcome == "repeat")
    if outcome != "failed":
        assert found["b"] == "unresolved"  # it may have been done as well
    assert rebuild_matches(world.journal.path) == []


async def test_a_retry_of_an_operator_settles_it_too(world: LoopWorld) -> None:
    execution_id = await world.begin(step("a", "plain"))
    await restore(world)
    await world.advance(execution_id)
    world.clock.forward(1)

    await world.operate("retry", execution_id)
    await world.advance(execution_id)

    assert await world.status(execution_id) == "completed"
    assert len(world.actions.calls) == 1


async def test_what_was_settled_before_the_restore_is_doubted_whatever_the_clock_said(
    world: LoopWorld,
) -> None:
    world.actions.will("plain", SILENCE)
    execution_id = await world.begin(step("a", "plain"))
    await world.advance(execution_id)
    await world.reconcile(execution_id, "a", "repeat", 1)
    world.clock.forward(-3600)
    await restore(world)

    await world.advance(execution_id)

    assert await statuses(world, execution_id) == {"a": "unresolved"}
    assert len(world.actions.calls) == 1


@pytest.mark.parametrize("later", [60, -3600])
async def test_a_draft_of_before_that_starts_after_is_doubted_even_with_keys(
    world: LoopWorld, later: float
) -> None:
    execution = await world.verify(await world.compile([step("a", "keyed"), step("b", "safe")]))
    await restore(world, later=later)
    revision = world.loop.policies.revision
    await world.journal.write(
        lambda tx: world.loop.lifecycle.started(tx, execution, RunMode.AUTONOMOUS, "olga", revision)
    )

    await world.advance(execution.id)

    assert await statuses(world, execution.id) == {"a": "unresolved", "b": "completed"}


async def test_what_undoes_a_run_of_before_is_doubted(world: LoopWorld) -> None:
    world.actions.will("plain", REFUSED)
    world.actions.will("book", Answered({"id": "b1"}))
    execution_id = await world.begin(step("a", "book"), step("b", "plain", ["a"]))
    await world.advance(execution_id)
    assert await world.status(execution_id) == "failed"
    await restore(world)

    undoing = await world.compensate(execution_id)
    await world.advance(undoing.id)

    assert set((await statuses(world, undoing.id)).values()) == {"unresolved"}


async def test_a_dry_run_is_never_in_doubt(world: LoopWorld) -> None:
    execution_id = await world.begin(step("a", "plain"), mode=RunMode.DRY_RUN)
    await restore(world)

    await world.advance(execution_id)

    assert await world.status(execution_id) == "completed"
    assert await world.entries(execution_id, EntryType.STEP_UNRESOLVED) == []
