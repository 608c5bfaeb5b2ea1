"""Runs over HTTP: order, retries, modes, starting and cancelling."""

from collections.abc import Iterator
from itertools import pairwise

import pytest

from gateway.model.time import parse
from tests.acceptance.drafts import (
    CANCEL,
    START,
    approve,
    cancel_subscription,
    ended,
    ids,
    lookup,
    refund,
    refunds,
    replies,
    reply,
    verified,
    waiting,
)
from tests.processes import JsonObject, stop
from tests.world import World, wait_until


@pytest.fixture(scope="module")
def world(each_world: World) -> World:
    """Each test here holds on every database."""
    return each_world


@pytest.fixture(autouse=True)
def _no_faults_left(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "world" in request.fixturenames:
        request.getfixturevalue("world").service.clear_faults()


# --- order


def test_ready_steps_run_in_parallel_and_dependent_ones_afterwards(world: World) -> None:
    world.service.fault("/orders/o-100[12]", "delay", ms=400, times=2)
    steps = [
        lookup("one", "o-1001"),
        lookup("two", "o-1002"),
        reply("both are read", dependsOn=["one", "two"]),
    ]
    started = world.run(steps)
    assert ended(world, started) == "COMPLETED"
    times = {}
    for entry in world.trace(started["executionId"]):
        kind, told = entry["status"], entry["metadata"]
        if kind in ("step.dispatched", "step.completed"):
            times[(told["stepId"], kind)] = parse(entry["timestamp"])
    one, two, last = (world.step(started["executionId"], key) for key in ("one", "two", "reply"))
    began = [times[(step["stepId"], "step.dispatched")] for step in (one, two, last)]
    done = [times[(step["stepId"], "step.completed")] for step in (one, two)]
    assert max(began[:2]) < min(done)
    assert began[2] >= max(done)


def test_outputs_flow_into_later_steps(world: World) -> None:
    paid = refund(0)
    paid["input"] = {
        "orderId": {"$from": "order.orderId"},
        "amount": {"$from": "order.amount"},
        "currency": {"$from": "order.currency"},
    }
    started = world.run([lookup(order="o-1003"), paid])
    assert ended(world, started) == "COMPLETED"
    assert [one["payload"]["orderId"] for one in refunds(world, 4500)] == ["o-1003"]


# --- retries and failures


def test_a_query_is_repeated_with_back_off_until_it_succeeds(world: World) -> None:
    world.service.fault("/orders/o-1002", "503", times=2)
    started = world.run([lookup(order="o-1002")])
    assert ended(world, started) == "COMPLETED"
    attempts = world.step(started["executionId"], "order")["attempts"]
    assert [attempt["status"] for attempt in attempts] == ["retrying", "retrying", "completed"]
    began = [
        parse(entry["timestamp"])
        for entry in world.trace(started["executionId"])
        if entry["status"] == "step.dispatched"
    ]
    waits = [(later - earlier).total_seconds() for earlier, later in pairwise(began)]
    assert waits[0] >= 0.25
    assert waits[1] >= 1.0


def test_a_refused_connection_is_tried_again_until_the_service_is_back(own_world: World) -> None:
    assert own_world.service.process is not None
    stop(own_world.service.process)
    started = own_world.run([refund(3.01), reply("back again")])
    wait_until(
        lambda: any(
            entry["status"] == "step.retrying" for entry in own_world.trace(started["executionId"])
        ),
        5,
    )
    own_world.service.start()
    assert ended(own_world, started) == "COMPLETED"
    assert len(refunds(own_world, 301)) == 1
    assert replies(own_world, "back again") == 1


def test_a_declared_error_fails_the_run_with_the_problem_of_its_step(world: World) -> None:
    missing = lookup("order", "o-none")
    started = world.run([missing, reply("never sent", dependsOn=["order"])])
    assert ended(world, started) == "FAILED"
    step = world.step(started["executionId"], "order")
    assert step["status"] == "FAILED"
    assert step["problem"]["code"] == "ORDER_NOT_FOUND"
    assert step["problem"]["status"] == 404
    mine = world.agent.query(
        "controlPlaneExecutionMine",
        "items { status problem steps { key status problem } }",
        {"executionId": started["executionId"]},
    )["items"][0]
    assert mine["problem"]["code"] == "ORDER_NOT_FOUND"
    assert world.step(started["executionId"], "reply")["status"] == "CANCELLED"
    assert replies(world, "never sent") == 0


def test_a_run_ends_with_the_problem_that_ended_it(world: World) -> None:
    world.service.fault("/orders/o-1002", "503", times=9)
    world.service.fault("/orders/o-none", "delay", ms=300)
    started = world.run([lookup("a", "o-1002"), lookup("b", "o-none")])
    assert ended(world, started) == "FAILED"
    mine = world.agent.query(
        "controlPlaneExecutionMine", "items { problem }", {"executionId": started["executionId"]}
    )["items"][0]
    assert mine["problem"]["code"] == "ORDER_NOT_FOUND"


# --- modes


def test_a_dry_run_calls_nothing(world: World) -> None:
    before = world.service.effects()
    started = world.run([lookup(), refund(6), refund(250, "more"), reply("dry")], mode="DRY_RUN")
    assert ended(world, started) == "COMPLETED"
    assert world.service.effects() == before
    steps = world.plan(started["executionId"])["steps"]
    assert {step["status"] for step in steps} == {"SKIPPED"}
    assert all(step["attempts"] == [] for step in steps)


def test_assist_mode_asks_before_every_command_and_no_query(world: World) -> None:
    sent = "asked twice"
    started = world.run(
        [lookup(), refund(7.03, dependsOn=["order"]), reply(sent, dependsOn=["refund"])],
        mode="ASSIST",
    )
    for key in ("refund", "reply"):
        step_id = world.step(started["executionId"], key)["stepId"]
        asked: JsonObject = {}

        def is_asked(step_id: str = step_id, asked: JsonObject = asked) -> bool:
            for item in world.approvals(started["executionId"]):
                asked.update(item)
            return asked.get("stepId") == step_id

        wait_until(is_asked, 10)
        assert asked["approverRole"] == "approver"
        assert len(refunds(world, 703)) == (key == "reply")
        approve(world.fiona, "fiona", asked)
    assert ended(world, started) == "COMPLETED"
    assert replies(world, sent) == 1


# --- starting and cancelling


def test_a_run_starts_once(world: World) -> None:
    planned = verified(world, [lookup()])
    world.olga.mutate(*START, ids(planned))
    again = world.olga.refused(*START, ids(planned))
    assert again["code"] == "CONFLICT"
    assert again["problem"]["currentStatus"] in ("RUNNING", "COMPLETED")


def test_nothing_starts_unverified(world: World) -> None:
    planned = world.compile([lookup()])
    refused = world.olga.refused(*START, ids(planned))
    assert refused["code"] == "CONFLICT"
    assert refused["problem"]["currentStatus"] == "COMPILED"


def test_a_plan_of_another_execution_is_not_found(world: World) -> None:
    one, other = verified(world, [lookup()]), verified(world, [lookup()])
    for plan_id in (other["planId"], "plan_none"):
        value = {"executionId": one["executionId"], "planId": plan_id}
        for call in (START, ("controlPlanePlanVerify", "verdict")):
            assert world.olga.refused(*call, value)["code"] == "NOT_FOUND"


def cancelled(world: World, execution_id: str) -> None:
    value = {"executionId": execution_id, "cancelledBy": "olga", "reason": "changed my mind"}
    assert world.olga.mutate(*CANCEL, value)["status"] == "CANCELLED"
    assert world.execution(execution_id)["status"] == "CANCELLED"
    again = world.olga.refused(*CANCEL, value)
    assert (again["code"], again["problem"]["currentStatus"]) == ("CONFLICT", "CANCELLED")


def test_what_has_not_run_can_be_cancelled(world: World) -> None:
    cancelled(world, world.submit()["executionId"])
    compiled = world.compile([lookup()])
    cancelled(world, compiled["executionId"])
    planned = verified(world, [lookup()])
    cancelled(world, planned["executionId"])
    assert world.olga.refused(*START, ids(planned))["problem"]["currentStatus"] == "CANCELLED"


def test_cancelling_a_waiting_run_closes_its_request(world: World) -> None:
    run = waiting(world, [cancel_subscription()])
    cancelled(world, run["executionId"])
    assert world.approvals(run["executionId"]) == []
    (closed,) = world.approvals(run["executionId"], "VOID")
    assert closed["stepId"] == run["stepId"]
    assert world.step(run["executionId"], "cancel")["status"] == "CANCELLED"
    assert world.service.effects("cancellation") == []


def test_cancelling_a_running_step_still_records_what_came_of_it(world: World) -> None:
    world.service.fault("/tickets/*/replies", "hold", after_effect=True)
    started = world.run([reply("under way"), lookup(dependsOn=["reply"])])
    wait_until(lambda: replies(world, "under way") == 1, 20)
    cancelled(world, started["executionId"])
    assert world.step(started["executionId"], "reply")["status"] == "DISPATCHED"
    world.service.clear_faults()
    wait_until(lambda: world.step(started["executionId"], "reply")["status"] == "COMPLETED", 20)
    assert world.execution(started["executionId"])["status"] == "CANCELLED"
    assert world.step(started["executionId"], "order")["status"] == "CANCELLED"


def test_an_unresolved_run_can_be_cancelled_and_a_completed_one_cannot(world: World) -> None:
    world.service.fault("/tickets/*/replies", "cut", after_effect=True)
    lost = world.run([reply("lost, then cancelled")])
    assert ended(world, lost) == "UNRESOLVED"
    cancelled(world, lost["executionId"])
    done = world.run([lookup()])
    assert ended(world, done) == "COMPLETED"
    value = {"executionId": done["executionId"], "cancelledBy": "olga"}
    refused = world.olga.refused(*CANCEL, value)
    assert (refused["code"], refused["problem"]["currentStatus"]) == ("CONFLICT", "COMPLETED")
