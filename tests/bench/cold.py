"""What a start costs: the schema of many contracts, and a gateway until its first answer."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
from graphql import GraphQLSchema

from gateway.contracts import load_contracts
from gateway.surfaces.graphql import build_schema, print_sdl
from tests.bench.figures import Figure, at_most
from tests.processes import Server

CONTRACTS = 1000
STARTS = 5
SCHEMA_GOAL = 4.0
ANSWER_GOAL = 2.0

_CONTRACT = """
key: stock{number}.part.{verb}
version: 1.0.0
kind: {kind}
title: Handle part {number}
description: Stands for one of many contracts of a large catalogue.
domain: stock{number}
owners: [stock]
risk: low
capability: stock.core@1.0.0
input: {{id: ID!, lines: "[Line!]", since: DateTime, state: State}}
output: {{id: ID!, lines: "[Line!]!", total: Float, at: DateTime!, holder: Holder!}}
types:
  Line: {{sku: ID!, count: Int!, note: String, price: Float, parts: "[Part!]"}}
  Part: {{id: ID!, weight: Float, state: State!}}
  Holder: {{id: ID!, place: String, state: State!, lines: "[Line!]"}}
  State: [OPEN, RESERVED, GONE]
policy: {{auth: user}}
handler: {{http: {{method: POST, url: "https://stock.example/{number}", timeout: 5s}}}}
"""


async def cold_figures(folder: Path) -> list[Figure]:
    """The schema of 1,000 contracts, and a process of the shipped ones until its first answer."""
    return [*_schema_figures(folder / "contracts"), *_start_figures(folder / "server")]


def _schema_figures(folder: Path) -> list[Figure]:
    folder.mkdir(parents=True)
    for number in range(CONTRACTS):
        (folder / f"part{number}.yaml").write_text(_contract(number), encoding="utf-8")
    began = time.process_time()
    registry = load_contracts([folder])
    loaded = time.process_time()
    schema = build_schema(registry)
    built = time.process_time()
    print_sdl(schema)
    printed = time.process_time()
    told = f"schema of {CONTRACTS:,} contracts, {_own_types(schema):,} types"
    return [
        Figure(f"{CONTRACTS:,} contract files read and checked", loaded - began, "CPU s"),
        at_most(Figure(f"{told}, built", built - loaded, "CPU s"), SCHEMA_GOAL),
        Figure(f"{told}, printed", printed - built, "CPU s"),
    ]


def _contract(number: int) -> str:
    """A query or a command, in turn, in a domain of its own, hence with types of its own."""
    verb, kind = ("move", "command") if number % 2 else ("get", "query")
    return _CONTRACT.format(number=number, verb=verb, kind=kind)


def _own_types(schema: GraphQLSchema) -> int:
    return sum(not name.startswith("__") for name in schema.type_map)


@dataclass(frozen=True)
class _Start:
    """A gateway's process when it had answered its first query: seconds, and bytes."""

    wall: float
    cpu: float
    resident: int


def _start_figures(folder: Path) -> list[Figure]:
    folder.mkdir(parents=True)
    env = {key: value for key, value in os.environ.items() if not key.startswith("GATEWAY_")}
    server = Server(folder, env)
    first = _started(server)
    later = sorted((_started(server) for _ in range(STARTS)), key=lambda start: start.wall)
    usual = later[STARTS // 2]
    told = "gateway serve, start -> first answered query"
    return [
        at_most(Figure(told, usual.wall, "s"), ANSWER_GOAL),
        Figure(f"{told}, processor time", usual.cpu, "CPU s"),
        Figure(f"{told}, on an empty folder", first.wall, "s"),
        Figure("gateway serve after its first answer, resident", usual.resident / 2**20, "MiB"),
    ]


def _started(server: Server) -> _Start:
    """Start a gateway, have it answer a governed query, and end it."""
    began = time.perf_counter()
    server.start()
    assert server.process is not None
    try:
        server.caller("olga", "admin").query("controlPlaneExecutionList", "total", {})
        wall = time.perf_counter() - began
        process = psutil.Process(server.process.pid)
        spent = process.cpu_times()
        return _Start(wall, spent.user + spent.system, process.memory_info().rss)
    finally:
        server.stop()
