"""Subscriptions as server-sent events: the distinct connections mode of graphql-sse."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from gateway.model.problem import refuse
from gateway.surfaces.graphql.http.endpoint import GraphQLEndpoint
from tests.unit.graphql.live import TRUSTED, WATCH, Live, event, eventually, run
from tests.unit.graphql.support import application, post

ACCEPT = {"accept": "text/event-stream"}
OLGA = {**ACCEPT, "authorization": "Bearer olga"}
COMPLETE = {"event": "complete", "data": ""}
EVERYTHING = (
    "application/graphql-response+json, application/json, text/event-stream, multipart/mixed"
)
"""What some clients accept, whatever they ask."""


@dataclass
class Stream:
    """An event stream that is read."""

    response: httpx.Response
    lines: AsyncIterator[str]

    async def read(self) -> dict[str, str]:
        """The next message, without comments."""
        message: dict[str, str] = {}
        async with asyncio.timeout(25):
            async for line in self.lines:
                if not line and message:
                    return message
                name, _, value = line.partition(":")
                if name:
                    message[name] = value.removeprefix(" ")
        raise AssertionError("the stream ended")

    async def data(self) -> Any:
        message = await self.read()
        assert message["event"] == "next"
        return json.loads(message["data"])


@contextlib.asynccontextmanager
async def stream(
    live: Live,
    query: str = WATCH,
    method: str = "POST",
    headers: dict[str, str] = OLGA,
    **more: Any,
) -> AsyncIterator[Stream]:
    """Ask for a stream."""
    given = {"query": query, **more}
    body = {"json": given} if method == "POST" else {"params": given}
    async with (
        httpx.AsyncClient(verify=TRUSTED) as client,
        client.stream(method, live.url, headers=headers, **body) as response,
    ):
        yield Stream(response, response.aiter_lines())


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_a_subscription_is_a_stream_of_next_events(method: str) -> None:
    async def story(live: Live) -> None:
        async with stream(live, method=method) as events:
            assert events.response.status_code == 200
            headers = events.response.headers
            assert headers["content-type"] == "text/event-stream; charset=utf-8"
            assert headers["cache-control"] == "no-store"
            await live.feed.has(1)
            for number in (1, 2):
                live.feed.give(event(number, text="line\nbreak"))
            for number in (1, 2):
                message = await events.read()
                assert message["id"] == f"{number}.0"
                found = json.loads(message["data"])["data"]["controlPlaneEvents"]
                assert found["payload"] == {"text": "line\nbreak"}
            live.feed.give(None)
            assert await events.read() == COMPLETE
        await live.feed.has(0)

    run(story)


def test_the_cursor_is_the_id_even_where_nobody_selects_it() -> None:
    async def story(live: Live) -> None:
        async with stream(live, "subscription { controlPlaneEvents { cursor: type } }") as events:
            await live.feed.has(1)
            live.feed.give(event(7))
            assert (await events.read())["id"] == "7.0"

    run(story)


@pytest.mark.parametrize(
    ("arguments", "last", "after"),
    [("", None, None), ("", "5.0", "5.0"), ("", "", None), ('(after: "3.0")', None, "3.0"),
     ('(after: "3.0")', "5.0", "3.0"), ("(after: null)", "5.0", "5.0")],
)  # fmt: skip
def test_last_event_id_resumes_a_request_without_a_cursor_of_its_own(
    arguments: str, last: str | None, after: str | None
) -> None:
    async def story(live: Live) -> None:
        headers = OLGA if last is None else {**OLGA, "last-event-id": last}
        query = f"subscription {{ controlPlaneEvents{arguments} {{ id }} }}"
        async with stream(live, query, headers=headers):
            await live.feed.has(1)
        assert live.feed.asked[0][0].subject == "olga"
        assert live.feed.asked[0][2] == after

    run(story)


def test_a_client_that_hangs_up_frees_its_subscription() -> None:
    async def story(live: Live) -> None:
        async with stream(live):
            await live.feed.has(1)
        await live.feed.has(0)
        await eventually(lambda: len(live.connections) == 0)

    run(story)


def test_comments_keep_an_idle_stream_alive() -> None:
    async def story(live: Live) -> None:
        async with stream(live) as events:
            comments = 0
            async with asyncio.timeout(25):
                async for line in events.lines:
                    comments += line == ":"
                    if comments == 4:
                        break

    run(story, heartbeat_seconds=0.05)


def test_a_problem_while_running_is_told_before_the_end() -> None:
    async def story(live: Live) -> None:
        async with stream(live) as events:
            await live.feed.has(1)
            live.feed.give(refuse("PRECONDITION_FAILED", "The policy has changed."))
            (error,) = (await events.data())["errors"]
            assert error["extensions"]["code"] == "PRECONDITION_FAILED"
            assert await events.read() == COMPLETE
        async with stream(live) as events:
            await live.feed.has(1)
            live.feed.give(RuntimeError("secret-word"))
            (error,) = (await events.data())["errors"]
            assert error["extensions"]["code"] == "INTERNAL_ERROR"
            assert "secret-word" not in str(error)
            assert await events.read() == COMPLETE

    run(story)


def test_a_stream_ends_with_its_token() -> None:
    async def story(live: Live) -> None:
        live.tokens.left["Bearer olga"] = asyncio.get_running_loop().time() + 1.5
        async with stream(live) as events:
            await live.feed.has(1)
            (error,) = (await events.data())["errors"]
            assert error["extensions"]["code"] == "UNAUTHENTICATED"
            assert error["message"] == "The token has expired. Get a new one."
            assert await events.read() == COMPLETE
        await live.feed.has(0)

    run(story)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("subscription {", "GRAPHQL_PARSE_FAILED"),
        ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("query A { shopPing { done } } query B { shopPing { done } }",
         "OPERATION_RESOLUTION_FAILURE"),
        ("subscription ($a: String!) { controlPlaneEvents(after: $a) { id } }",
         "VALIDATION_FAILED"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_the_operation_is_told_on_the_stream(query: str, code: str) -> None:
    async def story(live: Live) -> None:
        async with stream(live, query) as events:
            assert events.response.status_code == 200
            (error,) = (await events.data())["errors"]
            assert error["extensions"]["code"] == code
            assert await events.read() == COMPLETE

    run(story)


def test_a_query_or_mutation_is_a_stream_of_one() -> None:
    async def story(live: Live) -> None:
        for query in ("{ shopPing { done } }", "mutation { shopReset { done } }"):
            async with stream(live, query) as events:
                assert list((await events.data())["data"].values()) == [{"done": True}]
                assert await events.read() == COMPLETE

    run(story)


@pytest.mark.parametrize(
    ("method", "headers", "given", "status"),
    [
        ("POST", {**ACCEPT, "authorization": "Bearer wrong"}, {"query": WATCH}, 401),
        ("POST", {"accept": "application/json"}, {"query": WATCH}, 406),
        ("POST", {"accept": "*/*"}, {"query": WATCH}, 406),
        ("POST", {"accept": "text/event-stream;q=0, text/plain"}, {"query": WATCH}, 406),
        ("POST", OLGA, {"query": 1}, 422),
        ("POST", OLGA, [{"query": WATCH}], 422),
        ("PUT", OLGA, {"query": WATCH}, 405),
        ("GET", ACCEPT, {"query": WATCH}, 400),
        ("GET", OLGA, {"query": "mutation { shopReset { done } }"}, 405),
        ("GET", {**ACCEPT, "graphql-require-preflight": "1"}, {"query": ""}, 200),
    ],
)
def test_a_request_that_cannot_start_is_refused_by_its_status(
    method: str, headers: dict[str, str], given: Any, status: int
) -> None:
    async def story(live: Live) -> None:
        async with httpx.AsyncClient(verify=TRUSTED) as client:
            body = {"params": given} if method == "GET" else {"json": given}
            answer = await client.request(method, live.url, headers=headers, **body)
        assert answer.status_code == status
        if status != 200:
            assert answer.json()["errors"][0]["extensions"]["http"]["status"] == status

    run(story)


def test_who_accepts_both_gets_json_for_one_result_and_a_stream_for_many() -> None:
    async def story(live: Live) -> None:
        headers = {**OLGA, "accept": EVERYTHING}
        async with httpx.AsyncClient(verify=TRUSTED) as client:
            answer = await client.post(
                live.url, json={"query": "{ shopPing { done } }"}, headers=headers
            )
            assert answer.headers["content-type"].startswith("application/graphql-response+json")
        async with stream(live, headers=headers) as events:
            assert events.response.headers["content-type"].startswith("text/event-stream")
            await live.feed.has(1)

    run(story)


@pytest.mark.parametrize(
    ("accept", "is_stream"),
    [
        ("text/event-stream", True),
        ("text/event-stream, */*", True),
        ("text/event-stream, */*;q=0.1", True),
        ("text/event-stream;q=0.5, */*", False),
        ("text/event-stream;q=0.5, application/*;q=0.8", False),
        ("text/event-stream;q=0.5, application/json;q=0.4", True),
        ("text/event-stream;q=0.5, application/json;q=0.4, */*", False),
    ],
)
def test_one_result_comes_in_the_form_that_is_wanted_most(accept: str, is_stream: bool) -> None:
    answer = post(application(), "{ shopPing { done } }", {"accept": accept})
    assert answer.headers["content-type"].startswith("text/event-stream") is is_stream


@contextlib.asynccontextmanager
async def old(live: Live, query: str) -> AsyncIterator[asyncio.StreamReader]:
    """Ask for a stream in HTTP/1.0; behind its head."""
    reader, writer = await asyncio.open_connection("127.0.0.1", live.port)
    body = json.dumps({"query": query}).encode()
    headers = {
        **OLGA,
        "content-type": "application/json",
        "content-length": str(len(body)),
        "connection": "keep-alive",  # which cannot be where the end of the body is not known
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"POST /graphql HTTP/1.0\r\n{lines}\r\n".encode() + body)
    try:
        async with asyncio.timeout(25):
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            assert head.startswith(b"http/1.1 200 ")
            assert b"transfer-encoding" not in head
            assert b"connection: close" in head
            yield reader
    finally:
        writer.transport.abort()


def test_a_stream_in_http_1_0_has_no_chunks_and_ends_with_the_connection() -> None:
    async def story(live: Live) -> None:
        async with old(live, "{ __typename }") as reader:
            assert await reader.read() == (
                b'event: next\ndata: {"data":{"__typename":"Query"}}\n\nevent: complete\ndata: \n\n'
            )
        async with old(live, WATCH) as reader:
            await live.feed.has(1)
            live.feed.give(event(1))
            assert await reader.readuntil(b"\n\n") == b":\n\n"
            assert (await reader.readuntil(b"\n\n")).startswith(b"event: next\nid: 1.0\ndata: {")
            live.feed.give(None)
            assert await reader.read() == b"event: complete\ndata: \n\n"

    run(story)


def test_a_stream_in_http_1_0_that_breaks_off_is_cut_off() -> None:
    """Or its reader would take it for whole."""

    async def fails(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise RuntimeError("it breaks off")

    async def story(live: Live) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(GraphQLEndpoint, "__call__", lambda _, *given: fails(*given))
            with pytest.raises(ConnectionResetError):
                async with old(live, WATCH) as reader:
                    await reader.read()

    run(story)
