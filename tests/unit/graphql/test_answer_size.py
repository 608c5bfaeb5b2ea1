"""Answers that would be too large: they are left out, whichever transport they would go by."""

import asyncio
import json
import logging
from typing import Any

import pytest

from gateway.surfaces.graphql import Limits
from tests.unit.graphql.live import WATCH, Live, event, live
from tests.unit.graphql.support import FakeDoor, application, post
from tests.unit.graphql.test_streams import COMPLETE, stream

MOST = 500
LIMITS = Limits(answer_bytes=MOST)
ORDER = '{ shopOrderGet(input: {orderId: "7"}) { orderId } shopPing { done } }'
PLACED = (
    'mutation { shopOrderPlace(input: {items: [], email: "a@b.example"}) { orderId } '
    "shopReset { done } }"
)


def of_size(size: int) -> FakeDoor:
    """A door whose orders have an id of so many bytes."""
    order = {"orderId": "x" * size, "email": "a@b.example"}
    return FakeDoor({"shop.order.get": order, "shop.order.place": order})


def check_left_out(body: dict[str, Any]) -> None:
    assert body["data"] is None
    (error,) = body["errors"]
    problem = error["extensions"]["problem"]
    assert error["extensions"]["code"] == problem["code"] == "ANSWER_LIMIT_EXCEEDED"
    assert (problem["maximum"], problem["status"]) == (MOST, 422)
    assert problem["value"] > MOST
    assert "xxx" not in json.dumps(body)


def test_an_answer_may_be_as_large_as_allowed_and_no_larger() -> None:
    whole = len(post(application(of_size(0)), ORDER).content)
    fits = post(application(of_size(MOST - whole), limits=LIMITS), ORDER)
    assert len(fits.content) == MOST
    assert len(fits.json()["data"]["shopOrderGet"]["orderId"]) == MOST - whole

    larger = post(application(of_size(MOST - whole + 1), limits=LIMITS), ORDER)
    assert larger.status_code == 294
    check_left_out(larger.json())
    assert larger.json()["errors"][0]["extensions"]["problem"]["value"] == MOST + 1


def test_aliases_count_as_often_as_they_tell_a_value() -> None:
    door, many = of_size(100), " ".join(f"a{number}: orderId" for number in range(6))
    query = '{ shopOrderGet(input: {orderId: "7"}) { %s } }'
    assert "errors" not in post(application(door, limits=LIMITS), query % "a: orderId").json()
    check_left_out(post(application(door, limits=LIMITS), query % many).json())


def test_what_a_command_did_is_done_and_not_done_again() -> None:
    door = of_size(MOST)
    told = post(application(door, limits=LIMITS), PLACED).json()
    check_left_out(told)
    assert "was done" in told["errors"][0]["message"]
    assert [call["ref"] for call in door.calls] == ["shop.order.place@1.0.0", "shop.reset@1.0.0"]


def test_the_log_tells_the_code(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "gateway.operations"):
        post(application(of_size(MOST), limits=LIMITS), ORDER)
    (line,) = [record for record in caplog.records if record.message == "operation"]
    assert line.__dict__["fields"]["problem"] == "ANSWER_LIMIT_EXCEEDED"


def test_an_event_that_is_too_large_is_passed_over_and_the_stream_goes_on() -> None:
    async def story(server: Live) -> None:
        async with stream(server, WATCH) as events:
            await server.feed.has(1)
            server.feed.give(event(1, text="x" * MOST))
            server.feed.give(event(2, text="short"))
            first = await events.read()
            assert first["id"] == "1.0"
            check_left_out(json.loads(first["data"]))
            second = await events.data()
            assert second["data"]["controlPlaneEvents"]["payload"] == {"text": "short"}

    play(story)


def test_a_query_by_event_stream_is_left_out_too() -> None:
    async def story(server: Live) -> None:
        server.door.answers.update(of_size(MOST).answers)
        async with stream(server, ORDER) as events:
            check_left_out(await events.data())
            assert await events.read() == COMPLETE

    play(story)


def test_a_socket_tells_the_same_and_goes_on() -> None:
    async def story(server: Live) -> None:
        server.door.answers.update(of_size(MOST).answers)
        async with server.client() as client:
            await client.subscribe("a", ORDER)
            told = await client.read()
            assert (told["id"], told["type"]) == ("a", "next")
            check_left_out(told["payload"])
            assert await client.read() == {"id": "a", "type": "complete"}
            await client.subscribe("b", "{ shopPing { done } }")
            assert (await client.read())["payload"] == {"data": {"shopPing": {"done": True}}}

    play(story)


def play(story: Any) -> None:
    async def go() -> None:
        async with live(document_limits=LIMITS) as server:
            await story(server)

    asyncio.run(go())
