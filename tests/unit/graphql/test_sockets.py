"""Subscriptions, queries and mutations over graphql-transport-ws, as clients meet them."""

import asyncio
import logging
from typing import Any

import pytest
from websockets.asyncio.client import connect

from gateway.model.event import EventFilter
from gateway.model.problem import refuse
from tests.unit.graphql.live import Client, Live, event, eventually, run


def test_a_subscription_gets_events_in_order_until_it_is_completed() -> None:
    async def story(live: Live) -> None:
        async with live.client() as client:
            await client.subscribe("a")
            await live.feed.has(1)
            for number in (1, 2, 3):
                live.feed.give(event(number, step=number))
            for number in (1, 2, 3):
                expected = {
                    "cursor": f"{number}.0",
                    "type": "controlPlane.execution.started",
                    "payload": {"step": number},
                }
                assert await client.read() == {
                    "id": "a",
                    "type": "next",
                    "payload": {"data": {"controlPlaneEvents": expected}},
                }
            await client.send({"id": "a", "type": "complete"})
            await live.feed.has(0)
            await client.send({"type": "ping"})
            assert await client.read() == {"type": "pong"}

    run(story)


def test_the_feed_is_asked_with_principal_filter_and_cursor() -> None:
    async def story(live: Live) -> None:
        query = (
            "subscription ($which: ControlPlaneEventFilterInput, $after: String) "
            "{ controlPlaneEvents(filter: $which, after: $after) { id } }"
        )
        which = {"executionId": "e1", "runId": "r1", "workspaceId": "acme", "types": ["a.*", "b"]}
        async with live.client("olga") as client:
            await client.subscribe("1", query, variables={"which": which, "after": "7.0"})
            await client.subscribe("2", query)
            await live.feed.has(2)
        (first, second) = live.feed.asked
        assert first[0].subject == "olga"
        assert first[1:] == (EventFilter("e1", "r1", "acme", ("a.*", "b")), "7.0")
        assert second[1:] == (EventFilter(), None)

    run(story)


def test_operations_on_one_socket_do_not_disturb_each_other() -> None:
    async def story(live: Live) -> None:
        async with live.client() as client:
            await client.subscribe("a")
            await client.subscribe("b")
            await live.feed.has(2)
            live.feed.give(event(1))
            assert {(await client.read())["id"], (await client.read())["id"]} == {"a", "b"}
            await client.send({"id": "a", "type": "complete"})
            await live.feed.has(1)
            live.feed.give(event(2))
            assert (await client.read())["id"] == "b"

    run(story)


def test_queries_and_mutations_work_through_the_same_door() -> None:
    async def story(live: Live) -> None:
        async with live.client("ada") as client:
            await client.subscribe("q", "{ shopPing { done } }")
            assert await client.read() == {
                "id": "q", "type": "next", "payload": {"data": {"shopPing": {"done": True}}}
            }  # fmt: skip
            assert await client.read() == {"id": "q", "type": "complete"}
            await client.subscribe("m", 'mutation { shopReset(idempotencyKey: "k") { done } }')
            assert (await client.read())["type"] == "next"
            assert (await client.read())["type"] == "complete"
        assert [call["ref"] for call in live.door.calls] == ["shop.ping@1.0.0", "shop.reset@1.0.0"]
        assert live.door.calls[1]["idempotency_key"] == "k"
        assert live.door.calls[1]["principal"].subject == "ada"

    run(story)


def test_the_cost_is_told_to_whoever_asks() -> None:
    async def story(live: Live) -> None:
        async with live.client() as client:
            await client.subscribe("q", "{ shopPing { done } }", extensions={"cost": True})
            told = (await client.read())["payload"]
            assert told["extensions"] == {"cost": {"requested": 6, "maximum": 10_000}}
            await client.read()
            await client.subscribe("s", extensions={"cost": True})
            await live.feed.has(1)
            live.feed.give(event(1))
            told = (await client.read())["payload"]
            assert set(told["extensions"]) == {"cost"}

    run(story)


def test_the_trace_of_the_upgrade_request_is_that_of_its_operations() -> None:
    async def story(live: Live) -> None:
        trace = "0af7651916cd43dd8448eb211c80319c"
        async with live.raw(traceparent=f"00-{trace}-b7ad6b7169203331-01") as client:
            await client.send({"type": "connection_init"})
            await client.read()
            await client.subscribe("q", "{ shopPing { done } }")
            await client.read()
            await client.read()
            await client.subscribe("w", "{ nothing }")
            refused = (await client.read())["payload"][0]
        assert live.door.calls[0]["trace_id"] == trace
        assert refused["extensions"]["problem"]["traceId"] == trace

    run(story)


@pytest.mark.parametrize(
    ("payload", "headers", "subject"),
    [
        ({"authorization": "Bearer olga"}, {}, "olga"),
        ({"Authorization": "Bearer olga"}, {}, "olga"),
        ({"headers": {"Authorization": "Bearer olga"}}, {}, "olga"),
        ({"authorization": "Bearer olga", "headers": {"x": 1}}, {}, "olga"),
        ({}, {"Authorization": "Bearer hans"}, "hans"),
        (None, {"Authorization": "Bearer hans"}, "hans"),
        ({"authorization": "Bearer olga"}, {"Authorization": "Bearer hans"}, "olga"),
        ({}, {}, "anonymous"),
    ],
)
def test_who_subscribes_is_told_by_connection_init_or_the_upgrade(
    payload: Any, headers: dict[str, str], subject: str
) -> None:
    async def story(live: Live) -> None:
        async with live.raw(**headers) as client:
            await client.send({"type": "connection_init", "payload": payload})
            await client.read()
            await client.subscribe()
            await live.feed.has(1)
        assert live.feed.asked[0][0].subject == subject

    run(story)


def test_a_token_that_does_not_hold_closes_the_socket() -> None:
    async def story(live: Live) -> None:
        async with live.raw() as client:
            init = {"type": "connection_init", "payload": {"authorization": "Bearer wrong"}}
            await client.send(init)
            code, reason = await client.closed()
        assert (code, reason) == (4403, "Forbidden: The token does not hold. Get a new one.")
        await eventually(lambda: len(live.connections) == 0)

    run(story)


def test_a_socket_ends_with_its_token() -> None:
    async def story(live: Live) -> None:
        live.tokens.left["Bearer olga"] = asyncio.get_running_loop().time() + 1.5
        async with live.client("olga") as client:
            await client.subscribe()
            await live.feed.has(1)
            code, reason = await client.closed()
            assert (code, reason) == (4403, "Forbidden: The token has expired. Get a new one.")
        await live.feed.has(0)

    run(story)


def test_a_revoked_token_is_noticed_and_starts_nothing_meanwhile() -> None:
    async def story(live: Live) -> None:
        async with live.client("olga") as client:
            await client.subscribe("a")
            await live.feed.has(1)
            live.tokens.revoked.add("Bearer olga")
            await client.subscribe("b")
            refused = await client.read()
            assert (refused["id"], refused["type"]) == ("b", "error")
            assert refused["payload"][0]["extensions"]["code"] == "UNAUTHENTICATED"
            assert (await client.closed())[0] == 4403
        await live.feed.has(0)

    run(story, recheck_seconds=2)


def test_no_subprotocol_at_all_is_refused() -> None:
    async def story(live: Live) -> None:
        url = live.url.replace("http:", "ws:")
        async with connect(url, close_timeout=1, ping_interval=None) as socket:
            code, reason = await Client(socket).closed()
            assert (code, socket.subprotocol) == (4406, None)
            assert "graphql-transport-ws" in reason

    run(story)


@pytest.mark.parametrize("protocols", [("graphql-ws",), ("chat",)])
def test_another_subprotocol_is_refused(protocols: tuple[str, ...]) -> None:
    async def story(live: Live) -> None:
        async with live.raw(*protocols) as client:
            code, reason = await client.closed()
            assert code == 4406
            assert "graphql-transport-ws" in reason

    run(story)


def test_of_several_subprotocols_ours_is_chosen() -> None:
    async def story(live: Live) -> None:
        async with live.raw("graphql-ws", "graphql-transport-ws") as client:
            assert client.socket.subprotocol == "graphql-transport-ws"

    run(story)


def test_a_client_that_never_says_connection_init_is_closed() -> None:
    async def story(live: Live) -> None:
        async with live.raw() as client:
            await client.send({"type": "ping", "payload": {"n": 1}})
            assert await client.read() == {"type": "pong", "payload": {"n": 1}}
            assert await client.closed() == (4408, "Connection initialisation timeout")

    run(story, init_seconds=1)


def test_the_order_of_the_protocol_is_kept() -> None:
    async def early(client: Client) -> None:
        await client.subscribe()

    async def twice(client: Client) -> None:
        await client.send({"type": "connection_init"})
        await client.read()
        await client.send({"type": "connection_init"})

    async def same_id(client: Client) -> None:
        await client.send({"type": "connection_init"})
        await client.read()
        await client.subscribe("x")
        await client.subscribe("x")

    async def story(live: Live) -> None:
        for says, code in ((early, 4401), (twice, 4429), (same_id, 4409)):
            async with live.raw() as client:
                await says(client)
                assert (await client.closed())[0] == code
        await live.feed.has(0)

    run(story)


def test_an_id_may_be_used_again_once_its_operation_is_over() -> None:
    async def story(live: Live) -> None:
        async with live.client() as client:
            for _ in range(3):
                await client.subscribe("x", "{ shopPing { done } }")
                assert [(await client.read())["type"] for _ in range(2)] == ["next", "complete"]
            await client.subscribe("x")
            await live.feed.has(1)
            await client.send({"id": "x", "type": "complete"})
            await client.subscribe("x")
            await eventually(lambda: len(live.feed.asked) == 2)
            await live.feed.has(1)

    run(story)


DEEP = '{"type": "ping", "payload": {"a": ' + "[" * 20_000 + "]" * 20_000 + "}}"
HUGE = '{"type": "ping", "payload": {"a": ' + "9" * 20_000 + "}}"


@pytest.mark.parametrize(
    "message",
    [
        "",
        "hello",
        "[]",
        "1",
        "null",
        "true",
        '"ping"',
        "{}",
        "{",
        DEEP,
        HUGE,
        '{"type": "ping", "type": "pong"}',
        '{"type": "ping", "payload": NaN}',
        {"type": None},
        {"type": []},
        {"type": {"a": 1}},
        {"type": "PING"},
        {"type": "start", "id": "1", "payload": {"query": "{ a }"}},
        {"type": "next", "id": "1", "payload": {}},
        {"type": "connection_ack"},
        {"type": "ping", "payload": 1},
        {"type": "ping", "payload": []},
        {"type": "connection_init", "payload": "secret-word"},
        {"type": "subscribe"},
        {"type": "subscribe", "id": 1, "payload": {"query": "{ a }"}},
        {"type": "subscribe", "id": {}, "payload": {"query": "{ a }"}},
        {"type": "subscribe", "id": None, "payload": {"query": "{ a }"}},
        {"type": "subscribe", "id": "", "payload": {"query": "{ a }"}},
        {"type": "subscribe", "id": "i" * 257, "payload": {"query": "{ a }"}},
        {"type": "subscribe", "id": "1"},
        {"type": "subscribe", "id": "1", "payload": None},
        {"type": "subscribe", "id": "1", "payload": []},
        {"type": "subscribe", "id": "1", "payload": {"query": None}},
        {"type": "subscribe", "id": "1", "payload": {"query": 1}},
        {"type": "subscribe", "id": "1", "payload": {"query": "{ a }", "variables": []}},
        {"type": "subscribe", "id": "1", "payload": {"query": "{ a }", "operationName": 1}},
        {"type": "subscribe", "id": "1", "payload": {"query": "{ a }", "extensions": "x"}},
        {"type": "complete"},
        {"type": "complete", "id": 7},
        b'{"type": "ping"}',
        b"\xff\xfe",
    ],
)
def test_what_is_no_message_closes_the_socket_with_a_reason(
    message: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(live: Live) -> None:
        async with live.client() as client:
            await client.subscribe("s")
            await live.feed.has(1)
            await client.send(message)
            code, reason = await client.closed()
            assert code == 4400
            assert len(reason) > 10
            assert "secret-word" not in reason
        await live.feed.has(0)

    with caplog.at_level(logging.WARNING):
        run(story)
    assert caplog.records == []


@pytest.mark.parametrize(
    "payload",
    [
        {"authorization": 1},
        {"authorization": ["Bearer olga"]},
        {"headers": {"authorization": {}}},
        {"authorization": "Bearer olga", "Authorization": "Bearer hans"},
        {"authorization": "Bearer olga", "headers": {"Authorization": "Bearer hans"}},
    ],
)
def test_authorization_that_can_be_read_in_two_ways_is_refused(payload: Any) -> None:
    async def story(live: Live) -> None:
        async with live.raw() as client:
            await client.send({"type": "connection_init", "payload": payload})
            code, reason = await client.closed()
            assert code == 4400
            assert "authorization" in reason

    run(story)


def test_text_that_is_no_utf_8_closes_the_socket(caplog: pytest.LogCaptureFixture) -> None:
    async def story(live: Live) -> None:
        async with live.client() as client:
            await client.socket.send(b'{"type": "\xff\xfe"}', text=True)
            assert (await client.closed())[0] == 1007

    with caplog.at_level(logging.WARNING):
        run(story)
    assert caplog.records == []


def test_a_message_that_is_too_large_closes_the_socket() -> None:
    async def story(live: Live) -> None:
        for parts in (["x" * 70_000], ["x" * 40_000, "x" * 40_000]):
            async with live.client() as client:
                await client.socket.send(parts)
                assert (await client.closed())[0] == 1009

    run(story)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("subscription {", "GRAPHQL_PARSE_FAILED"),
        ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { __typename }", "GRAPHQL_VALIDATION_FAILED"),
        (
            "subscription { a: controlPlaneEvents { id } b: controlPlaneEvents { id } }",
            "GRAPHQL_VALIDATION_FAILED",
        ),
        ("subscription { controlPlaneEvents(after: 1) { id } }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription ($a: Int!) { controlPlaneEvents { id @skip(if: $a) } }",
         "GRAPHQL_VALIDATION_FAILED"),
        ("subscription ($a: String!) { controlPlaneEvents(after: $a) { id } }",
         "VALIDATION_FAILED"),
        ("query A { shopPing { done } } query B { shopPing { done } }",
         "OPERATION_RESOLUTION_FAILURE"),
        ("subscription { controlPlaneEvents { " + " ".join(f"a{n}: id" for n in range(40)) + " } }",
         "ALIAS_LIMIT_EXCEEDED"),
    ],
)  # fmt: skip
def test_a_wrong_document_ends_its_operation_and_leaves_the_socket(query: str, code: str) -> None:
    async def story(live: Live) -> None:
        async with live.client() as client:
            await client.subscribe("w", query)
            refused = await client.read()
            assert (refused["id"], refused["type"]) == ("w", "error")
            assert refused["payload"][0]["extensions"]["code"] == code
            await client.subscribe("w")
            await live.feed.has(1)

    run(story)


def test_a_problem_of_the_feed_ends_the_operation_with_it() -> None:
    async def story(live: Live) -> None:
        async with live.client() as client:
            await client.subscribe("w")
            await live.feed.has(1)
            live.feed.give(event(1))
            live.feed.give(refuse("PRECONDITION_FAILED", "The policy has changed."))
            assert (await client.read())["type"] == "next"
            refused = await client.read()
            assert refused["type"] == "error"
            assert refused["payload"][0]["message"] == "The policy has changed."
            assert refused["payload"][0]["extensions"]["code"] == "PRECONDITION_FAILED"
            await client.subscribe("w")
            await live.feed.has(1)
            live.feed.give(None)
            assert await client.read() == {"id": "w", "type": "complete"}

    run(story)


def test_a_failure_of_ours_tells_its_id_alone(caplog: pytest.LogCaptureFixture) -> None:
    async def story(live: Live) -> None:
        async with live.client() as client:
            await client.subscribe("w")
            await live.feed.has(1)
            live.feed.give(RuntimeError("secret-word"))
            refused = await client.read()
            assert refused["payload"][0]["extensions"]["code"] == "INTERNAL_ERROR"
            assert "secret-word" not in str(refused)
            await client.subscribe("w")
            await live.feed.has(1)
            live.feed.give({"cursor": "1.0", "type": "x"})  # no payload, which cannot be null
            broken = await client.read()
            assert broken["type"] == "next"
            assert broken["payload"]["errors"][0]["extensions"]["code"] == "INTERNAL_ERROR"

    run(story)
    assert "secret-word" not in caplog.text


def test_more_operations_than_allowed_are_refused_one_by_one() -> None:
    async def story(live: Live) -> None:
        async with live.client() as client:
            for number in range(4):
                await client.subscribe(str(number))
            refused = await client.read()
            assert (refused["id"], refused["type"]) == ("3", "error")
            assert refused["payload"][0]["extensions"]["code"] == "SOCKET_OPERATION_LIMIT_EXCEEDED"
            await client.send({"id": "0", "type": "complete"})
            await live.feed.has(2)
            await client.subscribe("3")
            await live.feed.has(3)

    run(story, operations=3)


@pytest.mark.parametrize("has_begun", [True, False])
def test_an_operation_takes_the_place_of_one_that_was_just_completed(has_begun: bool) -> None:
    async def story(live: Live) -> None:
        live.feed.seconds_to_end = 0.05
        async with live.client() as client:
            for number in range(3):
                await client.subscribe(str(number))
            if has_begun:
                await live.feed.has(3)
            for number in range(3):
                await client.send({"id": str(number), "type": "complete"})
            for number in range(3, 6):
                await client.subscribe(str(number))
            await client.send({"type": "ping"})
            assert await client.read() == {"type": "pong"}, "all of them were taken"
            await live.feed.has(3)
            live.feed.give(event(1))
            told = [await client.read() for _ in range(3)]
            assert sorted((one["id"], one["type"]) for one in told) == [
                (str(number), "next") for number in range(3, 6)
            ]

    run(story, operations=3)


def test_a_command_that_goes_on_keeps_its_place() -> None:
    async def story(live: Live) -> None:
        begun, go_on = asyncio.Event(), asyncio.Event()

        async def call(*_: Any, **__: Any) -> dict[str, Any]:
            begun.set()
            await go_on.wait()
            return {"done": True}

        live.door.call = call  # type: ignore[method-assign]  # a door that takes its time
        async with live.client() as client:
            await client.subscribe("m", "mutation { shopReset { done } }")
            await begun.wait()
            await client.send({"id": "m", "type": "complete"})
            await client.subscribe("n")
            refused = await client.read()
            assert (refused["id"], refused["type"]) == ("n", "error")
            go_on.set()

    run(story, operations=1)


def test_a_flood_of_messages_closes_the_socket() -> None:
    async def story(live: Live) -> None:
        async with live.client() as client:
            for _ in range(30):
                await client.send({"type": "pong"})
            code, reason = await client.closed()
            assert code == 4429
            assert "20 a second" in reason

    run(story, messages=20)


def test_a_command_that_has_begun_goes_on_when_nobody_waits_for_it_any_more() -> None:
    async def story(live: Live) -> None:
        begun, go_on, done = asyncio.Event(), asyncio.Event(), []

        async def call(*_: Any, **__: Any) -> dict[str, Any]:
            begun.set()
            await go_on.wait()
            done.append(True)
            return {"done": True}

        live.door.call = call  # type: ignore[method-assign]  # a door that takes its time
        async with live.client() as client:
            await client.subscribe("m", "mutation { shopReset { done } }")
            await begun.wait()
            await client.send({"id": "m", "type": "complete"})
            await client.send({"type": "ping"})
            assert await client.read() == {"type": "pong"}
            go_on.set()
            await client.send({"type": "ping"})
            assert await client.read() == {"type": "pong"}, "nothing is told of it"
            await eventually(lambda: done == [True])
            begun.clear(), go_on.clear()
            await client.subscribe("m", "mutation { shopReset { done } }")
            await begun.wait()
        go_on.set()
        await eventually(lambda: done == [True, True])
        await eventually(lambda: len(live.connections) == 0)

    run(story)
