"""Direct calls of actions over HTTP: the same rules as for any plan."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.acceptance.drafts import approve
from tests.processes import Caller, stop
from tests.world import World

REFUND = ("supportRefundIssue", "refundId status")
TICKET = ("supportTicketRead", "ticketId subject body customerName customerEmail status")


@pytest.fixture(scope="module")
def world(each_world: World) -> World:
    """Each test here holds on every database."""
    return each_world


def order(amount: float) -> dict[str, Any]:
    return {"orderId": "o-1004", "amount": amount, "currency": "EUR"}


def cents(world: World) -> list[int]:
    return [effect["payload"]["cents"] for effect in world.service.effects("refund")]


@pytest.fixture
def ulla(world: World) -> Caller:
    return world.gateway.caller("ulla", "user")


def test_a_query_masks_pii_for_a_user(world: World, ulla: Caller) -> None:
    found = ulla.query(*TICKET, {"ticketId": "t-1"})
    assert found["subject"] == "Refund"
    assert found["customerEmail"] == "a•••@•••"
    assert found["customerName"] == "A•••"
    assert found["body"] == "T•••"


def test_a_query_shows_pii_to_people_who_may_read_it(world: World) -> None:
    rita = world.gateway.caller("rita", "user", "pii.reader")
    found = rita.query(*TICKET, {"ticketId": "t-1"})
    assert found["customerEmail"] == "alice@example.com"
    assert found["customerName"] == "Alice Martin"
    robot = world.gateway.caller("robot", "user", "pii.reader", kind="agent")
    assert robot.query(*TICKET, {"ticketId": "t-1"})["customerEmail"] == "a•••@•••"


def test_a_small_refund_answers_with_its_output(world: World, ulla: Caller) -> None:
    done = ulla.mutate(*REFUND, order(8.01))
    assert done["status"] == "PAID"
    assert cents(world).count(801) == 1
    found = ulla.query(
        "controlPlaneExecutionMine", "items { executionId status steps { contract output } }", {}
    )["items"][0]
    assert found["status"] == "COMPLETED"
    assert found["steps"][0]["contract"] == "support.refund.issue@1.0.0"
    assert found["steps"][0]["output"]["refundId"] == done["refundId"]


def test_a_large_refund_asks_for_approval_and_then_completes(world: World, ulla: Caller) -> None:
    refused = ulla.refused(*REFUND, order(208.01), key="large-refund")
    assert refused["code"] == "APPROVAL_REQUIRED"
    assert refused["http"]["status"] == 403
    asked = refused["problem"]
    again = ulla.refused(*REFUND, order(208.01), key="large-refund")
    assert again["problem"]["executionId"] == asked["executionId"]
    assert 20801 not in cents(world)
    approve(world.fiona, "fiona", asked)
    assert world.wait(asked["executionId"], "COMPLETED", "FAILED")["status"] == "COMPLETED"
    assert cents(world).count(20801) == 1
    done = ulla.mutate(*REFUND, order(208.01), key="large-refund")
    assert done["status"] == "PAID"
    assert cents(world).count(20801) == 1


def test_a_direct_call_is_not_approved_by_its_caller(world: World) -> None:
    arno = world.gateway.caller("arno", "user", "approver")
    asked = arno.refused(*REFUND, order(209))["problem"]
    value = {"executionId": asked["executionId"], "stepId": asked["stepId"], "approvedBy": "arno"}
    refused = arno.refused("controlPlaneExecutionApprove", "status", value)
    assert refused["code"] == "FORBIDDEN"


def test_a_blocked_call_is_forbidden_and_does_nothing(world: World) -> None:
    before = world.service.effects()
    robot = world.gateway.caller("robot", "user", kind="agent")
    refused = robot.refused(*REFUND, order(20_000))
    assert refused["code"] == "FORBIDDEN"
    assert refused["http"]["status"] == 403
    assert world.execution(refused["problem"]["executionId"])["status"] == "BLOCKED"
    close = {"accountId": "c-1", "customerEmail": "alice@example.com", "reason": "ABUSE"}
    assert robot.refused("supportAccountClose", "status", close)["code"] == "FORBIDDEN"
    assert world.service.effects() == before


def test_a_declared_error_is_the_code_of_the_answer(world: World, ulla: Caller) -> None:
    asked = ulla.refused("supportOrderLookup", "amount", {"orderId": "o-none"}, kind="query")
    assert (asked["code"], asked["http"]["status"]) == ("ORDER_NOT_FOUND", 404)
    paid = ulla.refused(*REFUND, {**order(1), "orderId": "o-none"})
    assert (paid["code"], paid["http"]["status"]) == ("ORDER_NOT_FOUND", 404)
    wrong = ulla.refused(*REFUND, {**order(1), "currency": "USD"})
    assert (wrong["code"], wrong["http"]["status"]) == ("CURRENCY_MISMATCH", 422)
    assert wrong["problem"]["operation"]["key"] == "support.refund.issue"


def test_an_invalid_input_is_refused_before_anything_happens(world: World, ulla: Caller) -> None:
    before = world.service.effects()
    refused = ulla.refused(*REFUND, {**order(1), "currency": "gold", "customerEmail": "nobody"})
    assert refused["code"] == "VALIDATION_FAILED"
    paths = {issue["path"] for issue in refused["problem"]["issues"]}
    assert paths == {"/input/currency", "/input/customerEmail"}
    assert world.service.effects() == before


def test_a_call_waits_through_the_back_off_of_its_step(world: World, ulla: Caller) -> None:
    world.service.fault("/orders/*/refunds", "cut", after_effect=True)
    done = ulla.mutate(*REFUND, order(8.02))
    assert done["status"] == "PAID"
    assert cents(world).count(802) == 1


def test_a_call_of_unknown_outcome_says_so_and_repeats_nothing(world: World, ulla: Caller) -> None:
    world.service.fault("/tickets/*/replies", "cut", after_effect=True)
    value = {"ticketId": "t-1", "body": "direct and lost"}
    for _ in range(2):
        refused = ulla.refused("supportCustomerReply", "replyId", value, key="lost-reply")
        assert refused["code"] == "OUTCOME_UNKNOWN"
    assert world.execution(refused["problem"]["executionId"])["status"] == "UNRESOLVED"
    sent = [one["payload"]["body"] for one in world.service.effects("reply")]
    assert sent.count("direct and lost") == 1


def test_a_call_to_a_service_that_is_away_completes_when_it_is_back(own_world: World) -> None:
    assert own_world.service.process is not None
    stop(own_world.service.process)
    uma = own_world.gateway.caller("uma", "user")
    with ThreadPoolExecutor(1) as thread:
        call = thread.submit(uma.mutate, *REFUND, order(8.03), key="away")
        own_world.service.start()
        assert call.result()["status"] == "PAID"
    assert cents(own_world) == [803]
