"""Requests whose head came before, on a real server: quick, and like any other."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.surfaces.graphql.server.heads import KnownHead, found_before, known_head
from gateway.surfaces.graphql.server.quick import _MOST_HEADS, QuickHttp
from tests.unit.graphql.live import Live, event, eventually
from tests.unit.graphql.test_http_protocol import HEAD, Peer, peer, play


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bytes]]:
    """The bodies of the requests that went the quick way, of which there must be some."""
    begin, taken = QuickHttp._begin, []

    def noted(self: QuickHttp, known: KnownHead, body: bytes) -> None:
        taken.append(body)
        begin(self, known, body)

    monkeypatch.setattr(QuickHttp, "_begin", noted)
    yield taken
    assert taken


PING = b'{"query": "{ shopPing { done } }"}'
EVENTS = b'{"query": "subscription { controlPlaneEvents { cursor } }"}'


def post(body: bytes, *lines: bytes) -> bytes:
    told = b"".join(line + b"\r\n" for line in lines)
    head = HEAD.replace(b"GET", b"POST") + b"Content-Type: application/json\r\n" + told
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


async def answered(one: Peer, *sent: bytes) -> tuple[int, Any]:
    """The status and the body that answer the last of these; all others are answered with 200."""
    for request in sent[:-1]:
        await one.send(request)
        assert (await one.answer())[0] == 200
    await one.send(sent[-1])
    status, body = await one.answer()
    return status, json.loads(body)


def test_bodies_of_any_length_are_answered_as_the_first_was(quick: list[bytes]) -> None:
    async def story(server: Live) -> None:
        async with peer(server) as one:
            for spaces in (0, 0, 7, 200, 0, 20_000):
                status, body = await answered(one, post(PING + b" " * spaces))
                assert (status, body) == (200, {"data": {"shopPing": {"done": True}}})
            assert (len(server.door.calls), len(quick)) == (6, 5)

    play(story)


def test_another_head_is_another_caller(quick: list[bytes]) -> None:
    async def story(server: Live) -> None:
        async with peer(server) as one:
            names = ["olga", "olga", "otto", "olga", "otto"]
            tokens = [b"Authorization: Bearer " + name.encode() for name in names]
            await answered(one, *(post(PING, token) for token in tokens))
            assert [call["principal"].subject for call in server.door.calls] == names
            server.tokens.revoked.add("Bearer otto")
            for _ in range(2):
                assert (await answered(one, post(PING, tokens[2])))[0] == 401
            assert (await answered(one, post(PING, tokens[0])))[0] == 200

    play(story)


def test_heads_that_come_by_turns_are_all_known_up_to_a_few(quick: list[bytes]) -> None:
    async def story(server: Live) -> None:
        async with peer(server) as one:
            names = ["ann", "bob", "cleo"] * 3
            await answered(one, *(post(PING, _bearer(name)) for name in names))
            assert [call["principal"].subject for call in server.door.calls] == names
            assert len(quick) == len(names) - 3
        quick.clear()
        async with peer(server) as one:
            names = [f"caller{number}" for number in range(8)]
            await answered(one, *(post(PING, _bearer(name)) for name in names * 2))
            assert len(quick) == _MOST_HEADS  # of the second round; the others are parsed again

    play(story)


def _bearer(name: str) -> bytes:
    return b"Authorization: Bearer " + name.encode()


def test_a_body_above_the_limit_is_refused_on_the_quick_way_too(quick: list[bytes]) -> None:
    async def story(server: Live) -> None:
        async with peer(server) as one:
            long = post(PING + b" " * 300_000)
            status, body = await answered(one, post(PING), post(PING), long)
            assert (status, body["errors"][0]["extensions"]["code"]) == (413, "PAYLOAD_TOO_LARGE")

    play(story)


def test_events_come_as_they_happen(quick: list[bytes]) -> None:
    async def story(server: Live) -> None:
        async with peer(server) as one:
            takes = b"Accept: application/json, text/event-stream;q=0.5"
            await answered(one, post(PING, takes), post(PING, takes))
            await one.send(post(EVENTS, takes, b"Authorization: Bearer olga"))
            await server.feed.has(1)
            async with asyncio.timeout(5):
                head = await one.reader.readuntil(b"\r\n\r\n")
                server.feed.give(event(7))
                assert b"200 OK" in head
                assert b'"7.0"' in await one.reader.readuntil(b'"7.0"')

    play(story)


def test_an_answer_under_way_is_the_last_of_a_server_that_stops(quick: list[bytes]) -> None:
    async def story(server: Live) -> None:
        begun, go = asyncio.Event(), asyncio.Event()
        real = server.door.call

        async def call(*given: object, **named: object) -> object:
            begun.set()
            await go.wait()
            return await real(*given, **named)  # type: ignore[arg-type]

        async with peer(server) as one:
            await answered(one, post(PING), post(PING))
            server.door.call = call  # type: ignore[method-assign,assignment]
            await one.send(post(PING))
            await asyncio.wait_for(begun.wait(), 5)
            for connection in list(server.state.connections):
                connection.shutdown()
            go.set()
            async with asyncio.timeout(5):
                told = await one.reader.read()
            assert told.startswith(b"HTTP/1.1 200")
            assert b"connection: close\r\n" in told
            assert told.endswith(b'{"data":{"shopPing":{"done":true}}}')

    play(story)


def test_who_hangs_up_is_let_go_and_the_call_ends(quick: list[bytes]) -> None:
    async def story(server: Live) -> None:
        begun = asyncio.Event()
        over = asyncio.Event()

        async def call(*_given: object, **_named: object) -> object:
            begun.set()
            await over.wait()
            return {"done": True}

        async with peer(server) as one:
            await answered(one, post(PING), post(PING))
            server.door.call = call  # type: ignore[method-assign,assignment]
            await one.send(post(PING))
            await asyncio.wait_for(begun.wait(), 5)
        await eventually(lambda: not server.state.connections)
        over.set()
        await eventually(lambda: not server.state.tasks)

    play(story)


@pytest.mark.parametrize("many", [1, 2, 6])
def test_who_sends_nothing_any_more_is_let_go_however_many_came_before(many: int) -> None:
    async def story(server: Live) -> None:
        async with peer(server) as one:
            loop = asyncio.get_running_loop()
            began = loop.time()
            for _ in range(many):
                await asyncio.sleep(0.1)
                began = loop.time()  # before the last request, whose answer lets the time begin
                assert (await answered(one, post(PING)))[0] == 200
            await one.closed()
            assert loop.time() - began > 0.95

    play(story, keep_alive_seconds=1)


def test_a_head_is_known_only_as_the_parser_read_it() -> None:
    data = post(PING)
    lines = data.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]
    headers = [(name.lower(), value) for name, _, value in (one.partition(b": ") for one in lines)]
    assert known_head(data, b"/graphql", {"headers": headers}) is not None
    for others in (headers[:-1], headers[::-1], [*headers, (b"a", b"b")], []):
        assert known_head(data, b"/graphql", {"headers": others}) is None
    assert known_head(data, b"/other", {"headers": headers}) is None


def test_what_was_found_of_a_head_is_not_told_once_its_headers_are_replaced() -> None:
    data = post(PING)
    lines = data.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]
    headers = [(name.lower(), value) for name, _, value in (one.partition(b": ") for one in lines)]
    known = known_head(data, b"/graphql", {"headers": headers})
    assert known is not None
    assert known.body_in(data) == PING
    scope = known.scope({})
    found = found_before(scope)
    assert found == {}
    found["one"] = 1
    assert known.body_in(post(PING + b" ")) == PING + b" "
    longer = known.scope({})
    assert found_before(longer) == {"one": 1}
    assert dict(longer["headers"])[b"content-length"] == b"%d" % (len(PING) + 1)
    longer["headers"].append((b"a", b"b"))
    assert found_before(longer) is None
    assert found_before(known.scope({})) == {"one": 1}
