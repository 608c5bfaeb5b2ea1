"""Trusted documents before a real server: each mode, over HTTP, event streams and WebSocket."""

import contextlib
import json
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from tests.acceptance.console import Browser
from tests.forking import run_to_end
from tests.processes import GATEWAY, HTTP, ROOT, Caller
from tests.unit.graphql.manifests import apollo, digest, mapped, write
from tests.world import World, end_world, make_world

JsonObject = dict[str, Any]
LIST = "query List { controlPlaneExecutionList(input: {}) { total } }"
SUBMIT = (
    "mutation Submit($input: ControlPlaneIntentSubmitInput!) "
    "{ controlPlaneIntentSubmit(input: $input) { status } }"
)
FOLLOW = "subscription Follow { controlPlaneEvents { type } }"
OTHER = "query Other { controlPlaneExecutionList(input: {}) { total } }"
LISTED = {"data": {"controlPlaneExecutionList": {"total": 0}}}
INPUT = {"input": {"workspaceId": "acme", "text": "Please refund o-1001"}}


def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {key: value for key, value in os.environ.items() if not key.startswith("GATEWAY_")}
    env |= {"GATEWAY_DOCUMENTS_DIR": str(folder / "documents"), "GATEWAY_PORT": "0"}
    env |= {"GATEWAY_DATA_DIR": str(folder / "other")}
    return run_to_end([*GATEWAY, *arguments], cwd=ROOT, env=env)


@contextlib.contextmanager
def trusting(folder: Path, mode: str, **settings: str) -> Iterator[World]:
    """A gateway before documents that were registered by the command."""
    web = write(folder / "web.json", apollo(LIST, SUBMIT))
    app = write(folder / "app.json", mapped(FOLLOW))
    added = command(folder, "documents", "add", str(web), str(app))
    assert added.returncode == 0, added.stdout + added.stderr
    documents = str(folder / "documents")
    world = make_world(
        folder,
        GATEWAY_DOCUMENTS_DIR=documents,
        GATEWAY_TRUSTED_DOCUMENTS=mode,
        GATEWAY_LOG_FORMAT="json",
        **settings,
    )
    try:
        yield world
    finally:
        end_world(world)


@pytest.fixture(scope="module")
def requiring(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with trusting(tmp_path_factory.mktemp("require"), "require") as world:
        yield world


@pytest.fixture(scope="module")
def preferring(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with trusting(tmp_path_factory.mktemp("prefer"), "prefer", GATEWAY_APQ="on") as world:
        yield world


@pytest.fixture(scope="module")
def watching(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with trusting(tmp_path_factory.mktemp("log"), "log") as world:
        yield world


def ask(world: World, who: Caller | None = None, **members: Any) -> httpx.Response:
    headers = {"authorization": f"Bearer {(who or world.olga).token}"}
    return HTTP.post(f"{world.gateway.url}/graphql", json=members, headers=headers, timeout=30)


def code(response: httpx.Response) -> str:
    (error,) = response.json()["errors"]
    return str(error["extensions"]["code"])


def hashed(text: str) -> JsonObject:
    return {"persistedQuery": {"version": 1, "sha256Hash": digest(text)}}


@contextlib.contextmanager
def operating(world: World, **payload: Any) -> Iterator[Iterator[JsonObject]]:
    """The messages that an operation on a WebSocket of its own brings."""
    address = world.gateway.url.replace("http", "ws") + "/graphql"
    with connect(address, subprotocols=[Subprotocol("graphql-transport-ws")]) as socket:
        authorization = {"authorization": f"Bearer {world.olga.token}"}
        socket.send(json.dumps({"type": "connection_init", "payload": authorization}))
        assert json.loads(socket.recv(timeout=10)) == {"type": "connection_ack"}
        socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
        yield iter(lambda: hear(socket), None)


@contextlib.contextmanager
def submitting(world: World) -> Iterator[None]:
    """Intents, one after the other: nothing tells from when on a subscription hears of them."""
    over = threading.Event()

    def submit() -> None:
        while not over.wait(0.1):
            ask(world, world.agent, documentId=digest(SUBMIT), variables=INPUT)

    submits = threading.Thread(target=submit)
    submits.start()
    try:
        yield
    finally:
        over.set()
        submits.join()


def hear(socket: Any) -> JsonObject:
    while True:
        message: JsonObject = json.loads(socket.recv(timeout=10))
        if message["type"] != "ping":
            return message
        socket.send(json.dumps({"type": "pong"}))


# --- require ----------------------------------------------------------------------------------


def test_the_documents_of_the_console_are_trusted_without_a_manifest(requiring: World) -> None:
    with Browser(requiring.gateway.url) as browser:
        browser.sign_in(requiring.olga.token)
        with browser.http.stream("GET", "/console/live", headers=browser.headers()) as stream:
            assert next(stream.iter_lines()) == ":"  # and no errors


def test_only_what_is_registered_runs(requiring: World) -> None:
    for named in (
        {"documentId": f"sha256:{digest(LIST)}"},
        {"documentId": digest(LIST)},
        {"extensions": hashed(LIST)},
        {"query": LIST},
    ):
        assert ask(requiring, **named).json() == LISTED
    for text in (OTHER, f"{LIST} ", "{ __typename }", "{ __schema { description } }", "{"):
        for who in (requiring.olga, requiring.agent):
            refused = ask(requiring, who, query=text)
            assert (refused.status_code, code(refused)) == (403, "DOCUMENT_NOT_TRUSTED")
    refused = ask(requiring, extensions=hashed(OTHER))
    assert (refused.status_code, code(refused)) == (404, "PERSISTED_QUERY_NOT_FOUND")
    assert code(ask(requiring, query=OTHER, extensions=hashed(OTHER))) == "DOCUMENT_NOT_TRUSTED"


def test_a_mutation_by_its_id_is_a_governed_call_like_any(requiring: World) -> None:
    done = ask(requiring, requiring.agent, documentId=digest(SUBMIT), variables=INPUT)
    assert done.json() == {"data": {"controlPlaneIntentSubmit": {"status": "RECEIVED"}}}
    anonymous = HTTP.post(
        f"{requiring.gateway.url}/graphql",
        json={"documentId": digest(SUBMIT), "variables": INPUT},
        timeout=30,
    )
    assert code(anonymous) == "UNAUTHENTICATED"
    wrong = ask(requiring, documentId=digest(SUBMIT), variables={"input": {"text": 7}})
    assert code(wrong) == "VALIDATION_FAILED"


def test_over_websocket_the_same_holds(requiring: World) -> None:
    with operating(requiring, documentId=digest(FOLLOW, "md5")) as messages, submitting(requiring):
        event = next(messages)["payload"]["data"]["controlPlaneEvents"]
        assert event == {"type": "controlPlane.intent.received"}
    for payload, expected in (
        ({"query": OTHER}, "DOCUMENT_NOT_TRUSTED"),
        ({"documentId": "gone"}, "PERSISTED_QUERY_NOT_FOUND"),
        ({"extensions": hashed(OTHER)}, "PERSISTED_QUERY_NOT_FOUND"),
        ({"query": LIST, "extensions": hashed(OTHER)}, "BAD_REQUEST"),
    ):
        with operating(requiring, **payload) as messages:
            message = next(messages)
            assert message["type"] == "error"
            assert message["payload"][0]["extensions"]["code"] == expected


def test_over_get_and_event_streams_the_same_holds(requiring: World) -> None:
    url = f"{requiring.gateway.url}/graphql"
    headers = {"authorization": f"Bearer {requiring.olga.token}"}
    mutation = HTTP.get(f"{url}?documentId={digest(SUBMIT)}", headers=headers)
    assert mutation.status_code == 405
    streamed = {**headers, "accept": "text/event-stream"}
    unknown = HTTP.get(f"{url}?documentId=gone", headers=streamed)
    assert "PERSISTED_QUERY_NOT_FOUND" in unknown.text
    follow = {"documentId": digest(FOLLOW, "md5")}
    opened = HTTP.stream("POST", url, json=follow, headers=streamed, timeout=25)
    with opened as stream, submitting(requiring):
        lines = stream.iter_lines()
        assert next(lines) == ":"
        assert any("controlPlane.intent.received" in line for line in lines_until_data(lines))


def lines_until_data(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        yield line
        if line.startswith("data: "):
            return


# --- prefer, with automatic persisted queries ---------------------------------------------------


def test_others_run_too_and_clients_may_register_their_own(preferring: World) -> None:
    assert ask(preferring, documentId=digest(LIST)).json() == LISTED
    assert ask(preferring, query=OTHER).json() == LISTED
    first = ask(preferring, extensions=hashed(OTHER))
    assert code(first) == "PERSISTED_QUERY_NOT_FOUND"
    assert first.json()["errors"][0]["message"] == "PersistedQueryNotFound"
    assert ask(preferring, query=OTHER, extensions=hashed(OTHER)).json() == LISTED
    assert ask(preferring, extensions=hashed(OTHER)).json() == LISTED
    encoded = quote(json.dumps(hashed(OTHER)))
    headers = {"authorization": f"Bearer {preferring.olga.token}"}
    url = f"{preferring.gateway.url}/graphql?extensions={encoded}"
    assert HTTP.get(url, headers=headers).json() == LISTED
    with operating(preferring, extensions=hashed(OTHER)) as messages:
        assert next(messages)["payload"] == LISTED
    assert code(ask(preferring, query=LIST, extensions=hashed(OTHER))) == "BAD_REQUEST"


# --- log, and off -------------------------------------------------------------------------------


def test_what_is_not_registered_runs_and_is_told_in_the_log(watching: World) -> None:
    assert ask(watching, query=OTHER).json() == LISTED
    assert ask(watching, query=LIST).json() == LISTED
    assert ask(watching, documentId=digest(LIST)).json() == LISTED
    lines = [json.loads(line) for line in watching.gateway.log().splitlines()]
    (told,) = (line for line in lines if line["logger"] == "gateway.documents")
    assert told["document"] == "query{controlPlaneExecutionList(input: ?){total}}"
    operations = [line for line in lines if line["logger"] == "gateway.operations"]
    ids = [line.get("document_id") for line in operations]
    assert ids == [None, f"sha256:{digest(LIST)}", f"sha256:{digest(LIST)}"]


def test_without_trusted_documents_names_are_not_supported(world: World) -> None:
    for named in ({"documentId": "home"}, {"extensions": hashed(LIST)}):
        refused = ask(world, **named)
        assert (refused.status_code, code(refused)) == (400, "PERSISTED_QUERY_NOT_SUPPORTED")
    assert ask(world, query=LIST, extensions=hashed(LIST)).json() == LISTED


# --- the start ----------------------------------------------------------------------------------


def test_a_gateway_does_not_start_with_documents_that_it_cannot_honour(tmp_path: Path) -> None:
    mode = ("--trusted-documents", "require")
    missing = command(tmp_path, "serve", *mode)
    assert (missing.returncode, "DOCUMENTS_INVALID" in missing.stderr) == (2, True)
    (tmp_path / "documents").mkdir()
    write(tmp_path / "documents" / "a.json", {"home": LIST})
    write(tmp_path / "documents" / "b.json", {"home": OTHER, "x": 7})
    refused = command(tmp_path, "serve", *mode)
    assert refused.returncode == 2
    assert "b.json#/x: WRONG_TYPE" in refused.stderr
    assert "Traceback" not in refused.stderr
    both = command(tmp_path, "serve", *mode, "--apq", "on")
    assert (both.returncode, "GATEWAY_APQ" in both.stderr) == (2, True)
    assert not (tmp_path / "other").exists()
