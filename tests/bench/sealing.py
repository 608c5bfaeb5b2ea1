"""What it costs to seal personal data: the same runs with their fields declared PII and without."""

import asyncio
import contextlib
import itertools
import statistics
from collections.abc import AsyncIterator
from pathlib import Path

from gateway.app import Gateway
from gateway.model.json import JsonObject
from tests.bench.figures import Figure, against, at_least
from tests.bench.world import OLGA, bench_gateway, call, prepared

RUNS = 500
ROUNDS = 3
IN_FLIGHT = 64
PEOPLE = 2_000
ENOUGH = 0.85
"""The share of the durable rate that must be left."""

_PERSON = """
key: bench.person.{name}
version: 1.0.0
kind: command
title: Person
description: Answers what it was asked for.
domain: bench
owners: [bench]
risk: low
capability: bench.core@1.0.0
input: {{personId: ID!, email: EmailAddress, iban: String}}
output: {{personId: ID!, email: EmailAddress, iban: String}}
policy: {policy}
handler: {{python: {{target: "tests.bench.sealing:answer", timeout: 5s, idempotencyKey: true}}}}
"""
_SEALED = "{auth: user, idempotent: true, pii: [email, iban], subject: personId}"
_PLAIN = "{auth: user, idempotent: true}"


async def answer(value: JsonObject, _context: object) -> JsonObject:
    """The action: the person that was asked for."""
    return value


async def sealing_figures(folder: Path) -> list[Figure]:
    """Measure complete five-step runs, each about one of many people."""
    rates: dict[str, list[float]] = {"plain": [], "sealed": []}
    async with _gateway(folder) as gateway:
        people = itertools.count()
        for _ in range(ROUNDS):
            for name, found in rates.items():
                found.append(await _rate(gateway, name, people))
    sealed, plain = (statistics.median(rates[name]) for name in ("sealed", "plain"))
    told = "the same runs with nothing declared PII"
    figure = against("five-step runs, two PII fields a step", sealed, "runs/s", told, plain)
    return [at_least(figure, ENOUGH)]


@contextlib.asynccontextmanager
async def _gateway(folder: Path) -> AsyncIterator[Gateway]:
    contracts = {
        f"person.{name}.yaml": _PERSON.format(name=name, policy=policy)
        for name, policy in (("sealed", _SEALED), ("plain", _PLAIN))
    }
    async with bench_gateway(folder, contracts=contracts) as gateway:
        yield gateway


async def _rate(gateway: Gateway, name: str, people: "itertools.count[int]") -> float:
    gate = asyncio.Semaphore(IN_FLIGHT)

    async def one() -> None:
        async with gate:
            ids = await prepared(gateway, _draft(name, next(people) % PEOPLE))
            started = await call(gateway, OLGA, "controlPlane.execution.start", ids)
            await gateway.loop.dispatcher.settled(started["runId"])

    await asyncio.gather(*(one() for _ in range(IN_FLIGHT)))
    began = asyncio.get_running_loop().time()
    await asyncio.gather(*(one() for _ in range(RUNS)))
    return RUNS / (asyncio.get_running_loop().time() - began)


def _draft(name: str, person: int) -> JsonObject:
    given = {
        "personId": f"p-{person}",
        "email": f"person.{person}@example.com",
        "iban": "DE89370400440532013000",
    }
    taken = [
        {field: {"$from": f"s{step}.{field}"} for field in ("personId", "email", "iban")}
        for step in range(4)
    ]
    inputs = [given, given, taken[0], taken[1], taken[2]]
    contract = f"bench.person.{name}"
    return {
        "steps": [
            {"key": f"s{index}", "contract": contract, "input": value}
            for index, value in enumerate(inputs)
        ]
    }
