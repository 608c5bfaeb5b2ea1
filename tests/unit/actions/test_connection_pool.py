"""Calls that end at any moment, cancelled or out of time, cost no connection of the shared pool."""

import asyncio
import time
from collections.abc import Callable

import pytest

from gateway.actions import HttpActions, http, transport
from gateway.model.action import Answered
from gateway.model.contract import HttpHandler, Kind
from tests.unit.actions.raw_server import (
    hangs,
    make_call,
    make_contract,
    opened,
    running,
    says,
)

CONNECTIONS = 2
STEPS = 60
"""Steps of the event loop in which a call is over, with those that it waits for."""

SOON = 0.02
End = Callable[["asyncio.Task[object]"], None]


def cancels(task: "asyncio.Task[object]") -> None:
    """End a call as whoever waits for it does."""
    task.cancel()


def runs_out(_: object) -> None:
    """Hold the loop up until the time of the call is over: it ends with the next step."""
    time.sleep(SOON)  # the loop is to stand still


async def end_in_step(
    step: int, ahead: int, end: End, actions: HttpActions, handler: HttpHandler
) -> None:
    """Begin a call behind others, and end it after some steps of the loop."""
    call = make_call(make_contract(handler), timeout=30.0)
    late = make_call(make_contract(handler), timeout=SOON if end is runs_out else 30.0)
    before = [asyncio.create_task(actions.perform(call, handler)) for _ in range(ahead)]
    task: asyncio.Task[object] = asyncio.create_task(actions.perform(late, handler))
    for _ in range(step):
        await asyncio.sleep(0)
    end(task)
    assert await asyncio.gather(*before) == [Answered({})] * ahead
    await asyncio.wait([task])


@pytest.mark.parametrize("idle", [2.0, 0.0])
@pytest.mark.parametrize("ahead", [0, CONNECTIONS])
@pytest.mark.parametrize("end", [cancels, runs_out])
def test_no_call_that_ended_keeps_a_connection(
    monkeypatch: pytest.MonkeyPatch, end: End, ahead: int, idle: float
) -> None:
    monkeypatch.setattr(transport, "_CONNECTIONS", CONNECTIONS)
    monkeypatch.setattr(transport, "_IDLE_SECONDS", idle)

    async def scenario() -> None:
        async with running(says(200)) as server:
            handler = HttpHandler("POST", server.url)
            async with opened() as actions:
                for step in range(STEPS):
                    await end_in_step(step, ahead, end, actions, handler)
                last = make_call(make_contract(handler), timeout=30.0)
                assert await actions.perform(last, handler) == Answered({})
            # Every connection was closed: whoever serves it reads its end.
            await asyncio.wait_for(asyncio.gather(*server.tasks), 30)

    asyncio.run(scenario())


def test_queries_of_a_slow_service_leave_connections_to_steps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(transport, "_CONNECTIONS", CONNECTIONS)
    monkeypatch.setattr(http, "QUERIES", CONNECTIONS - 1)

    async def scenario() -> object:
        async with running(hangs) as slow, running(says(200)) as server, opened() as actions:
            asking, doing = HttpHandler("POST", slow.url), HttpHandler("POST", server.url)
            query = make_call(make_contract(asking, Kind.QUERY))
            asked = [asyncio.create_task(actions.perform(query, asking)) for _ in range(9)]
            while not slow.seen:  # noqa: ASYNC110 - the server tells nobody
                await asyncio.sleep(0.001)
            step = make_call(make_contract(doing), timeout=20.0, step_id="step_1")
            found = await actions.perform(step, doing)
            for task in asked:
                task.cancel()
            await asyncio.wait(asked)
            return found

    assert asyncio.run(scenario()) == Answered({})
