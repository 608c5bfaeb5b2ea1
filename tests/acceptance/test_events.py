"""controlPlane.event.list over HTTP: what happened, page by page, for whoever may know."""

import pytest

from tests.acceptance.drafts import approve, lookup, refund, waiting
from tests.processes import Caller, JsonObject
from tests.world import World

LIST = "controlPlaneEventList"
SELECTION = (
    "cursor items { cursor id type version occurredAt workspaceId executionId runId payload }"
)


@pytest.fixture(scope="module")
def world(each_world: World) -> World:
    """Each test here holds on every database."""
    return each_world


def page(who: Caller, **value: object) -> JsonObject:
    return who.query(LIST, SELECTION, value)


def everything(who: Caller, limit: int = 200, **chosen: object) -> list[JsonObject]:
    """Every page, until the cursor stands still."""
    items: list[JsonObject] = []
    after: JsonObject = {}
    while True:
        found = page(who, filter=chosen, limit=limit, **after)
        items += found["items"]
        if found["cursor"] == after.get("after"):
            return items
        after = {"after": found["cursor"]}


def types(items: list[JsonObject]) -> list[str]:
    return [item["type"].removeprefix("controlPlane.") for item in items]


def refused(who: Caller, **value: object) -> JsonObject:
    """The problem of a call that must be refused."""
    problem: JsonObject = who.refused(LIST, SELECTION, value, kind="query")["problem"]
    return problem


def test_a_run_is_told_from_its_intent_to_its_end(world: World) -> None:
    started = world.run([lookup(), refund(31.07, dependsOn=["order"])])
    execution_id, run_id = started["executionId"], started["runId"]
    world.wait(execution_id, "COMPLETED")

    items = everything(world.olga, executionId=execution_id)

    assert types(items) == [
        "intent.received",
        "plan.compiled",
        *("execution.step.started", "execution.step.completed"),
        *("execution.step.started", "execution.step.completed", "support.refund.issued"),
        "execution.completed",
    ]
    assert {item["executionId"] for item in items} == {execution_id}
    assert {item["workspaceId"] for item in items} == {"acme"}
    assert [item["runId"] for item in items] == [None, None, *[run_id] * 6]
    assert items[0]["payload"] == {
        "executionId": execution_id,
        "intentId": started["intentId"],
        "receivedAt": items[0]["occurredAt"],
        "actorId": "agent-7",
    }
    assert items[-1]["payload"]["outcome"] == "completed"
    assert items[-2]["payload"]["amount"] == 31.07
    assert len({item["id"] for item in items}) == len(items)


def test_what_waits_for_an_approval_and_goes_on_is_told(world: World) -> None:
    run = waiting(world)
    (asked,) = world.approvals(run["executionId"])

    blocked = everything(world.olga, executionId=run["executionId"])[-1]
    assert types([blocked]) == ["execution.step.blocked"]
    assert blocked["payload"]["reason"] == asked["reason"]
    assert blocked["payload"]["stepId"] == run["stepId"]

    approve(world.fiona, "fiona", run)
    world.wait(run["executionId"], "COMPLETED")
    assert types(everything(world.olga, runId=run["runId"])) == [
        *("execution.step.blocked", "execution.step.started", "execution.step.completed"),
        *("support.refund.issued", "execution.completed"),
    ]


def test_a_blocked_direct_call_is_told_without_a_run(world: World) -> None:
    closing = {"accountId": "a-1", "customerEmail": "ada@example.com", "reason": "ABUSE"}
    problem = world.agent.refused("supportAccountClose", "status", closing)
    assert problem["code"] == "FORBIDDEN"
    items = everything(world.olga, executionId=problem["problem"]["executionId"])
    assert types(items) == [
        "intent.received",
        "plan.compiled",
        "plan.rejected",
        "execution.step.blocked",
        "execution.failed",
    ]
    assert {item["runId"] for item in items} == {None}
    assert items[-1]["payload"]["errorCode"] == "FORBIDDEN"


def test_pages_join_without_a_gap_or_a_repeat(world: World) -> None:
    for _ in range(3):
        started = world.run([lookup()])
        world.wait(started["executionId"], "COMPLETED")
    whole = everything(world.olga)
    assert everything(world.olga, limit=7) == whole
    middle = whole[len(whole) // 2]
    rest = page(world.olga, after=middle["cursor"], limit=200)["items"]
    assert rest == whole[len(whole) // 2 + 1 :]


def test_types_narrow(world: World) -> None:
    started = world.run([lookup()])
    world.wait(started["executionId"], "COMPLETED")
    found = everything(
        world.olga,
        executionId=started["executionId"],
        types=["controlPlane.plan.*", "controlPlane.execution.completed"],
    )
    assert types(found) == ["plan.compiled", "execution.completed"]


def test_only_those_who_may_list_do(world: World) -> None:
    assert refused(world.agent)["code"] == "FORBIDDEN"
    assert refused(world.gateway.anonymous())["code"] == "UNAUTHENTICATED"


def test_another_workspace_sees_nothing_of_this_one(world: World) -> None:
    execution_id = world.submit()["executionId"]
    eve = world.gateway.caller("eve", "admin", workspace="other")
    assert everything(eve) == []
    for chosen in ({"executionId": execution_id}, {"workspaceId": "acme"}):
        assert refused(eve, filter=chosen)["code"] == "NOT_FOUND"


@pytest.mark.parametrize("after", ["x", "-1", "999999999"])
def test_a_cursor_that_is_none_is_refused(world: World, after: str) -> None:
    problem = refused(world.olga, after=after)
    assert problem["code"] == "VALIDATION_FAILED"
    assert [issue["path"] for issue in problem["issues"]] == ["/input/after"]


def test_a_malformed_request_is_refused_with_every_fault(world: World) -> None:
    chosen = {"types": ["controlPlane.intent.recieved", "support.*"]}
    problem = refused(world.olga, filter=chosen, after="?")
    assert problem["code"] == "VALIDATION_FAILED"
    assert [issue["path"] for issue in problem["issues"]] == [
        *("/input/filter/types/0", "/input/after")
    ]
    assert refused(world.olga, limit=0)["issues"][0]["path"] == "/input/limit"
