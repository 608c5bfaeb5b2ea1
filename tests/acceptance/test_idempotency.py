"""Idempotency keys over HTTP: the same call is performed once, however often it is sent."""

import signal
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.processes import Caller, JsonObject
from tests.world import World

SUBMIT = ("controlPlaneIntentSubmit", "executionId intentId receivedAt")
REFUND = ("supportRefundIssue", "refundId status")
REPLY = ("supportCustomerReply", "replyId")


@pytest.fixture(scope="module")
def world(each_world: World) -> World:
    """Each test here holds on every database."""
    return each_world


def intent(text: str) -> JsonObject:
    return {"workspaceId": "acme", "text": text}


def order(amount: float) -> dict[str, Any]:
    return {"orderId": "o-1004", "amount": amount, "currency": "EUR"}


def paid(world: World, cents: int) -> int:
    effects = world.service.effects("refund")
    return sum(effect["payload"]["cents"] == cents for effect in effects)


def test_a_repeated_command_returns_its_first_answer(world: World) -> None:
    first = world.agent.mutate(*SUBMIT, intent("once"), key="intent-1")
    assert world.agent.mutate(*SUBMIT, intent("once"), key="intent-1") == first
    assert world.agent.mutate(*SUBMIT, intent("once"), key="intent-2") != first
    assert world.agent.mutate(*SUBMIT, intent("once")) != first


def test_a_repeated_action_has_one_effect(world: World) -> None:
    first = world.olga.mutate(*REFUND, order(9.01), key="refund-1")
    assert world.olga.mutate(*REFUND, order(9.01), key="refund-1") == first
    assert paid(world, 901) == 1


def test_another_input_under_the_same_key_is_a_conflict(world: World) -> None:
    world.agent.mutate(*SUBMIT, intent("first"), key="changed")
    refused = world.agent.refused(*SUBMIT, intent("second"), key="changed")
    assert (refused["code"], refused["http"]["status"]) == ("CONFLICT", 409)
    world.olga.mutate(*REFUND, order(9.02), key="changed")
    refused = world.olga.refused(*REFUND, order(9.03), key="changed")
    assert (refused["code"], refused["http"]["status"]) == ("CONFLICT", 409)
    assert paid(world, 903) == 0


def test_the_order_of_members_makes_no_other_input(world: World) -> None:
    first = world.olga.mutate(*REFUND, order(9.04), key="members")
    turned = dict(reversed(order(9.04).items()))
    assert world.olga.mutate(*REFUND, turned, key="members") == first
    assert paid(world, 904) == 1


def at_once(caller: Caller, call: tuple[str, str], value: JsonObject, key: str) -> list[JsonObject]:
    """Send the same call eight times at the same time."""
    with ThreadPoolExecutor(8) as threads:
        sent = [threads.submit(caller.mutate, *call, value, key) for _ in range(8)]
        return [one.result() for one in sent]


def test_calls_at_the_same_time_are_performed_once(world: World) -> None:
    submitted = at_once(world.agent, SUBMIT, intent("race"), "race")
    assert len({one["executionId"] for one in submitted}) == 1
    refunds = at_once(world.olga, REFUND, order(9.05), "race")
    assert len({one["refundId"] for one in refunds}) == 1
    assert paid(world, 905) == 1
    value = {"ticketId": "t-2", "body": "sent by eight threads"}
    at_once(world.olga, REPLY, value, "race")
    sent = [one["payload"]["body"] for one in world.service.effects("reply")]
    assert sent.count("sent by eight threads") == 1


def test_keys_belong_to_a_subject_and_a_contract(world: World) -> None:
    mine = world.agent.mutate(*SUBMIT, intent("mine"), key="shared")
    hers = world.olga.mutate(*SUBMIT, intent("hers"), key="shared")
    assert mine["executionId"] != hers["executionId"]
    elsewhere = world.gateway.caller("agent-7", "user", kind="agent", workspace="globex")
    value = {"workspaceId": "globex", "text": "mine"}
    assert elsewhere.mutate(*SUBMIT, value, key="shared")["executionId"] != mine["executionId"]
    assert world.olga.mutate(*REFUND, order(9.06), key="shared")["status"] == "PAID"


def test_a_refused_call_does_not_use_up_its_key(world: World) -> None:
    wrong = {"workspaceId": "elsewhere", "text": "x"}
    assert world.agent.refused(*SUBMIT, wrong, key="again")["code"] == "NOT_FOUND"
    world.agent.mutate(*SUBMIT, intent("right"), key="again")


def test_a_key_is_remembered_after_a_restart(own_world: World) -> None:
    submitted = own_world.agent.mutate(*SUBMIT, intent("before"), key="kept")
    refunded = own_world.olga.mutate(*REFUND, order(9.07), key="kept")
    own_world.gateway.stop(signal.SIGKILL)
    own_world.gateway.start()
    assert own_world.agent.mutate(*SUBMIT, intent("before"), key="kept") == submitted
    assert own_world.olga.mutate(*REFUND, order(9.07), key="kept") == refunded
    assert own_world.olga.refused(*REFUND, order(9.08), key="kept")["code"] == "CONFLICT"
    assert paid(own_world, 907) == 1
