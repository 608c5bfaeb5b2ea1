"""The door against GraphQL servers of other makers, each in a process of its own."""

import contextlib
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bench.figures import Figure, against, at_least
from tests.bench.http_rates import load, request
from tests.processes import ROOT

_FOLDER = Path(__file__).parent / "doors"

_LIST = """query ($input: BenchRowsListInput!) { benchRowsList(input: $input)
 { rows { id name status amount ratio open note tags } } }"""
_START = """mutation ($input: BenchExecutionStartInput!) { benchExecutionStart(input: $input)
 { runId status startedAt } }"""
_SUBMIT = """mutation ($input: ControlPlaneIntentSubmitInput!) {
 controlPlaneIntentSubmit(input: $input) { executionId intentId status receivedAt } }"""

LIST = {"query": _LIST, "variables": {"input": {"limit": 100}}}
START = {
    "query": _START,
    "variables": {"input": {"executionId": "exec_1", "planId": "plan_1", "mode": "AUTONOMOUS"}},
}
SUBMIT = {
    "query": _SUBMIT,
    "variables": {"input": {"workspaceId": "bench", "text": "add five numbers"}},
}


TURNS = 4
SECONDS = 1.5
WARM_UP = 0.5
"""All servers are measured in turns of so many seconds, and the best turn of each counts: others
use the machine as well, and its speed drifts."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server, by what it is called and how it is started."""

    name: str
    command: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Call:
    """One request to one server, and what was measured of it in each turn."""

    server: Server
    what: str
    address: tuple[str, int]
    request: str
    turns: list[dict[str, Any]] = field(default_factory=list)

    def best(self) -> dict[str, Any]:
        """The turn in which most was answered."""
        return max(self.turns, key=lambda turn: turn["rate"])


def _python(module: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", f"tests.bench.doors.{module}", *arguments)


STRAWBERRY = Server("Strawberry as shipped", _python("strawberry_door"))
CACHED = Server("Strawberry with its caches", _python("strawberry_door", "cached"))
ARIADNE = Server("Ariadne", _python("ariadne_door"))
APOLLO = Server("Apollo Server 5", ("node", str(_FOLDER / "apollo.mjs")))
YOGA = Server("GraphQL Yoga", ("node", str(_FOLDER / "yoga.mjs")))
JIT = Server("graphql-jit over node:http", ("node", str(_FOLDER / "jit.mjs")))
BARE = Server("a bare Starlette route with orjson", _python("starlette_door"))
LAYER = Server("the GraphQL layer alone", _python("layer_door"))
GATEWAY = Server("governed", _python("gateway_door"))
RIVALS = (STRAWBERRY, CACHED, ARIADNE, APOLLO, YOGA, JIT, BARE)

_GOALS = {
    ("mutation", STRAWBERRY): 25,
    ("list", STRAWBERRY): 25,
    ("mutation", APOLLO): 2.5,
    ("list", APOLLO): 5,
    ("mutation", JIT): 1,
    ("list", JIT): 1,
    ("mutation", BARE): 1,
    ("list", BARE): 1,
}


async def door_figures(_folder: Path) -> list[Figure]:
    """A mutation and a list of 100 x 8 fields over HTTP, 32 connections, one server at a time."""
    asked = {"mutation": START, "list": LIST}
    governed = {"mutation": SUBMIT, "list": LIST}
    with contextlib.ExitStack() as servers:
        calls = [
            _Call(server, what, address, _post(body, token))
            for server in (*RIVALS, LAYER, GATEWAY)
            for address, token in [servers.enter_context(_running(server))]
            for what, body in (governed if server is GATEWAY else asked).items()
        ]
        for _ in range(TURNS):
            for call in calls:
                call.turns.append(await load(call.address, call.request, SECONDS, WARM_UP))
    best = {(call.what, call.server.name): call.best() for call in calls}
    rates = {key: turn["rate"] for key, turn in best.items()}
    layer = [_held(what, rival, rates) for what in asked for rival in RIVALS]
    return [*layer, *_governed(best["list", GATEWAY.name], best["mutation", GATEWAY.name], rates)]


def _held(what: str, rival: Server, rates: dict[tuple[str, str], float]) -> Figure:
    """The layer alone beside a rival, held to what the two should come to."""
    value, beside = rates[what, LAYER.name], rates[what, rival.name]
    figure = against(f"{LAYER.name}: {what}", value, "req/s", rival.name, beside)
    goal = _GOALS.get((what, rival))
    return figure if goal is None else at_least(figure, goal)


def _governed(
    query: dict[str, Any], command: dict[str, Any], rates: dict[tuple[str, str], float]
) -> list[Figure]:
    """The whole gateway beside servers with nothing governed."""

    def beside(name: str, value: float, rival: Server, what: str, goal: float) -> Figure:
        told = f"{rival.name}, nothing governed"
        return at_least(against(name, value, "req/s", told, rates[what, rival.name]), goal)

    listed, started = "governed list, 10,000 rules", "governed mutation with its durable record"
    return [
        beside(listed, query["rate"], STRAWBERRY, "list", 15),
        beside(listed, query["rate"], APOLLO, "list", 1),
        beside(started, command["rate"], STRAWBERRY, "mutation", 8),
        Figure("governed list, p99", query["p99"] * 1e3, "ms"),
        Figure("governed mutation, p99", command["p99"] * 1e3, "ms"),
    ]


def _post(body: dict[str, Any], token: str) -> str:
    text = json.dumps(body, separators=(",", ":"))  # as JavaScript writes it
    header = f"authorization: Bearer {token}\r\n" if token else ""
    return request("POST", "/graphql", text, f"accept: application/json\r\n{header}")


@contextlib.contextmanager
def _running(server: Server) -> Iterator[tuple[tuple[str, int], str]]:
    """Where a server listens, and the token that it takes."""
    process = subprocess.Popen(server.command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        port, _, token = process.stdout.readline().strip().partition(" ")
        _wait_for(int(port))
        yield ("127.0.0.1", int(port)), token
    finally:
        process.kill()
        process.wait()


def _wait_for(port: int) -> None:
    """Return once somebody listens."""
    give_up = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except ConnectionRefusedError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.05)
        else:
            return
