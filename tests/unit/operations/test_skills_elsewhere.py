"""What begins before a process notices which skills another one installed or disabled."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.model.execution import Execution
from gateway.model.ports import Tx
from gateway.model.problem import ProblemError
from gateway.operations.direct import DirectCalls
from gateway.operations.executions import start
from gateway.operations.plans import compile_plan, prepare_compile, verify_plan
from gateway.pipeline import Admitted, Call, CallRecorder
from gateway.pipeline.standing import require_standing_now
from tests.unit.runtime.loop_world import AGENT, WORKSPACE, LoopWorld, step
from tests.unit.runtime.skilled_world import KEYED, Worker, disable, install

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class There:
    """The process that is behind: what is asked of it."""

    def __init__(self, world: LoopWorld) -> None:
        self.world = world
        self.worker = Worker(world)
        self.loop = self.worker.loop

    def admitted(self, **value: Any) -> Admitted:
        contract = self.world.registry.operations[KEYED]
        access = self.loop.policies.access(AGENT, contract)
        return Admitted(Call(contract, value, AGENT), value, access)

    async def _apply(self, apply: Callable[[Any, Admitted, Tx], Any], **value: Any) -> Any:
        admitted = self.admitted(**value)
        return await self.world.journal.write(lambda tx: apply(self.loop, admitted, tx))

    async def verify(self) -> Any:
        execution = await self.world.compile([step("a", "keyed")])
        return await self._apply(verify_plan, executionId=execution.id, planId=execution.plan_id)

    async def start(self) -> Any:
        execution = await self.world.verify(await self.world.compile([step("a", "keyed")]))
        return await self._apply(start, executionId=execution.id, planId=execution.plan_id)

    async def compile(self) -> Any:
        execution: Execution = await self.world.submit()
        draft = {"steps": [step("a", "keyed")]}
        value = {"executionId": execution.id, "intentId": execution.intent_id, "draft": draft}
        admitted = self.admitted(**value)
        plan = await prepare_compile(self.loop, admitted)
        admitted = replace(admitted, prepared=plan)
        told = await self.world.journal.write(lambda tx: compile_plan(self.loop, admitted, tx))
        assert isinstance(told, dict), told
        return told

    async def call(self) -> Any:
        recorder = CallRecorder(self.world.journal, self.world.sealer, self.world.clock)
        calls, admitted = DirectCalls(self.loop, recorder), self.admitted(id="a")
        return await self.world.journal.write(lambda tx: calls._start(tx, admitted))

    async def ask(self) -> Any:
        admitted = self.admitted(id="a")
        await require_standing_now(self.world.journal, self.worker.live, admitted)


Ask = Callable[[There], Awaitable[Any]]
EVERY = [There.compile, There.verify, There.start, There.call, There.ask]


@pytest.fixture
async def there(tmp_path: Path) -> AsyncIterator[There]:
    world = await LoopWorld.open(tmp_path)
    made = There(world)
    await install(world, made.worker.bundle)
    yield made
    await world.journal.close()


@pytest.mark.parametrize("ask", EVERY)
async def test_a_skill_that_was_disabled_elsewhere_is_not_used_any_more(
    there: There, ask: Ask
) -> None:
    there.worker.takes_up()
    await ask(there)
    await disable(there.world)
    with pytest.raises(ProblemError) as refused:
        await ask(there)
    assert refused.value.problem.code == "PRECONDITION_FAILED"
    assert "skill is disabled" in refused.value.problem.detail


@pytest.mark.parametrize("ask", EVERY)
async def test_a_skill_that_was_installed_elsewhere_is_asked_for_again(
    there: There, ask: Ask
) -> None:
    with pytest.raises(ProblemError) as refused:
        await ask(there)
    told = refused.value.problem
    assert (told.code, told.retryable) == ("SERVICE_UNAVAILABLE", True)
    there.worker.takes_up()
    await ask(there)


async def test_what_was_looked_at_in_vain_is_not_waited_for(there: There) -> None:
    there.worker.live.took_up("skill_1")
    there.worker.live.offer(WORKSPACE, [])
    with pytest.raises(ProblemError) as refused:
        await there.verify()
    assert refused.value.problem.code == "PRECONDITION_FAILED"
