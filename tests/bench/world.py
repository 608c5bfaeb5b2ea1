"""A gateway inside the bench process: the real one, on a real SQLite file, without HTTP."""

import asyncio
import contextlib
import gc
import shutil
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from gateway.app import Gateway, running
from gateway.environment import load_settings
from gateway.model.collector import spare_what_is_loaded
from gateway.model.json import JsonObject
from gateway.model.principal import Principal, PrincipalType

AGENT = Principal(PrincipalType.AGENT, "agent-1", "bench", frozenset({"user", "planner"}))
OLGA = Principal(PrincipalType.HUMAN, "olga", "bench", frozenset({"admin"}))

_ADD = """
key: bench.numbers.add
version: 1.0.0
kind: command
title: Add
description: Adds two numbers in this process.
domain: bench
owners: [bench]
risk: low
capability: bench.core@1.0.0
input: {left: Int!, right: Int!}
output: {sum: Int!}
policy: {auth: user, idempotent: true}
handler: {python: {target: "tests.bench.world:add", timeout: 5s, idempotencyKey: true}}
"""

_ASK = _ADD.replace("numbers.add", "numbers.ask").replace("risk: low", "risk: high")


_WAIT = _ADD.replace("numbers.add", "numbers.wait").replace("world:add", "world:add_slowly")


def contract_files() -> dict[str, str]:
    """The contracts of the benchmarks by the names of their files."""
    return {"numbers.add.yaml": _ADD, "numbers.ask.yaml": _ASK, "numbers.wait.yaml": _WAIT}


async def add(value: JsonObject, _context: object) -> JsonObject:
    """The action of the benchmarks: as little work as there can be."""
    return {"sum": value["left"] + value["right"]}


async def add_slowly(value: JsonObject, context: object) -> JsonObject:
    """The action of a service that answers after 20 ms."""
    await asyncio.sleep(0.02)
    return await add(value, context)


FIVE_STEPS: JsonObject = {
    "steps": [
        {"key": "a", "contract": "bench.numbers.add", "input": {"left": 1, "right": 2}},
        {"key": "b", "contract": "bench.numbers.add", "input": {"left": 3, "right": 4}},
        {
            "key": "c",
            "contract": "bench.numbers.add",
            "input": {"left": {"$from": "a.sum"}, "right": {"$from": "b.sum"}},
        },
        {
            "key": "d",
            "contract": "bench.numbers.add",
            "input": {"left": {"$from": "c.sum"}, "right": 1},
        },
        {
            "key": "e",
            "contract": "bench.numbers.add",
            "input": {"left": {"$from": "d.sum"}, "right": {"$from": "a.sum"}},
        },
    ]
}
"""A plan of five steps, two of which may run side by side."""

ASKS: JsonObject = {
    "steps": [{"key": "ask", "contract": "bench.numbers.ask", "input": {"left": 1, "right": 2}}]
}
"""A plan that waits for a human."""


@contextlib.asynccontextmanager
async def bench_gateway(
    folder: Path, *, contracts: Mapping[str, str] | None = None, **given: Any
) -> AsyncIterator[Gateway]:
    """A gateway with the bench's contracts and the shipped policies, in a fresh folder.

    ``contracts`` are further contract files by name, ``given`` further settings. Like ``gateway
    serve`` it spares the collector what was loaded. Nothing is refused for its delay: what is slow
    is to be measured.
    """
    shutil.rmtree(folder, ignore_errors=True)
    schema = folder / "schema"
    schema.mkdir(parents=True)
    for name, text in {**contract_files(), **(contracts or {})}.items():
        (schema / name).write_text(text)
    settings = load_settings(
        data_dir=folder / "data", schema_dir=(schema,), port=0, **{"max_delay": 60.0, **given}
    )
    async with running(settings) as gateway:
        before = gc.get_threshold()
        spare_what_is_loaded()
        try:
            yield gateway
        finally:
            gc.unfreeze()
            gc.set_threshold(*before)


async def call(gateway: Gateway, principal: Principal, key: str, value: JsonObject) -> JsonObject:
    """One governed call of a contract by its key."""
    contract = gateway.registry.resolve(key)
    if contract is None:
        raise LookupError(key)
    return await gateway.call(
        contract, value, principal=principal, idempotency_key=None, trace_id=None
    )


async def prepared(gateway: Gateway, draft: JsonObject) -> JsonObject:
    """Submit, compile and verify; returns what start takes."""
    workspace = AGENT.workspace
    intent = await call(
        gateway,
        AGENT,
        "controlPlane.intent.submit",
        {"workspaceId": workspace, "text": "add five numbers"},
    )
    ids = {"executionId": intent["executionId"]}
    plan = await call(
        gateway,
        AGENT,
        "controlPlane.plan.compile",
        {**ids, "intentId": intent["intentId"], "draft": draft},
    )
    ids["planId"] = plan["planId"]
    await call(gateway, AGENT, "controlPlane.plan.verify", ids)
    return ids


async def run(gateway: Gateway, draft: JsonObject) -> None:
    """A complete run: submit, compile, verify, start, and wait until it stops moving."""
    ids = await prepared(gateway, draft)
    started = await call(gateway, OLGA, "controlPlane.execution.start", ids)
    await gateway.loop.dispatcher.settled(started["runId"])
