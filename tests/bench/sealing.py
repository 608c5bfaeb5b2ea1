"""What it costs to seal personal data: the same runs with their fields declared PII and without."""

import asyncio
import contextlib
import itertools
import statistics
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TypeAlias

from gateway.app import Gateway
from gateway.model.json import JsonObject
from tests.bench.figures import Figure, against, at_least
from tests.bench.world import OLGA, bench_gateway, call, prepared

RUNS = 500
ROUNDS = 3
IN_FLIGHT = 64
PEOPLE = 100
"""How many people the runs are about, in turn, who are known after the first time."""

ENOUGH = 0.85
"""The share of the durable rate that must be left."""

Rates: TypeAlias = tuple[float, float]
"""Runs for each second that passed, and for each second of processor time."""

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
_PLAIN = "{auth: user, idempotent: true, notPii: {email: a benchmark, iban: a benchmark}}"


async def answer(value: JsonObject, _context: object) -> JsonObject:
    """The action: the person that was asked for."""
    return value


async def sealing_figures(folder: Path) -> list[Figure]:
    """Measure complete five-step runs that seal two fields of each input and output."""
    taken: dict[str, list[Rates]] = {"plain": [], "known": [], "new": []}
    async with _gateway(folder) as gateway:
        strangers = itertools.count(PEOPLE)
        people = itertools.cycle(range(PEOPLE))
        for _ in range(ROUNDS):
            taken["plain"].append(await _rates(gateway, "plain", people))
            taken["known"].append(await _rates(gateway, "sealed", people))
            taken["new"].append(await _rates(gateway, "sealed", strangers))
    # By processor time, which does not depend on who else computes here.
    (rate, computed), (known, known_computed), (_, new_computed) = (
        [statistics.median(one[at] for one in found) for at in (0, 1)] for found in taken.values()
    )
    told, name = "the same with nothing declared PII", "sealing runs"
    compared = against(f"{name}, by processor", known_computed, "runs/s", told, computed)
    return [
        against(f"{name}, two fields a step", known, "runs/s", told, rate),
        at_least(compared, ENOUGH),
        against(f"{name}, somebody new each time", new_computed, "runs/s", told, computed),
    ]


@contextlib.asynccontextmanager
async def _gateway(folder: Path) -> AsyncIterator[Gateway]:
    contracts = {
        f"person.{name}.yaml": _PERSON.format(name=name, policy=policy)
        for name, policy in (("sealed", _SEALED), ("plain", _PLAIN))
    }
    async with bench_gateway(folder, contracts=contracts) as gateway:
        yield gateway


async def _rates(gateway: Gateway, name: str, people: Iterator[int]) -> Rates:
    gate = asyncio.Semaphore(IN_FLIGHT)

    async def one() -> None:
        async with gate:
            ids = await prepared(gateway, _draft(name, next(people)))
            started = await call(gateway, OLGA, "controlPlane.execution.start", ids)
            await gateway.loop.dispatcher.settled(started["runId"])

    await asyncio.gather(*(one() for _ in range(IN_FLIGHT)))
    began, computed = time.perf_counter(), time.process_time()
    await asyncio.gather(*(one() for _ in range(RUNS)))
    return RUNS / (time.perf_counter() - began), RUNS / (time.process_time() - computed)


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
