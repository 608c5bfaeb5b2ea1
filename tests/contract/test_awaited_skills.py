"""A run waits for a skill that another process installed, on each backend."""

from pathlib import Path

import pytest

from gateway.journal import DurableJournal
from tests.unit.runtime.loop_world import (
    FILES,
    VERDICT,
    LoopWorld,
    SettableClock,
    step,
    write_contracts,
)
from tests.unit.runtime.skilled_world import Worker, disable, install

pytestmark = pytest.mark.anyio


async def test_a_run_waits_for_the_skill_and_then_keeps_it(
    journal: DurableJournal, tmp_path: Path
) -> None:
    registry = write_contracts(tmp_path / "schema", FILES)
    world = LoopWorld(tmp_path, journal, SettableClock(), registry)  # type: ignore[arg-type] # any
    await world.decide_by(VERDICT)
    worker = Worker(world)
    await install(world, worker.bundle)
    execution_id = await world.begin(step("a", "keyed"))
    assert await world.advance(execution_id, worker.loop) is not None
    assert await world.status(execution_id) == "running"
    assert world.actions.calls == []
    await disable(world)
    worker.takes_up()
    await world.advance(execution_id, worker.loop)
    assert await world.status(execution_id) == "completed"
