"""The main job, end to end over HTTP: an agent's refund, stopped for a human, done exactly once."""

import pytest

from tests.world import World

LOOKUP = {"key": "order", "contract": "support.order.lookup", "input": {"orderId": "o-1001"}}
REFUND = {
    "key": "refund",
    "contract": "support.refund.issue",
    "input": {
        "orderId": {"$from": "order.orderId"},
        "amount": {"$from": "order.amount"},
        "currency": {"$from": "order.currency"},
        "customerEmail": {"$from": "order.customerEmail"},
    },
}
REPLY = {
    "key": "reply",
    "contract": "support.customer.reply",
    "dependsOn": ["refund"],
    "input": {"ticketId": "t-1", "body": "Your money is on its way."},
}
APPROVE = ("controlPlaneExecutionApprove", "executionId stepId status approvedAt")


@pytest.fixture(scope="module")
def world(each_world: World) -> World:
    """Each test here holds on every database."""
    return each_world


def test_a_refund_waits_for_a_human_and_happens_once(world: World) -> None:
    before = len(world.service.effects("refund"))
    planned = world.compile([LOOKUP, REFUND, REPLY])
    verified = world.verify(planned)
    assert verified["verdict"] == "ASSIST"
    assert verified["requiresApproval"] is True
    ids = {"executionId": planned["executionId"], "planId": planned["planId"]}
    started = world.olga.mutate("controlPlaneExecutionStart", "runId status", ids)
    assert started["status"] == "RUNNING"
    waiting = world.wait(planned["executionId"], "WAITING_APPROVAL")
    assert waiting["runId"] == started["runId"]
    assert len(world.service.effects("refund")) == before

    (asked,) = world.approvals(planned["executionId"])
    assert asked["contract"] == "support.refund.issue@1.0.0"
    assert asked["requestedBy"] == "agent-7"
    assert asked["arguments"]["amount"] == 250
    assert "alice@example.com" not in str(asked)
    value = {"executionId": planned["executionId"], "stepId": asked["stepId"]}
    refused = world.agent.refused(*APPROVE, {**value, "approvedBy": "agent-7"})
    assert refused["code"] == "FORBIDDEN"
    approved = world.fiona.mutate(*APPROVE, {**value, "approvedBy": "fiona", "note": "checked"})
    assert approved["status"] == "APPROVED"

    assert world.wait(planned["executionId"], "COMPLETED", "FAILED")["status"] == "COMPLETED"
    refunds = world.service.effects("refund")[before:]
    assert len(refunds) == 1
    again = world.fiona.refused(*APPROVE, {**value, "approvedBy": "fiona"})
    assert again["code"] == "CONFLICT"
    assert again["problem"]["currentStatus"] == "COMPLETED"


def test_the_trace_tells_the_story_without_pii(world: World) -> None:
    done = world.run([LOOKUP])
    world.wait(done["executionId"], "COMPLETED")
    entries = world.trace(done["executionId"], payloads=True)
    assert [entry["status"] for entry in entries] == [
        "intent.received",
        "plan.compiled",
        "plan.verified",
        "run.started",
        "step.dispatched",
        "step.completed",
        "run.ended",
    ]
    assert entries[0]["actorId"] == "agent-7"
    assert "alice@example.com" not in str(entries)
    assert "$sealed" not in str(entries)


def test_replay_finds_nothing_where_nothing_changed(world: World) -> None:
    done = world.run([LOOKUP])
    world.wait(done["executionId"], "COMPLETED")
    found = world.olga.query(
        "controlPlaneTraceReplay",
        "identical deterministicHash recomputedHash differences { kind path message }",
        {"executionId": done["executionId"]},
    )
    assert found["identical"] is True
    assert found["differences"] == []
    assert found["recomputedHash"] == found["deterministicHash"] == done["deterministicHash"]


def test_a_critical_action_is_blocked_for_an_agent(world: World) -> None:
    close = {
        "key": "close",
        "contract": "support.account.close",
        "input": {
            "accountId": "a-1",
            "customerEmail": "alice@example.com",
            "reason": "CUSTOMER_REQUEST",
        },
    }
    planned = world.compile([close])
    verified = world.verify(planned)
    assert verified["verdict"] == "BLOCKED"
    assert verified["blockedReasons"]
    ids = {"executionId": planned["executionId"], "planId": planned["planId"]}
    refused = world.olga.refused("controlPlaneExecutionStart", "runId", ids)
    assert refused["code"] == "CONFLICT"
    assert refused["problem"]["currentStatus"] == "BLOCKED"
