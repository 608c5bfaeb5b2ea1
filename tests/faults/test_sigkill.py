"""SIGKILL at random moments of a load: nothing happens twice, nothing is lost, the record verifies.

Twenty runs of keyed refunds, unkeyed replies and lookups are played by clients that retry with
idempotency keys, as real ones do, while the server is killed fifty times. The service is slow, half
of the time before and half of the time after its effects, so that kills meet attempts under way.
"""

import os
import random
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import httpx
import pytest

from tests.acceptance.drafts import COMPILE, START, VERIFY, ids, lookup, refund, reply
from tests.processes import Caller, JsonObject, stop
from tests.world import World, end_world, make_world

pytestmark = [pytest.mark.fault, pytest.mark.timeout(600)]

KILLS = 50
RUNS = 20
LARGE = 20_000  # cents: what agents may not refund without an approval
OVER = ("COMPLETED", "FAILED", "REJECTED", "EXPIRED", "CANCELLED", "UNRESOLVED")
SUBMIT = ("controlPlaneIntentSubmit", "executionId intentId")
APPROVE = ("controlPlaneExecutionApprove", "status")


@pytest.fixture
def slow_world(tmp_path: Path) -> Iterator[World]:
    """A world with a service that takes its time over everything."""
    made = make_world(tmp_path)
    for _ in range(80):
        for path in ("/tickets/*/replies", "/orders/*/refunds"):
            made.service.fault(path, "delay", ms=120, times=1, after_effect=True)
            made.service.fault(path, "delay", ms=120, times=1)
    made.service.fault("/orders/*", "delay", ms=60, times=100_000)
    yield made
    end_world(made)


def steps_of(run: int) -> list[JsonObject]:
    """The draft of one run; amounts and bodies are unique, so that each effect names its step."""
    first = 100 + run * 10
    if run % 4 == 0:
        return [lookup(), refund((LARGE + run) / 100, "large", dependsOn=["order"])]
    if run % 4 == 1:
        return [lookup(), reply(f"run {run}", dependsOn=["order"]), lookup("after")]
    chain = [refund((first + at) / 100, f"r{at}") for at in range(4)]
    for before, after in pairwise(chain):
        after["dependsOn"] = [before["key"]]
    if run % 4 == 2:
        return chain
    return [*chain, reply(f"run {run}"), lookup(dependsOn=["reply"])]


def insist(caller: Caller, call: tuple[str, str], value: JsonObject, key: str) -> JsonObject:
    """Call until there is an answer, however often the server dies meanwhile."""
    while True:
        try:
            return caller.mutate(*call, value, key)
        except (httpx.TransportError, ValueError):
            time.sleep(0.02)


def play(world: World, run: int) -> str:
    """Take one run from its intent to its start; returns the execution's id."""
    intent = insist(world.agent, SUBMIT, {"workspaceId": "acme", "text": f"{run}"}, f"s{run}")
    draft = {"draft": {"steps": steps_of(run)}}
    one = {"executionId": intent["executionId"]}
    value = {**one, "intentId": intent["intentId"], **draft}
    plan = insist(world.agent, COMPILE, value, f"c{run}")
    planned = ids({**one, **plan})
    insist(world.olga, VERIFY, planned, f"v{run}")
    insist(world.olga, START, planned, f"x{run}")
    return str(intent["executionId"])


def approve_all(world: World, done: threading.Event) -> None:
    """A person who approves whatever waits, as long as the load lasts."""
    while not done.wait(0.05):
        try:
            items = world.fiona.query(
                "controlPlaneApprovalList", "items { executionId stepId }", {}
            )
        except httpx.TransportError:
            continue
        for item in items["items"]:
            value = {**item, "approvedBy": "fiona"}
            insist(world.fiona, APPROVE, value, item["stepId"] + item["executionId"])


def kill_in_start_up(world: World, after: float) -> None:
    """Kill a server before it listens, perhaps while it takes up what it left behind."""
    process = subprocess.Popen(
        world.gateway.serving, env=world.gateway.env, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    time.sleep(after)
    stop(process, signal.SIGKILL)


def kill_again_and_again(world: World, moments: random.Random, kills: list[float]) -> None:
    """Kill the server fifty times; it serves when this ends."""
    while len(kills) < KILLS:
        time.sleep(moments.uniform(0.0, 0.35))
        world.gateway.stop(signal.SIGKILL)
        kills.append(time.monotonic())
        if len(kills) < KILLS and moments.random() < 0.3:
            kill_in_start_up(world, moments.uniform(0.3, 0.9))
            kills.append(time.monotonic())
        world.gateway.start()


def effects_by_marker(world: World) -> Counter[str]:
    """How often each effect happened: by amount or by body."""
    found: Counter[str] = Counter()
    for effect in world.service.effects():
        told = effect["payload"]
        found[str(told["cents"]) if effect["kind"] == "refund" else told["body"]] += 1
    return found


def marker_of(step: JsonObject) -> str | None:
    """What an effect of a drafted step is known by; None for a query."""
    value = step["input"]
    if "amount" in value:
        return str(round(value["amount"] * 100))
    return value.get("body")


def check_run(world: World, run: int, execution_id: str, effects: Counter[str]) -> Counter[str]:
    """Hold a run against its effects; returns how its attempts ended."""
    status = world.execution(execution_id)["status"]
    by_key = {step["key"]: step for step in world.plan(execution_id)["steps"]}
    ended: Counter[str] = Counter()
    for drafted in steps_of(run):
        step = by_key[drafted["key"]]
        attempts = [attempt["status"] for attempt in step["attempts"]]
        ended.update(attempts)
        told = f"run {run}: {status} {step['key']} {step['status']} {attempts}"
        assert "dispatched" not in attempts, told
        assert step["status"] != "DISPATCHED", told
        assert len({attempt["idempotencyKey"] for attempt in step["attempts"]}) <= 1, told
        if step["status"] == "UNRESOLVED":
            assert status in ("UNRESOLVED", "FAILED"), told
            assert attempts[-1] == "unresolved", told
            assert step["attempts"][-1]["problem"]["code"] == "OUTCOME_UNKNOWN", told
        marker = marker_of(drafted)
        if marker is None:
            continue
        assert effects[marker] <= 1, told
        if step["status"] == "COMPLETED":
            assert effects[marker] == 1, told
        if not attempts:
            assert effects[marker] == 0, told
    if status == "COMPLETED":
        assert {step["status"] for step in by_key.values()} == {"COMPLETED"}
    elif status == "FAILED":
        failed = [step for step in by_key.values() if step["status"] == "FAILED"]
        assert failed, f"run {run} failed, and none of its steps"
        assert all(was_killed_each_time(step) for step in failed), f"run {run}: {failed}"
    else:
        assert status == "UNRESOLVED", f"run {run} is {status}"
    return ended


def was_killed_each_time(step: JsonObject) -> bool:
    """A query that the gateway did not survive four times in a row: it had no effect, and it is not
    tried for ever."""
    is_query = step["contract"].startswith("support.order.lookup@")
    killed = "The gateway stopped while the attempt was under way."
    problems = [attempt["problem"]["detail"] for attempt in step["attempts"]]
    return is_query and len(problems) == 4 and all(killed in told for told in problems)


def test_fifty_kills_lose_nothing_and_repeat_nothing(slow_world: World) -> None:
    world = slow_world
    seed = int(os.environ.get("SIGKILL_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
    print(f"SIGKILL_SEED={seed}")  # noqa: T201 - to repeat a failure
    kills: list[float] = []
    done = threading.Event()

    def paced(run: int) -> str:
        """Begin the runs one after the other, so that the load lasts as long as the kills."""
        while len(kills) < run * (KILLS - 5) // RUNS:
            time.sleep(0.02)
        return play(world, run)

    with ThreadPoolExecutor(RUNS + 1) as clients:
        approver = clients.submit(approve_all, world, done)
        try:
            played = [clients.submit(paced, run) for run in range(RUNS)]
            moments = random.Random(seed)  # noqa: S311 - moments to be repeated, not secrets
            kill_again_and_again(world, moments, kills)
            executions = [one.result(timeout=60) for one in played]
            for execution_id in executions:
                world.wait(execution_id, *OVER, seconds=60)
        finally:
            kills.extend([0.0] * KILLS)
            done.set()
        approver.result(timeout=60)

    assert len(executions) == len(set(executions)) == RUNS
    listed = world.olga.query("controlPlaneExecutionList", "total", {})
    assert listed["total"] == RUNS
    effects = effects_by_marker(world)
    ended: Counter[str] = Counter()
    for run, execution_id in enumerate(executions):
        ended += check_run(world, run, execution_id, effects)
    print(f"attempts ended as {dict(ended)}")  # noqa: T201 - what the kills met
    assert ended["retrying"] + ended["unresolved"] >= 3, f"hardly a kill met an attempt: {ended}"
    assert set(effects) <= {marker_of(step) for run in range(RUNS) for step in steps_of(run)}

    verified = world.gateway.command("audit", "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
