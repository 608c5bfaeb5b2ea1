"""A server that is told to stop answers what it was asked before, and nothing more."""

import asyncio
import json
import signal
import time
from typing import Any

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.world import World

ASKED = 3
DELAY = 2500
"""Milliseconds that the example service takes for each of the tickets."""

QUESTION = {"query": '{ supportTicketRead(input: {ticketId: "t-1"}) { ticketId } }'}
ANSWER = {"data": {"supportTicketRead": {"ticketId": "t-1"}}}
WATCH = "subscription { controlPlaneEvents { id } }"


async def ask(client: httpx.AsyncClient, url: str, **headers: str) -> tuple[int, str]:
    answer = await client.post(url, json=QUESTION, headers=headers)
    return answer.status_code, answer.text


async def come(client: httpx.AsyncClient, service: str) -> int:
    """How many of them have come to the service, which tells of those that wait too."""
    seen = (await client.get(f"{service}/_traces")).json()["requests"]
    return sum(one["path"].startswith("/tickets/") for one in seen)


async def ending(opened: Any) -> tuple[list[str], int]:
    """What comes on a socket until it is closed, and the code of that."""
    found: list[str] = []
    try:
        while True:
            found.append(json.loads(await opened.recv())["type"])
    except ConnectionClosed as closed:
        return found, closed.rcvd.code if closed.rcvd else 1006


def test_requests_under_way_are_answered_and_streams_and_sockets_end_with_a_word(
    own_world: World,
) -> None:
    gateway = own_world.gateway
    token = {"authorization": f"Bearer {own_world.olga.token}"}
    url = f"{gateway.url}/graphql"
    own_world.service.fault("/tickets/*", "delay", ms=DELAY, times=ASKED)

    async def story() -> None:
        protocols = [Subprotocol("graphql-transport-ws")]
        async with (
            httpx.AsyncClient(timeout=20, headers=token) as client,
            connect(url.replace("http", "ws", 1), subprotocols=protocols) as opened,
            client.stream(
                "POST", url, json={"query": WATCH}, headers={"accept": "text/event-stream"}
            ) as stream,
        ):
            await opened.send(json.dumps({"type": "connection_init", "payload": token}))
            assert json.loads(await opened.recv())["type"] == "connection_ack"
            watch = {"type": "subscribe", "id": "1", "payload": {"query": WATCH}}
            await opened.send(json.dumps(watch))
            asked = [asyncio.create_task(ask(client, url)) for _ in range(ASKED)]
            socket_ends = asyncio.create_task(ending(opened))
            async with asyncio.timeout(20):
                while await come(client, own_world.service.url) < ASKED:  # noqa: ASYNC110 - asked over HTTP
                    await asyncio.sleep(0.02)
            assert not any(one.done() for one in asked)
            began = time.monotonic()
            code = await asyncio.to_thread(gateway.stop, signal.SIGTERM)
            assert code == 0
            assert time.monotonic() - began < 10
            for status, text in await asyncio.gather(*asked):
                assert (status, json.loads(text)) == (200, ANSWER)
            assert await socket_ends == ([], 1001)
            assert "stopping" in (await stream.aread()).decode()

    asyncio.run(asyncio.wait_for(story(), 40))
    assert "Traceback" not in gateway.log()
