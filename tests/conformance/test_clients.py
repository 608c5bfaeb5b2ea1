"""The official clients of graphql-transport-ws and graphql-sse against a real gateway."""

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.drafts import lookup, reply
from tests.conformance.clients import Heard, client
from tests.world import World, end_world, make_world

JsonObject = dict[str, Any]
FOLLOW = (
    "subscription Follow($filter: ControlPlaneEventFilterInput, $after: String) "
    "{ controlPlaneEvents(filter: $filter, after: $after) "
    "{ cursor id type executionId runId payload } }"
)
STORY = [
    "controlPlane.intent.received",
    "controlPlane.plan.compiled",
    "controlPlane.execution.step.started",
    "controlPlane.execution.step.completed",
    "controlPlane.execution.step.started",
    "controlPlane.execution.step.completed",
    "controlPlane.execution.completed",
]
"""What is announced of a run of two steps, one after the other."""


def now(world: World) -> str:
    """The cursor of the last event there is."""
    cursor = ""
    while True:
        page = world.olga.query("controlPlaneEventList", "cursor", {"after": cursor or None})
        if page["cursor"] in (None, cursor):
            return cursor
        cursor = page["cursor"]


def play(world: World) -> str:
    """A run of two steps to its end; gives its execution."""
    steps = [lookup(), reply("Hello", dependsOn=["order"])]
    execution: str = world.run(steps)["executionId"]
    world.wait(execution, "COMPLETED")
    return execution


def following(world: World, **variables: Any) -> JsonObject:
    """What to ask a client that follows the events of olga's workspace."""
    return {"query": FOLLOW, "variables": variables}


def over_socket(world: World, *operations: JsonObject, **more: Any) -> Any:
    given = {"token": world.olga.token, **more}
    return client("sockets.mjs", url=f"{world.gateway.url}/graphql", operations=operations, **given)


def over_stream(world: World, operation: JsonObject, **more: Any) -> Any:
    given = {"token": world.olga.token, **more}
    return client("streams.mjs", url=f"{world.gateway.url}/graphql", operation=operation, **given)


TRANSPORTS = pytest.mark.parametrize("over", [over_socket, over_stream])
Over = Callable[..., Any]


@TRANSPORTS
def test_the_events_of_a_run_come_in_order_and_go_on_from_any_cursor(
    world: World, over: Over
) -> None:
    with over(world, following(world, after=now(world))) as heard:
        execution = play(world)
        events = heard.events(len(STORY))
    assert [event["type"] for event in events] == STORY
    assert {event["executionId"] for event in events} == {execution}
    for seen in range(len(STORY)):
        with over(world, following(world, after=events[seen]["cursor"])) as resumed:
            rest = resumed.events(len(STORY) - seen - 1)
        assert rest == events[seen + 1 :]


@TRANSPORTS
def test_a_subscription_without_a_cursor_begins_now(world: World, over: Over) -> None:
    before = play(world)
    with over(world, following(world, filter={"types": ["controlPlane.intent.*"]})) as heard:
        heard.wait(lambda _: bool(heard.told("connected")))
        while not heard.told("next"):
            world.submit()
        events = heard.events(1)
    assert {event["type"] for event in events} == {"controlPlane.intent.received"}
    assert before not in {event["executionId"] for event in events}


def test_last_event_id_resumes_a_stream(world: World) -> None:
    with over_stream(world, following(world, after=now(world))) as heard:
        play(world)
        events = heard.events(len(STORY))
    last = {"last-event-id": events[2]["cursor"]}
    with over_stream(world, following(world), headers=last) as resumed:
        assert resumed.events(len(STORY) - 3) == events[3:]


def test_two_operations_share_a_socket_each_with_its_filter(world: World) -> None:
    after, types = now(world), ["controlPlane.execution.step.*"]
    both = [following(world, after=after), following(world, after=after, filter={"types": types})]
    query = {"query": "{ __typename }"}
    with over_socket(world, *both, query, keepAlive=100) as heard:
        play(world)
        assert [event["type"] for event in heard.events(len(STORY), 0)] == STORY
        assert [event["type"] for event in heard.events(4, 1)] == STORY[2:6]
        heard.wait(lambda _: bool(heard.told("pong")))
        assert heard.told("next", 2) == [{"data": {"__typename": "Query"}}]
        assert heard.told("complete", 2) == [True]
        assert len(heard.told("connected")) == 1


def test_a_query_is_a_stream_of_one(world: World) -> None:
    with over_stream(world, {"query": "{ __typename }"}) as heard:
        heard.end()
        assert heard.told("next") == [{"data": {"__typename": "Query"}}]
        assert heard.told("complete") == [True]


def codes(heard: Heard) -> list[str]:
    """The codes of the errors that a client was told."""
    heard.end()
    entries = [entry for told in heard.told("error") for entry in told]
    entries += [entry for told in heard.told("next") for entry in told.get("errors", [])]
    return [entry["extensions"]["code"] for entry in entries]


@TRANSPORTS
@pytest.mark.parametrize(
    ("operation", "code"),
    [
        ({"query": "subscription {"}, "GRAPHQL_PARSE_FAILED"),
        ({"query": "subscription { nothing }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": FOLLOW, "variables": {"after": 7}}, "VALIDATION_FAILED"),
        ({"query": FOLLOW, "variables": {"after": "not a cursor"}}, "VALIDATION_FAILED"),
        ({"query": FOLLOW, "variables": {"filter": {"executionId": "none"}}}, "NOT_FOUND"),
    ],
)
def test_a_wrong_operation_is_told_with_its_code(
    world: World, over: Over, operation: JsonObject, code: str
) -> None:
    with over(world, operation) as heard:
        assert codes(heard) == [code]


@TRANSPORTS
def test_who_may_not_list_events_may_not_follow_them(world: World, over: Over) -> None:
    stranger = world.gateway.token("stan", "stranger")
    with over(world, following(world), token=stranger) as heard:
        assert codes(heard) == ["FORBIDDEN"]
    with over(world, following(world), token=None) as heard:
        assert codes(heard) == ["UNAUTHENTICATED"]


def test_a_token_that_does_not_hold_is_refused(world: World) -> None:
    with over_socket(world, following(world), token="rubbish") as heard:
        heard.end()
        assert heard.told("closed") == [4403]
        assert heard.told("reason")[0].startswith("Forbidden: ")
        assert heard.told("connected") == []
    with over_stream(world, following(world), token="rubbish") as heard:
        heard.end()
        assert heard.told("status") == [401]


def test_a_stopping_server_ends_every_subscription_at_once(tmp_path: Path) -> None:
    world = make_world(tmp_path)
    try:
        start = following(world, after=now(world))
        with over_socket(world, start) as socket, over_stream(world, start) as stream:
            world.submit()
            socket.events(1)
            stream.events(1)
            assert world.gateway.stop(signal.SIGTERM) == 0
            socket.end()
            assert socket.told("closed") == [1001]
            assert codes(stream) == ["SERVICE_UNAVAILABLE"]
            assert stream.told("complete") == [True]
    finally:
        end_world(world)
