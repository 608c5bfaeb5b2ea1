"""Stopping and starting again: every run goes on, and nothing happens twice."""

import signal
import threading
from pathlib import Path

import pytest

from tests.acceptance.drafts import approve, lookup, refund, reply, waiting
from tests.forking import run_to_end
from tests.processes import ROOT, JsonObject, Server, stop
from tests.world import World, wait_until


def restart(world: World, how: signal.Signals = signal.SIGTERM) -> None:
    world.gateway.stop(how)
    world.gateway.start()


def end_of(world: World, run: JsonObject) -> str:
    return str(world.wait(run["executionId"], "COMPLETED", "FAILED", "UNRESOLVED")["status"])


def has_entry(world: World, run: JsonObject, kind: str) -> bool:
    return kind in [entry["status"] for entry in world.trace(run["executionId"])]


def replies(world: World, body: str) -> int:
    return [one["payload"]["body"] for one in world.service.effects("reply")].count(body)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_waits_for_approval_goes_on_after_a_restart(
    own_world: World, how: signal.Signals
) -> None:
    run = waiting(own_world, [lookup(), refund(250, dependsOn=["order"])])
    (before,) = own_world.approvals(run["executionId"])
    restart(own_world, how)
    assert own_world.approvals(run["executionId"]) == [before]
    approve(own_world.fiona, "fiona", run)
    assert end_of(own_world, run) == "COMPLETED"
    assert len(own_world.service.effects("refund")) == 1


def test_a_run_in_back_off_goes_on_after_a_restart(own_world: World) -> None:
    assert own_world.service.process is not None
    stop(own_world.service.process)
    run = own_world.run([lookup(), reply("after the back-off", dependsOn=["order"])])
    wait_until(lambda: has_entry(own_world, run, "step.retrying"), 20)
    assert own_world.gateway.stop() == 0
    own_world.service.start()
    own_world.gateway.start()
    assert end_of(own_world, run) == "COMPLETED"
    assert replies(own_world, "after the back-off") == 1


def test_a_stop_waits_for_the_attempt_under_way(own_world: World) -> None:
    own_world.service.fault("/tickets/*/replies", "delay", ms=600, after_effect=True)
    run = own_world.run([reply("under way at the stop")])
    wait_until(lambda: replies(own_world, "under way at the stop") == 1, 20)
    restart(own_world)
    assert end_of(own_world, run) == "COMPLETED"
    (attempt,) = own_world.step(run["executionId"], "reply")["attempts"]
    assert attempt["status"] == "completed"


def test_a_keyed_step_that_a_crash_cut_off_is_completed_once(own_world: World) -> None:
    own_world.service.fault("/orders/*/refunds", "hold", after_effect=True)
    run = own_world.run([refund(12.01)])
    wait_until(lambda: len(own_world.service.effects("refund")) == 1, 20)
    restart(own_world, signal.SIGKILL)
    assert end_of(own_world, run) == "COMPLETED"
    attempts = own_world.step(run["executionId"], "refund")["attempts"]
    assert [attempt["status"] for attempt in attempts] == ["retrying", "completed"]
    assert len({attempt["idempotencyKey"] for attempt in attempts}) == 1
    assert len(own_world.service.effects("refund")) == 1


def test_an_unkeyed_step_that_a_crash_cut_off_stands_unresolved(own_world: World) -> None:
    own_world.service.fault("/tickets/*/replies", "hold", after_effect=True)
    run = own_world.run([reply("cut off"), lookup(dependsOn=["reply"])])
    wait_until(lambda: replies(own_world, "cut off") == 1, 20)
    restart(own_world, signal.SIGKILL)
    assert end_of(own_world, run) == "UNRESOLVED"
    step = own_world.step(run["executionId"], "reply")
    (attempt,) = step["attempts"]
    assert (attempt["number"], attempt["status"]) == (1, "unresolved")
    assert attempt["problem"]["code"] == step["problem"]["code"] == "OUTCOME_UNKNOWN"
    assert own_world.step(run["executionId"], "order")["status"] == "PLANNED"
    restart(own_world)
    assert own_world.execution(run["executionId"])["status"] == "UNRESOLVED"
    assert replies(own_world, "cut off") == 1


def test_a_cancelled_run_that_a_crash_cut_off_says_what_is_not_known(own_world: World) -> None:
    own_world.service.fault("/tickets/*/replies", "hold", after_effect=True)
    run = own_world.run([reply("cancelled and cut off")])
    wait_until(lambda: replies(own_world, "cancelled and cut off") == 1, 20)
    value = {"executionId": run["executionId"], "cancelledBy": "olga"}
    own_world.olga.mutate("controlPlaneExecutionCancel", "status", value)
    restart(own_world, signal.SIGKILL)
    wait_until(
        lambda: own_world.step(run["executionId"], "reply")["status"] == "UNRESOLVED",
        20,
        lambda: str(own_world.step(run["executionId"], "reply")),
    )
    assert own_world.execution(run["executionId"])["status"] == "CANCELLED"


def test_a_second_server_on_a_data_folder_is_refused(own_world: World) -> None:
    gateway = own_world.gateway
    second = run_to_end(gateway.serving, timeout=30, cwd=ROOT, env=gateway.env)
    assert second.returncode != 0
    assert "DATA_DIR_IN_USE" in second.stderr
    assert "Traceback" not in second.stderr
    run = own_world.run([lookup()])
    assert end_of(own_world, run) == "COMPLETED"


def test_several_instances_run_side_by_side(own_world: World, tmp_path: Path) -> None:
    others = [Server(tmp_path / name, own_world.gateway.env) for name in ("one", "two")]
    for other in others:
        other.folder.mkdir()
    starts = [threading.Thread(target=other.start) for other in others]
    for start in starts:
        start.start()
    for start in starts:
        start.join()
    try:
        worlds = [own_world, *(World(other, own_world.service) for other in others)]
        runs = [each.run([refund(13 + number)]) for number, each in enumerate(worlds)]
        for each, run in zip(worlds, runs, strict=True):
            assert end_of(each, run) == "COMPLETED"
            assert each.olga.query("controlPlaneExecutionList", "total", {})["total"] == 1
        foreign = worlds[1].olga.token
        answer = type(own_world.olga)(own_world.gateway, foreign).send("{ __typename }")
        assert answer.status_code == 401
    finally:
        for other in others:
            other.stop()
    assert len(own_world.service.effects("refund")) == 3
