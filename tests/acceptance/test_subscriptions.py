"""Subscriptions on a running gateway: who follows what, for how long, and through which ends."""

import asyncio
import contextlib
import json
import signal
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect as connect_async
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from gateway.identity import LocalIssuer
from tests.acceptance.besieging import Process
from tests.acceptance.drafts import lookup, reply
from tests.processes import HTTP, Caller
from tests.world import World, end_world, make_world

JsonObject = dict[str, Any]
FOLLOW = (
    "subscription ($filter: ControlPlaneEventFilterInput, $after: String) "
    "{ controlPlaneEvents(filter: $filter, after: $after) "
    "{ cursor id type version occurredAt workspaceId executionId runId payload } }"
)
PROTOCOL = [Subprotocol("graphql-transport-ws")]


def address(world: World) -> str:
    return world.gateway.url.replace("http", "ws") + "/graphql"


def say(socket: ClientConnection, **message: Any) -> None:
    socket.send(json.dumps(message))


def hear(socket: ClientConnection, seconds: float = 10) -> JsonObject:
    """The next message but pings, which are answered."""
    while True:
        message: JsonObject = json.loads(socket.recv(timeout=seconds))
        if message["type"] != "ping":
            return message
        say(socket, type="pong")


@contextlib.contextmanager
def socket_of(world: World, who: Caller) -> Iterator[ClientConnection]:
    """An acknowledged socket."""
    with connect(address(world), subprotocols=PROTOCOL) as socket:
        say(socket, type="connection_init", payload={"authorization": f"Bearer {who.token}"})
        assert hear(socket)["type"] == "connection_ack"
        yield socket


@contextlib.contextmanager
def following(world: World, who: Caller, **variables: Any) -> Iterator[ClientConnection]:
    """A socket with one subscription."""
    with socket_of(world, who) as socket:
        payload = {"query": FOLLOW, "variables": variables}
        say(socket, id="1", type="subscribe", payload=payload)
        yield socket


def next_event(socket: ClientConnection) -> JsonObject:
    message = hear(socket)
    assert message["type"] == "next", message
    event: JsonObject = message["payload"]["data"]["controlPlaneEvents"]
    return event


def read_on(socket: ClientConnection) -> None:
    """Read as long as there is anything."""
    while True:
        hear(socket)


def refusal(socket: ClientConnection) -> str:
    message = hear(socket)
    assert message["type"] == "error", message
    code: str = message["payload"][0]["extensions"]["code"]
    return code


def listed(world: World, after: str | None = None) -> list[JsonObject]:
    """Every event behind a cursor, as the list gives it."""
    selection = (
        "items { cursor id type version occurredAt workspaceId executionId runId payload } cursor"
    )
    found: list[JsonObject] = []
    while True:
        page = world.olga.query("controlPlaneEventList", selection, {"after": after})
        found += page["items"]
        if page["cursor"] in (None, after):
            return found
        after = page["cursor"]


def here(world: World) -> str:
    """The cursor of the newest event."""
    world.submit()
    cursor: str = listed(world)[-1]["cursor"]
    return cursor


def test_a_subscription_gives_what_the_list_gives(world: World) -> None:
    start = here(world)
    with following(world, world.olga, after=start) as socket:
        execution = world.run([lookup(), reply("Hello")])["executionId"]
        world.wait(execution, "COMPLETED")
        expected = listed(world, start)
        assert len(expected) > 5
        assert [next_event(socket) for _ in expected] == expected


def test_a_filter_narrows_to_an_execution_a_run_or_types(world: World) -> None:
    start = here(world)
    run = world.run([lookup()])
    world.wait(run["executionId"], "COMPLETED")
    world.submit()
    for which, expected in (
        (
            {"executionId": run["executionId"]},
            lambda event: event["executionId"] == run["executionId"],
        ),
        ({"runId": run["runId"]}, lambda event: event["runId"] == run["runId"]),
        ({"types": ["controlPlane.plan.*"]}, lambda event: ".plan." in event["type"]),
        ({"workspaceId": "acme"}, lambda _event: True),
    ):
        wanted = [event for event in listed(world, start) if expected(event)]
        assert wanted
        with following(world, world.olga, after=start, filter=which) as socket:
            assert [next_event(socket) for _ in wanted] == wanted


def test_a_user_follows_his_own_executions_and_no_others(world: World) -> None:
    start, ulla = here(world), world.gateway.caller("ulla", "user")
    with following(world, ulla, after=start) as socket:
        world.submit()
        mine = world.submit(ulla)
        assert next_event(socket)["executionId"] == mine["executionId"]


def test_another_workspace_sees_nothing_of_ours(world: World) -> None:
    start = here(world)
    theirs = world.gateway.caller("otto", "admin", workspace="other")
    execution = world.submit()["executionId"]
    with following(world, theirs, after=start) as socket:
        intent = {"workspaceId": "other", "text": "Hello"}
        own = theirs.mutate("controlPlaneIntentSubmit", "executionId", intent)
        assert next_event(socket)["executionId"] == own["executionId"]
    with following(world, theirs, filter={"executionId": execution}) as socket:
        assert refusal(socket) == "NOT_FOUND"
    with following(world, theirs, filter={"workspaceId": "acme"}) as socket:
        assert refusal(socket) == "NOT_FOUND"


@pytest.mark.parametrize(
    "variables",
    [{"after": "rubbish"}, {"after": "9" * 60}, {"filter": {"types": ["nothing.known"]}},
     {"filter": {"types": [""]}}],
)  # fmt: skip
def test_a_malformed_cursor_or_filter_is_refused(world: World, variables: JsonObject) -> None:
    with following(world, world.olga, **variables) as socket:
        assert refusal(socket) == "VALIDATION_FAILED"


def test_who_may_not_is_refused_and_the_refusal_is_on_record(world: World) -> None:
    stranger = world.gateway.caller("stan", "stranger")
    with following(world, stranger) as socket:
        assert refusal(socket) == "FORBIDDEN"


def test_commands_over_a_socket_are_governed_as_any(world: World) -> None:
    mutation = (
        "mutation ($input: ControlPlaneIntentSubmitInput!) "
        "{ controlPlaneIntentSubmit(input: $input) { executionId status } }"
    )
    wanted = {"workspaceId": "acme", "text": "Over a socket"}
    with socket_of(world, world.agent) as socket:
        payload = {"query": mutation, "variables": {"input": wanted}}
        say(socket, id="1", type="subscribe", payload=payload)
        done = hear(socket)["payload"]["data"]["controlPlaneIntentSubmit"]
        assert hear(socket)["type"] == "complete"
        assert world.execution(done["executionId"])["status"] == done["status"] == "RECEIVED"
        payload["variables"] = {"input": {**wanted, "workspaceId": "other"}}
        say(socket, id="2", type="subscribe", payload=payload)
        (error,) = hear(socket)["payload"]["errors"]
        assert error["extensions"]["code"] in ("FORBIDDEN", "NOT_FOUND")


def test_nothing_is_lost_or_told_twice_over_reconnections_under_load(world: World) -> None:
    async def story() -> list[str]:
        seen: list[str] = []
        after, writers = start, [asyncio.create_task(write()) for _ in range(4)]
        while not all(writer.done() for writer in writers) or not caught_up(seen):
            async with subscription(world, world.olga, after) as events:
                with contextlib.suppress(TimeoutError):
                    for _ in range(7):
                        event = await asyncio.wait_for(anext(events), 1)
                        seen.append(event["id"])
                        after = event["cursor"]
        return seen

    def caught_up(seen: list[str]) -> bool:
        return seen == [event["id"] for event in listed(world, start)]

    async def write() -> None:
        for _ in range(10):
            await asyncio.to_thread(world.submit)

    start = here(world)
    seen = asyncio.run(asyncio.wait_for(story(), 60))
    assert len(seen) == len(set(seen)) >= 40


@contextlib.asynccontextmanager
async def subscription(
    world: World, who: Caller, after: str | None = None
) -> AsyncIterator[AsyncIterator[JsonObject]]:
    """Events over a socket of its own."""
    async with connect_async(address(world), subprotocols=PROTOCOL) as socket:
        init = {"type": "connection_init", "payload": {"authorization": f"Bearer {who.token}"}}
        await socket.send(json.dumps(init))
        payload = {"query": FOLLOW, "variables": {"after": after}}
        assert json.loads(await socket.recv()) == {"type": "connection_ack"}
        await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))

        async def events() -> AsyncIterator[JsonObject]:
            while True:
                message = json.loads(await socket.recv())
                if message["type"] == "next":
                    yield message["payload"]["data"]["controlPlaneEvents"]
                elif message["type"] == "ping":
                    await socket.send(json.dumps({"type": "pong"}))

        yield events()


def test_a_socket_goes_on_from_its_cursor_after_the_gateway_was_killed(own_world: World) -> None:
    start = here(own_world)
    with following(own_world, own_world.olga, after=start) as socket:
        own_world.submit()
        seen = next_event(socket)
        own_world.submit()
        own_world.gateway.stop(signal.SIGKILL)
        with pytest.raises(ConnectionClosed):
            read_on(socket)
    own_world.gateway.start()
    own_world.submit()
    rest = listed(own_world, seen["cursor"])
    assert len(rest) == 2
    with following(own_world, own_world.olga, after=seen["cursor"]) as socket:
        assert [next_event(socket) for _ in rest] == rest


def test_sockets_and_streams_end_with_the_token(tmp_path: Path) -> None:
    world = make_world(tmp_path, GATEWAY_TOKEN_LEEWAY="0")
    try:
        issuer = LocalIssuer.open(world.gateway.key_dir)
        token = issuer.issue("olga", "human", ["admin"], "acme", ttl=6)
        with (
            following(world, Caller(world.gateway, token)) as socket,
            HTTP.stream(
                "POST",
                f"{world.gateway.url}/graphql",
                json={"query": FOLLOW},
                headers={"accept": "text/event-stream", "authorization": f"Bearer {token}"},
            ) as stream,
        ):
            with pytest.raises(ConnectionClosed) as closed:
                hear(socket)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 4403
            assert "expired" in closed.value.rcvd.reason
            told = stream.read().decode()
            assert '"code":"UNAUTHENTICATED"' in told
            assert told.endswith("event: complete\ndata: \n\n")
    finally:
        end_world(world)


def test_hundreds_of_idle_subscribers_cost_little_and_do_not_hold_up_a_stop(
    own_world: World,
) -> None:
    world = own_world
    assert world.gateway.process is not None
    process = Process(world.gateway.process.pid)
    people = [world.gateway.caller(f"olga-{number}", "admin") for number in range(10)]
    accept = {"accept": "text/event-stream"}

    async def stream(client: httpx.AsyncClient, who: Caller, opened: list[int]) -> str:
        headers = {**accept, "authorization": f"Bearer {who.token}"}
        body = {"query": FOLLOW}
        url = f"{world.gateway.url}/graphql"
        async with client.stream("POST", url, json=body, headers=headers) as answer:
            opened.append(answer.status_code)
            return (await answer.aread()).decode()

    async def busy_seconds() -> float:
        before = process.seconds()
        await asyncio.sleep(2)
        return process.seconds() - before

    async def story() -> None:
        async with contextlib.AsyncExitStack() as stack:
            http = httpx.AsyncClient(timeout=None, limits=httpx.Limits())  # noqa: S113 - streams last
            client = await stack.enter_async_context(http)
            memory = process.memory()
            sockets = [
                await stack.enter_async_context(subscription(world, people[number % 10]))
                for number in range(200)
            ]
            opened: list[int] = []
            streams = [
                asyncio.create_task(stream(client, people[number % 10], opened))
                for number in range(100)
            ]
            async with asyncio.timeout(20):
                while len(opened) < 100:  # noqa: ASYNC110 - the streams run in tasks of their own
                    await asyncio.sleep(0.01)
            async with asyncio.timeout(30):  # what it took to subscribe them goes on for a while
                while await busy_seconds() >= 0.2:  # seconds of CPU in two idle seconds
                    pass
            assert (process.memory() - memory) / 1024 / 300 < 200, "KiB for each subscriber"
            began = time.monotonic()
            assert await asyncio.to_thread(world.gateway.stop, signal.SIGTERM) == 0
            assert time.monotonic() - began < 10
            for told in await asyncio.gather(*streams):
                assert told.endswith("event: complete\ndata: \n\n")
            for events in sockets:
                with pytest.raises(ConnectionClosed) as closed:
                    await anext(events)
                assert closed.value.rcvd is not None
                assert closed.value.rcvd.code == 1001

    asyncio.run(story())
