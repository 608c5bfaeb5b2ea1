"""Every command of operators in every state: the effect that the table promises, or a CONFLICT."""

from collections.abc import AsyncIterator

import pytest

from gateway.journal import rebuild_matches
from gateway.model.execution import TRANSITIONS, ExecutionStatus
from gateway.model.operator import EFFECTS, OperatorCommand
from gateway.model.problem import ProblemError
from tests.unit.runtime.loop_world import BUSY, REFUSED, SILENCE, LoopWorld, step

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LoopWorld]:
    """One world for all cells; a fold of all that they recorded must give what they read."""
    made = await LoopWorld.open(tmp_path_factory.mktemp("cells"))
    yield made
    await made.journal.close()
    assert rebuild_matches(made.journal.path) == []


ENDED = ("failed", "rejected", "expired", "cancelled", "aborted")
UNENDED = ("running", "waiting_approval", "paused", "unresolved")
AFTER: dict[str, dict[str, str]] = {
    "cancel": dict.fromkeys(("received", "compiled", "verified", *UNENDED), "cancelled"),
    "pause": {"running": "paused", "waiting_approval": "paused"},
    "resume": {"paused": "running"},
    "shutdown": dict.fromkeys(UNENDED, "cancelled"),
    "abort": dict.fromkeys(UNENDED, "aborted"),
    "retry": dict.fromkeys(("failed", "expired", "unresolved"), "running"),
    "reconcile": {
        **{status: status for status in (*UNENDED, *ENDED)},
        "unresolved": "running",
    },
    "compensate": {status: status for status in ENDED},
}
"""What each state becomes, written down a second time on purpose."""

ASKS = step("c", "cash", ["a"], amount=500)


async def waiting(world: LoopWorld, *doubtful: dict[str, object]) -> str:
    """A run that waits for an approval after a completed step."""
    if doubtful:
        world.actions.will("plain", SILENCE)
    execution_id = await world.begin(step("a", "book"), *doubtful, ASKS)
    await world.advance(execution_id)
    return execution_id


async def bring_to(world: LoopWorld, status: str, *, doubt: bool) -> str:
    """An execution in this state; with ``doubt`` its step b is unresolved, if it has a run."""
    doubtful = (step("b", "plain"),) if doubt or status == "unresolved" else ()
    if status in ("received", "compiled", "verified", "blocked"):
        return await not_started(world, status)
    if status in ("failed", "running", "completed", "unresolved"):
        return await moving(world, status, doubtful)
    execution_id = await waiting(world, *doubtful)
    if status == "rejected":
        await world.reject(execution_id, "c")
    if status == "expired":
        world.clock.forward(3601)
    if status in ("rejected", "expired"):
        await world.advance(execution_id)
    for command, result in (("pause", "paused"), ("cancel", "cancelled"), ("abort", "aborted")):
        if status == result:
            await world.operate(command, execution_id, "for the test")
    return execution_id


async def not_started(world: LoopWorld, status: str) -> str:
    if status == "received":
        return (await world.submit()).id
    name = "never" if status == "blocked" else "plain"
    execution = await world.compile([step("b", name)])
    if status != "compiled":
        await world.verify(execution)
    return execution.id


async def moving(world: LoopWorld, status: str, doubtful: tuple[dict[str, object], ...]) -> str:
    """A run that came to its state by itself."""
    if doubtful:
        world.actions.will("plain", SILENCE)
    last = {"failed": [REFUSED], "running": [BUSY]}.get(status, [])
    world.actions.will("keyed", *last)
    execution_id = await world.begin(step("a", "book"), *doubtful, step("c", "keyed", ["a"]))
    await world.advance(execution_id)
    return execution_id


async def command_it(world: LoopWorld, command: str, execution_id: str) -> None:
    if command == "reconcile":
        await world.reconcile(execution_id, "b", "failed")
    elif command == "compensate":
        await world.compensate(execution_id)
    else:
        reason = () if command in ("resume", "retry") else ("because",)
        await world.operate(command, execution_id, *reason)


CELLS = [(command, status) for command in OperatorCommand for status in ExecutionStatus]


@pytest.mark.parametrize(("command", "status"), CELLS, ids=lambda item: item.value)
async def test_a_command_has_its_effect_or_is_a_conflict_that_names_the_state(
    world: LoopWorld, command: OperatorCommand, status: ExecutionStatus
) -> None:
    world.actions.script.clear()
    doubt = command == "reconcile" and status.value != "completed"
    execution_id = await bring_to(world, status.value, doubt=doubt)
    before = await world.execution(execution_id)
    assert before.status is status
    entries = await world.entries(execution_id)
    steps = {one.id: one for one in (await world.steps(execution_id)).values()}
    allowed = await world.journal.read(
        lambda records: world.loop.operator.allowed(records, before, steps)
    )
    expected = AFTER[command].get(status.value)
    assert (command in allowed) == (expected is not None)
    if expected is None:
        with pytest.raises(ProblemError) as refused:
            await refuse_it(world, command, execution_id)
        told = refused.value.problem
        assert told.code == "CONFLICT"
        assert (told.extra or {})["currentStatus"] == status.value.upper()
        assert status.value.upper() in told.detail
        assert await world.entries(execution_id) == entries
        assert await world.execution(execution_id) == before
    else:
        await command_it(world, command, execution_id)
        after = await world.execution(execution_id)
        assert after.status.value == expected
        assert after.status is status or after.status in TRANSITIONS[status]
        new = (await world.entries(execution_id))[len(entries) :]
        assert {entry.actor for entry in new if entry.type.value.startswith("run.")} <= {"olga"}
        assert "olga" in {entry.actor for entry in new}


async def refuse_it(world: LoopWorld, command: str, execution_id: str) -> None:
    """Give a command that must be refused, also where there is no step to name."""
    if command == "reconcile" and "b" not in await world.steps(execution_id):
        await world.reconcile_id(execution_id, "step_none", "failed")
    else:
        await command_it(world, command, execution_id)


def test_the_table_holds_exactly_what_is_tested() -> None:
    told = {command.value: {status.value for status in EFFECTS[command]} for command in EFFECTS}
    assert told == {command: set(states) for command, states in AFTER.items()}
    assert set(EFFECTS) == set(OperatorCommand)
