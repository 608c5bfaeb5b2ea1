"""What callers send, and what services and handlers answer, is nowhere in a server's output."""

import base64
import contextlib
import json
import os
import shutil
import signal
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from tests.acceptance.drafts import lookup, refund
from tests.forking import run_to_end
from tests.processes import GATEWAY, HTTP, ROOT, Caller
from tests.world import World, end_world, make_world

CANARY = "kanari"
"""Is part of everything that is planted."""
PHONE, IBAN = "+4915177997799", "DE89370400440532013000"
GET = "query Kanari($id: ID!) { kanari: controlPlaneExecutionGet(input: {executionId: $id}) { execution { status } } }"  # noqa: E501
HANDLER = '''
"""A deployment's own handlers, which log, warn and fail with what they are given."""
import asyncio, logging, threading, warnings

def crash(given, context):
    log = logging.getLogger("shop")
    log.warning("customer %s", given["note"])
    log.error(f"customer {given['note']}")
    log.exception("it failed", exc_info=KeyError(given["note"]))
    logging.warning(given["note"])
    warnings.warn(given["note"])
    def fail(): raise ValueError(given["note"])
    thread = threading.Thread(target=fail, name=given["note"]); thread.start(); thread.join()
    raise ExceptionGroup(given["note"], [RuntimeError(given["note"])])

async def later(given, context):
    async def fail(): raise ValueError(given["note"])
    asyncio.get_running_loop().call_soon(lambda: {}[given["note"]])
    task = asyncio.create_task(fail(), name=given["note"])
    await asyncio.sleep(0.01)
    raise RuntimeError(given["note"]) from ValueError(given["note"])
'''
CONTRACT = """
key: shop.note.{name}
version: 1.0.0
kind: command
title: Take a note
description: Take a note.
domain: shop
owners: [shop.team]
capability: shop.core@1.0.0
risk: low
input:
  note: String!
output:
  done: Boolean!
policy:
  auth: user
  pii: [note]
handler:
  python: {{target: "desk_handlers:{name}", timeout: 2s}}
"""


@dataclass
class Desk:
    """A server that was served, and everything that it wrote."""

    world: World
    folder: Path
    tokens: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"{self.world.gateway.url}/graphql"

    def post(self, content: Any, **headers: str) -> httpx.Response:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        given = {
            "content-type": "application/json",
            "authorization": f"Bearer {self.world.olga.token}",
            "cookie": "session=kanari-cookie",
            "x-kanari": "kanari-header",
            "user-agent": "kanari-agent",
            "referer": "https://kanari-referer.example/?q=kanari",
            **headers,
        }
        return HTTP.post(self.url, content=body, headers=given, timeout=30)

    def written(self) -> str:
        """Stop the server, and everything that it wrote to standard output and error."""
        process = self.world.gateway.process
        assert process is not None
        assert process.stdout is not None
        process.send_signal(signal.SIGTERM)
        rest = process.stdout.read()
        assert process.wait(timeout=30) == 0
        return rest + self.world.gateway.log()

    def lines(self, text: str, logger: str) -> list[dict[str, Any]]:
        found = [json.loads(line) for line in text.splitlines()]
        return [line for line in found if line["logger"] == logger]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    schema = tmp_path / "schema"
    shutil.copytree(ROOT / "schema" / "support", schema / "support")
    (schema / "shop").mkdir()
    for name in ("crash", "later"):
        (schema / "shop" / f"{name}.yaml").write_text(CONTRACT.format(name=name))
    (tmp_path / "desk_handlers.py").write_text(HANDLER)
    world = make_world(
        tmp_path,
        GATEWAY_LOG_LEVEL="debug",
        GATEWAY_SCHEMA_DIR=str(schema),
        PYTHONPATH=os.pathsep.join([str(tmp_path), str(ROOT)]),
        PYTHONASYNCIODEBUG="1",
        PYTHONDEVMODE="1",
    )
    try:
        yield Desk(world, tmp_path)
    finally:
        end_world(world)


def call(who: Caller, kind: str, name: str, selection: str, value: dict[str, Any]) -> None:
    """Call an operation, whatever comes of it."""
    given = f"{name[0].upper()}{name[1:]}Input!"
    who.send(
        f"{kind} ($input: {given}) {{ {name}(input: $input) {{ {selection} }} }}", {"input": value}
    )


def documents(desk: Desk) -> None:
    """Values in every place of documents and requests, good and bad."""
    for query in (
        GET,
        'query kanari_a { controlPlaneExecutionGet(input: {executionId: "kanari-1"}) { kanari } }',
        "{ kanari_b(kanari_c: KANARI, n: 7799779977) @kanari_d { kanari_e } } # kanari-2",
        'mutation { controlPlaneIntentSubmit(input: {workspaceId: "acme", text: """kanari-3"""}) { status } }',  # noqa: E501
        'query ($kanari_f: String = "kanari-4") { __type(name: $kanari_f) { name } }',
        "fragment kanari_g on Kanari { kanari } { ...kanari_g }",
        '{ broken(a: "kanari-5',
        "{ a ?kanari-6",
        "{ __typename " + " kanari_h" * 3000 + "}",
        "{" * 300 + "kanari_i" + "}" * 300,
        "query a { __typename } query kanari_j { __typename }",
    ):
        sent = {"id": "kanari-variable", "kanari_k": {"kanari": [IBAN, PHONE]}}
        desk.post({"query": query, "variables": sent})
        desk.post({"query": query, "variables": sent, "operationName": "kanari_l"})
        desk.post({"query": query, "variables": sent}, accept="text/event-stream")
        asked = f"query={quote(query[:4000])}&variables={quote(json.dumps(sent))}"
        headers = {"authorization": f"Bearer {desk.world.olga.token}"}
        HTTP.get(f"{desk.url}?{asked}&token=kanari-in-url", headers=headers)


def bodies(desk: Desk) -> None:
    """Malformed bodies, and requests that are no HTTP."""
    for body in (
        b"kanari", b'{"query": "kanari', b'"kanari"', b'["kanari"]', b'{"kanari": "kanari"}',
        b'{"query": 7, "variables": "kanari"}', b'{"query": "\xff kanari"}',
        b'{"a":' * 500 + b'"kanari"',
        b'{"query":"{__typename}","operationName":["kanari"]}',
    ):  # fmt: skip
        desk.post(body)
    desk.post(b"kanari=1", **{"content-type": "application/x-kanari"})
    base = desk.world.gateway.url
    for method, path in (
        ("GET", "/kanari-path?kanari=1"), ("KANARI", "/graphql?kanari"),
        ("PROPFIND", "/graphql?kanari"),
        ("DELETE", "/graphql?kanari"),
        ("GET", "/evidence/kanari-run"), ("PUT", "/skills/artifacts/sha256:kanari"),
        ("POST", "/access/v1/evaluation?kanari"), ("GET", "/healthz?kanari"),
    ):  # fmt: skip
        headers = {"authorization": f"Bearer {desk.world.olga.token}"}
        HTTP.request(method, base + path, headers=headers, content=b'{"kanari": 1}')
    host, port = base.removeprefix("http://").split(":")
    get = b"GET /graphql?kanari HTTP/1.1\r\nhost: x\r\n"
    for raw in (
        b"KANARI kanari\r\n\r\n",
        b"GET /graphql?kanari HTTP/1.1\r\nkanari kanari: x\r\n\r\n",
        b"POST /graphql HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nkanari\r\n",
        get + b"upgrade: kanari\r\nconnection: upgrade\r\n\r\n",
        get + b"upgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-key: kanari\r\n\r\n",
    ):
        with socket.create_connection((host, int(port)), timeout=5) as peer:
            peer.sendall(raw)
            with contextlib.suppress(OSError):
                peer.recv(4096)


def credentials(desk: Desk) -> None:
    """Tokens that do not hold, and a good one whose subject is an e-mail address."""
    good = desk.world.gateway.token("kanari@example.com", "admin")
    header, payload, _ = good.split(".")
    for bad in (
        "kanari", "Bearer kanari", "Basic " + base64.b64encode(b"kanari:kanari").decode(),
        f"Bearer {header}.{payload}.kanari", f"Bearer {good}kanari", f"Bearer {good[:-3]}",
    ):  # fmt: skip
        desk.post({"query": "{ __typename }"}, authorization=bad)
    Caller(desk.world.gateway, good).send(GET, {"id": "kanari-id"})
    desk.tokens += [good, payload, base64.b64encode(b"kanari:kanari").decode()]


def sockets(desk: Desk) -> None:
    """Messages of WebSockets, good and bad."""
    url = desk.url.replace("http", "ws") + "?token=kanari-in-url"
    init = json.dumps(
        {
            "type": "connection_init",
            "payload": {"authorization": f"Bearer {desk.world.olga.token}", "kanari": "kanari"},
        }
    )
    good = json.dumps(
        {
            "id": "kanari",
            "type": "subscribe",
            "payload": {"query": GET, "variables": {"id": "kanari"}},
        }
    )
    bad = json.dumps({"id": "kanari2", "type": "subscribe", "payload": {"query": '{ a(b: "kanari'}})
    watch = json.dumps(
        {
            "id": "kanari3",
            "type": "subscribe",
            "payload": {
                "query": 'subscription kanari { kanari: controlPlaneEvents(after: "kanari"){id} }'
            },
        }
    )
    for messages in (
        [init, good, bad, watch], [init, "kanari"], [init, b"kanari"], ["kanari"],
        ['{"type": "kanari"}'], [init, good, good], [good],
        [json.dumps({"type": "connection_init", "payload": {"authorization": "Bearer kanari"}})],
        [init, json.dumps({"id": "k", "type": "subscribe", "payload": {"query": 7, "kanari": 1}})],
        [init, "kanari" * 20_000],
    ):  # fmt: skip
        with (
            contextlib.suppress(ConnectionClosed, TimeoutError),
            connect(url, subprotocols=[Subprotocol("graphql-transport-ws")]) as peer,
        ):
            for message in messages:
                peer.send(message)
            for _ in messages:
                peer.recv(timeout=0.5)


def actions(desk: Desk) -> None:
    """Services that fail and answer nonsense, and handlers of a deployment that crash."""
    world = desk.world
    for mode in ("garbage", "cut", "500", "503"):
        world.service.fault("/orders/kanari*", mode, times=1)
        call(world.olga, "query", "supportOrderLookup", "status", {"orderId": f"kanari-{mode}"})
    call(world.olga, "query", "supportOrderLookup", "status", {"orderId": "kanari-unknown"})
    for name in ("Crash", "Later"):
        note = f"kanari {PHONE} {IBAN} kanari@example.com"
        call(world.olga, "mutation", f"shopNote{name}", "done", {"note": note})
    large = refund(31.07)
    large["input"]["customerEmail"] = "kanari@example.com"
    ran = world.run([lookup(order="o-1001"), large])
    world.wait(ran["executionId"], "COMPLETED")


def test_nothing_that_is_planted_shows_in_what_a_server_writes(desk: Desk) -> None:
    documents(desk)
    bodies(desk)
    credentials(desk)
    sockets(desk)
    actions(desk)
    desk.tokens += [desk.world.olga.token or "", desk.world.agent.token or ""]
    text = desk.written()
    planted = (CANARY, "77997799", "7799779977", IBAN[4:], *desk.tokens)
    hits = [line for line in text.splitlines() if any(one in line.lower() for one in planted)]
    hits += [line for line in text.splitlines() if any(one in line for one in desk.tokens)]
    assert hits == []
    assert all(json.loads(line) for line in text.splitlines())  # nothing is written beside the log
    told = desk.lines(text, "gateway.operations")
    assert {line["transport"] for line in told} == {"http", "sse", "websocket"}
    assert {line.get("problem") for line in told} >= {
        None, "GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED", "NOT_FOUND",
    }  # fmt: skip
    assert any(str(line.get("problem")).endswith("_LIMIT_EXCEEDED") for line in told)
    requests = desk.lines(text, "gateway.access")
    assert {line["route"] for line in requests} >= {"/graphql", "none", "/evidence/{run_id}"}
    assert "other" in {line["method"] for line in requests}
    of_server = [line["message"] for line in desk.lines(text, "uvicorn.error")]
    assert "Invalid HTTP request received." in of_server
    assert any("failure" in line for line in desk.lines(text, "shop"))
    of_process = desk.lines(text, "gateway.process")
    assert {line["message"] for line in of_process} >= {
        "a thread ended by an exception",
        "Exception in callback in the event loop",
        "Task exception was never retrieved in the event loop",
    }
    assert [line for line in of_process if line["message"].startswith("RuntimeWarning")] == []


def test_each_request_and_operation_has_one_line_with_the_same_id_and_trace(desk: Desk) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    answer = desk.post(
        {"query": "query ExecutionMine { controlPlaneExecutionMine(input: {}) { total } }"},
        traceparent=f"00-{trace}-b7ad6b7169203331-01",
    )
    text = desk.written()
    (operation,) = desk.lines(text, "gateway.operations")
    (request,) = desk.lines(text, "gateway.access")
    assert operation["request_id"] == request["request_id"]
    assert operation["trace_id"] == request["trace_id"] == trace
    assert (operation["principal_type"], operation["workspace"]) == ("human", "acme")
    assert operation["operation_name"] == "ExecutionMine"
    assert request["status"] == answer.status_code
    assert request["bytes"] == len(answer.content)
    assert request["duration_ms"] >= operation["duration_ms"] > 0


def test_the_log_of_warnings_alone_has_no_line_of_a_request(tmp_path: Path) -> None:
    world = make_world(tmp_path, GATEWAY_LOG_LEVEL="warning", GATEWAY_LOG_FORMAT="text")
    try:
        world.submit()
        world.gateway.stop()
        assert world.gateway.log() == ""
    finally:
        end_world(world)


@pytest.mark.parametrize(
    "command",
    [
        ("audit", "verify"),
        ("journal", "rebuild"),
        ("policy", "log"),
        ("policy", "lint"),
        ("skill", "verify", "kanari.json"),
        ("evidence", "verify", "kanari.zip"),
    ],
)
def test_no_command_prints_a_traceback_or_a_value_of_a_broken_record(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "gateway.db").write_bytes(b"SQLite format 3\0" + b"kanari" * 900)
    more = [] if command[0] in ("skill", "evidence") else ["--data-dir", str(data)]
    done = run_to_end([*GATEWAY, *command, *more], cwd=tmp_path)
    written = done.stdout + done.stderr
    assert "Traceback" not in written
    assert "kanari" not in written.replace("kanari.json", "").replace("kanari.zip", "")
