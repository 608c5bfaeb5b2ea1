"""Compile and verify over HTTP: all that is wrong is said at once, a hash binds what is right."""

import json

from tests.acceptance.drafts import COMPILE, lookup, refund, reply
from tests.processes import JsonObject
from tests.world import World


def refused_draft(world: World, steps: list[JsonObject]) -> tuple[JsonObject, JsonObject]:
    """Submit an intent and compile a draft that is refused; returns the intent and the problem."""
    intent = world.submit()
    value = {"executionId": intent["executionId"], "intentId": intent["intentId"]}
    refused = world.agent.refused(*COMPILE, {**value, "draft": {"steps": steps}})
    assert refused["code"] == "VALIDATION_FAILED"
    assert refused["http"]["status"] == 422
    problem: JsonObject = refused["problem"]
    return intent, problem


def found(problem: JsonObject) -> set[tuple[str, str]]:
    return {(issue["path"], issue["code"]) for issue in problem["issues"]}


def test_everything_wrong_with_a_draft_is_told_at_once(world: World) -> None:
    steps = [
        {"key": "a", "contract": "support.no.such", "input": {}},
        {
            "key": "b",
            "contract": "support.order.lookup",
            "input": {"orderId": {"$from": "ghost.orderId"}, "colour": "red"},
        },
        {
            "key": "c",
            "contract": "support.refund.issue",
            "input": {
                "orderId": "o-1001",
                "amount": {"$from": "b.currency"},
                "customerEmail": {"$from": "b.nothing"},
            },
        },
        reply("x", key="d", dependsOn=["e"]),
        reply("y", key="e", dependsOn=["d", "nobody"]),
        {"key": "f", "contract": "controlPlane.execution.cancel", "input": {"executionId": "x"}},
        {"key": "g", "contract": "support.refund.issue@9.9.9", "input": {}},
        {"key": "h", "contract": "support.order.lookup", "input": {"orderId": ["o-1001"]}},
    ]
    _, problem = refused_draft(world, steps)
    at = "/input/draft/steps"
    assert {
        (f"{at}/0/contract", "UNKNOWN_CONTRACT"),
        (f"{at}/1/input/orderId", "UNKNOWN_STEP"),
        (f"{at}/1/input/colour", "UNKNOWN_FIELD"),
        (f"{at}/2/input/amount", "TYPE_MISMATCH"),
        (f"{at}/2/input/customerEmail", "UNKNOWN_FIELD"),
        (f"{at}/2/input/currency", "REQUIRED"),
        (f"{at}/3", "CYCLE"),
        (f"{at}/4", "CYCLE"),
        (f"{at}/4/dependsOn/1", "UNKNOWN_STEP"),
        (f"{at}/5/contract", "NOT_PLANNABLE"),
        (f"{at}/6/contract", "UNKNOWN_CONTRACT"),
    } <= found(problem)
    assert {path for path, _ in found(problem) if "/7/" in path} == {f"{at}/7/input/orderId"}
    assert all(issue["message"] for issue in problem["issues"])


def test_a_nullable_output_does_not_flow_into_a_required_input(world: World) -> None:
    ticket = {"key": "ticket", "contract": "support.ticket.read", "input": {"ticketId": "t-1"}}
    order = lookup()
    order["input"] = {"orderId": {"$from": "ticket.orderId"}}
    _, problem = refused_draft(world, [ticket, order])
    assert found(problem) == {("/input/draft/steps/1/input/orderId", "TYPE_MISMATCH")}


def test_a_draft_that_is_no_list_of_steps_is_refused(world: World) -> None:
    intent = world.submit()
    value = {"executionId": intent["executionId"], "intentId": intent["intentId"]}
    for draft, path in (
        ({}, "/input/draft/steps"),
        ({"steps": []}, "/input/draft/steps"),
        ({"steps": [7]}, "/input/draft/steps/0"),
        ({"steps": [lookup(), lookup()]}, "/input/draft/steps/1/key"),
        ({"steps": [lookup()], "more": 1}, "/input/draft/more"),
    ):
        refused = world.agent.refused(*COMPILE, {**value, "draft": draft})
        assert path in {issue["path"] for issue in refused["problem"]["issues"]}, draft


def test_a_rejected_draft_is_in_the_trace_and_changes_nothing(world: World) -> None:
    intent, _ = refused_draft(world, [lookup(contract="support.no.such")])
    entries = world.trace(intent["executionId"])
    assert [entry["status"] for entry in entries] == ["intent.received", "plan.rejected"]
    assert entries[1]["actorId"] == "agent-7"
    assert entries[1]["metadata"]["issues"][0]["code"] == "UNKNOWN_CONTRACT"
    assert world.execution(intent["executionId"])["status"] == "RECEIVED"


def test_without_a_draft_and_without_a_planner_a_precondition_fails(world: World) -> None:
    intent = world.submit()
    value = {"executionId": intent["executionId"], "intentId": intent["intentId"]}
    refused = world.agent.refused(*COMPILE, value)
    assert refused["code"] == "PRECONDITION_FAILED"
    assert refused["http"]["status"] == 412


def test_an_intent_of_another_execution_is_not_found(world: World) -> None:
    one, other = world.submit(), world.submit()
    value = {"executionId": one["executionId"], "intentId": other["intentId"]}
    refused = world.agent.refused(*COMPILE, {**value, "draft": {"steps": [lookup()]}})
    assert refused["code"] == "INTENT_NOT_FOUND"
    assert refused["http"]["status"] == 404


def test_the_hash_binds_the_meaning_of_a_draft_and_nothing_else(world: World) -> None:
    first = world.compile([lookup(), refund(10, dependsOn=["order"])])
    reordered = [
        {
            "dependsOn": ["order"],
            "input": {"currency": "EUR", "amount": 10, "orderId": "o-1004"},
            "contract": "support.refund.issue@1.0.0",
            "key": "refund",
        },
        {"input": {"orderId": "o-1001"}, "contract": "support.order.lookup", "key": "order"},
    ]
    assert world.compile(reordered)["deterministicHash"] == first["deterministicHash"]
    changed = world.compile([lookup(), refund(10.01, dependsOn=["order"])])
    assert changed["deterministicHash"] != first["deterministicHash"]
    unordered = world.compile([lookup(), refund(10)])
    assert unordered["deterministicHash"] != first["deterministicHash"]


def test_a_contract_may_be_named_with_its_version(world: World) -> None:
    planned = world.compile([lookup(contract="support.order.lookup@1.0.0")])
    (step,) = world.plan(planned["executionId"])["steps"]
    assert step["contract"] == "support.order.lookup@1.0.0"
    assert step["status"] == "PLANNED"


def test_compiling_again_replaces_the_plan_and_its_verdict(world: World) -> None:
    planned = world.compile([lookup()])
    world.verify(planned)
    value = {"executionId": planned["executionId"], "intentId": planned["intentId"]}
    again = world.agent.mutate(*COMPILE, {**value, "draft": {"steps": [refund(250)]}})
    now = world.execution(planned["executionId"])
    assert now["status"] == "COMPILED"
    assert now["planId"] == again["planId"]
    old = world.olga.refused(
        "controlPlaneExecutionStart",
        "runId",
        {"executionId": planned["executionId"], "planId": planned["planId"]},
    )
    assert old["code"] == "CONFLICT"


def test_pii_may_not_flow_into_an_input_that_does_not_declare_it(world: World) -> None:
    leak = {
        "key": "leak",
        "contract": "support.customer.reply",
        "input": {"ticketId": {"$from": "order.customerName"}, "body": "hello"},
    }
    verdict = world.verify(world.compile([lookup(), leak]))
    assert verdict["verdict"] == "BLOCKED"
    (reason,) = [told for told in verdict["blockedReasons"] if "PII would leak" in told]
    assert "customerName" in reason
    assert "ticketId" in reason
    fine = reply("hello")
    fine["input"]["customerEmail"] = {"$from": "order.customerEmail"}
    assert world.verify(world.compile([lookup(), fine]))["verdict"] == "AUTONOMOUS"


def test_a_huge_faulty_draft_gets_a_bounded_answer(world: World) -> None:
    keys = [f"step_{number:04}_{'x' * 40}" for number in range(500)]
    ring = [
        {"key": key, "contract": "support.order.lookup", "input": {"orderId": "o-1001"},
         "dependsOn": [keys[(place + 1) % 500]]}
        for place, key in enumerate(keys)
    ]  # fmt: skip
    _, told = refused_draft(world, ring)
    assert len(told["issues"]) == 100
    assert len(json.dumps(told)) < 200_000


def test_the_gateways_own_keys_cannot_be_planted(world: World) -> None:
    value = {"workspaceId": "acme", "text": "x", "metadata": {"a": [{"$sealed": [1]}]}}
    told = world.agent.refused("controlPlaneIntentSubmit", "executionId", value)
    assert told["code"] == "VALIDATION_FAILED"
    assert "$sealed" in told["problem"]["issues"][0]["message"]
