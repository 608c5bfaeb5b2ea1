"""What peers may do to a WebSocket below its messages: with upgrades, pings and bad frames."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.model.json import JsonObject
from gateway.surfaces.graphql.server.allowance import Allowance
from tests.unit.graphql.live import Feed, Live, event, eventually, run
from tests.unit.graphql.test_connections import LARGE, SOCKET, UPGRADE, deaf, frame, read_all

PING = b"\x89\xfd" + bytes(4) + b"p" * 125
CHUNK = 400 * PING
PARTS = {"ping": b"\x89\x80", "pong": b"\x8a\x80", "part": b"\x00\x80"}
"""The beginnings of empty frames; after each comes a mask."""
AGAIN = frame(
    '{"id": "2", "type": "subscribe", "payload": '
    '{"query": "subscription { controlPlaneEvents { id cursor type version occurredAt } }"}}'
)


@pytest.mark.parametrize(
    ("upgrade", "status"),
    [
        (UPGRADE.replace(b"\r\n\r\n", b"\r\nX-Note: " + b"a" * 9000 + b"\r\n\r\n"), b"431"),
        (UPGRADE.replace(b"/graphql", b"/graphql?" + b"a" * 9000), b"414"),
    ],
)
def test_an_upgrade_with_a_line_that_is_too_long_is_refused_and_its_connection_closed(
    upgrade: bytes, status: bytes
) -> None:
    async def story(live: Live) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", live.port)
        writer.write(upgrade)
        async with asyncio.timeout(25):
            answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 " + status)
        writer.close()
        await eventually(lambda: not live.state.connections)

    run(story)


def test_pings_are_not_answered_to_who_does_not_read() -> None:
    async def story(live: Live) -> None:
        loop = asyncio.get_running_loop()
        async with deaf(live.port, *SOCKET) as peer:
            await live.feed.has(1)
            (served,) = live.state.connections
            while served.writable.is_set():
                live.feed.give(event(1, text=LARGE))
                await asyncio.sleep(0)
            kept = served.transport.get_write_buffer_size()
            await loop.sock_sendall(peer, CHUNK + AGAIN)
            await live.feed.has(2)
            assert not served.writable.is_set()
            assert served.transport.get_write_buffer_size() <= kept
            served.transport.abort()
            async with asyncio.timeout(25):
                await read_all(peer)

    run(story)


def test_a_ping_is_answered_to_who_reads() -> None:
    async def story(live: Live) -> None:
        async with live.client() as client, asyncio.timeout(25):
            await (await client.socket.ping())

    run(story)


@pytest.mark.parametrize("kind", sorted(PARTS))
def test_who_sends_too_many_frames_is_closed_and_no_more_of_them_are_looked_at(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at = 0

    def take(allowance: Allowance) -> bool:
        nonlocal looked_at
        looked_at += 1
        return take_one(allowance)

    take_one = Allowance.take
    monkeypatch.setattr(Allowance, "take", take)

    async def story(live: Live) -> None:
        async with live.client() as client:
            begun = b"\x01\x80\x00\x00\x00\x00" if kind == "part" else b""
            client.socket.transport.write(begun + 40_000 * (PARTS[kind] + bytes(4)))
            code, reason = await client.closed()
            assert (code, reason.partition(":")[0]) == (4429, "Too many frames")
            await eventually(lambda: len(live.connections) == 0)

    run(story)
    assert looked_at < 1000


def test_a_message_may_come_in_parts_and_pings_between_them() -> None:
    async def story(live: Live) -> None:
        async with live.client() as client:
            text = '{"type": "ping", "payload": {"some": "more"}}'
            parts = [b"\x00\x81" + bytes(4) + one.encode() for one in text]
            parts[0] = b"\x01" + parts[0][1:]
            client.socket.transport.write((PARTS["ping"] + bytes(4)).join(parts))
            client.socket.transport.write(b"\x80\x80" + bytes(4))
            assert await client.read() == {"type": "pong", "payload": {"some": "more"}}

    run(story)


def test_a_bad_frame_amid_events_is_no_failure_of_ours(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def busy(_self: Feed, *_asked: Any) -> AsyncIterator[JsonObject]:
        while True:
            yield event(1)
            await asyncio.sleep(0)

    monkeypatch.setattr(Feed, "subscribe", busy)

    async def story(live: Live) -> None:
        async with live.client() as client:
            await client.subscribe()
            assert (await client.read())["type"] == "next"
            await client.socket.send(b"\xff\xfe", text=True)
            assert (await client.closed())[0] == 1007
            await eventually(lambda: len(live.connections) == 0)

    with caplog.at_level(logging.WARNING):
        run(story)
    assert caplog.records == []


@pytest.mark.parametrize("bad", [b"\x81\x82\x00\x00\x00\x00\xff\xfe", b"\xf1\x80\x00\x00\x00\x00"])
def test_who_sends_a_bad_frame_and_does_not_read_is_cut_off(
    monkeypatch: pytest.MonkeyPatch, bad: bytes
) -> None:
    """Its socket is closed for text that is no UTF-8, or for bits that are reserved."""
    monkeypatch.setattr("gateway.surfaces.graphql.server.transports._CLOSE_SECONDS", 0.2)

    async def story(live: Live) -> None:
        async with deaf(live.port, *SOCKET) as peer:
            await live.feed.has(1)
            (served,) = live.state.connections
            while served.writable.is_set():
                live.feed.give(event(1, text=LARGE))
                await asyncio.sleep(0)
            await asyncio.get_running_loop().sock_sendall(peer, bad)
            await eventually(lambda: not live.state.connections)

    run(story)
