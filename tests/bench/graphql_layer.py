"""What GraphQL itself costs: a compiled operation against graphql-core on the same schema.

In one process, without HTTP and without the pipeline: the schema is the shipped one, and behind it
stands a door that answers at once.
"""

import gc
import time
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from pathlib import Path
from typing import Any

from graphql import ExecutionResult, execute

from gateway.contracts import load_contracts
from gateway.loading import contract_folders
from gateway.model.contract import OperationContract
from gateway.model.json import JsonObject
from gateway.model.principal import Principal, PrincipalType
from gateway.surfaces.graphql import Engine, build_schema
from gateway.surfaces.graphql.compiled import Request, is_coroutine
from gateway.surfaces.graphql.operations.execution import Operation
from gateway.surfaces.graphql.requests.parameters import Parameters
from tests.bench.figures import Figure, against, at_least

ROUNDS = 400
SPAN = 0.002
"""Both ways are measured in turns of so many seconds, and the best turn of each counts: others use
the machine as well."""

Way = Callable[[Operation, int], Awaitable[ExecutionResult]]

_START = """mutation ($input: ControlPlaneExecutionStartInput!, $key: String) {
  controlPlaneExecutionStart(input: $input, idempotencyKey: $key) { runId status startedAt } }"""
_GIVEN = {"input": {"executionId": "e1", "planId": "p1", "mode": "AUTONOMOUS"}, "key": "k1"}
_STARTED = {"runId": "r1", "status": "RUNNING", "startedAt": "2026-01-01T00:00:00Z"}

_LIST = """query ($input: PolicyChangesetListInput!) { policyChangesetList(input: $input) {
  items { changesetId status title stale decidedBy decidedAt createdAt updatedAt } } }"""
_ROW = {
    "changesetId": "c1",
    "status": "DRAFT",
    "title": "Let support refund small orders",
    "stale": False,
    "decidedBy": None,
    "decidedAt": None,
    "createdAt": "2026-01-01T00:00:00Z",
    "updatedAt": "2026-01-01T00:00:00Z",
}
_LISTED = {"items": [dict(_ROW) for _ in range(100)], "total": 100}


class _Door:
    """A door that has every answer at hand."""

    async def call(self, contract: OperationContract, _input: JsonObject, **_rest: Any) -> Any:
        return _STARTED if contract.is_command else _LISTED


async def graphql_layer_figures(_folder: Path) -> list[Figure]:
    """Measure one small mutation, and a list of 100 objects with 8 fields each."""
    engine = Engine(build_schema(load_contracts(contract_folders(()))), _Door())
    asker = Principal(PrincipalType.HUMAN, "ada", "acme", frozenset({"admin"}))
    return [
        await _figure("a mutation, compiled", engine, asker, Parameters(_START, _GIVEN)),
        await _figure("100 x 8 fields, compiled", engine, asker, Parameters(_LIST, {"input": {}})),
    ]


async def _figure(name: str, engine: Engine, asker: Principal, asked: Parameters) -> Figure:
    operation = engine.prepare(asked, asker, None)
    answers = [await way(operation, 1) for way in (_by_core, _compiled)]
    assert answers[0] == answers[1]
    assert answers[0].errors is None
    by_core, compiled = await _best(operation, _by_core, _compiled)
    assert operation.document.compiled.interpreted == 0
    return at_least(against(name, 1 / compiled, "1/s", "graphql.execute", 1 / by_core), 8)


async def _best(operation: Operation, *ways: Way) -> list[float]:
    """The seconds that each way takes."""
    times = [max(1, round(SPAN / await _seconds(way, operation, 10))) for way in ways]
    best = [float("inf")] * len(ways)
    gc.disable()
    for _ in range(ROUNDS):
        for index, way in enumerate(ways):
            best[index] = min(best[index], await _seconds(way, operation, times[index]))
        gc.collect(0)
    gc.enable()
    return best


async def _seconds(way: Way, operation: Operation, times: int) -> float:
    began = time.perf_counter()
    await way(operation, times)
    return (time.perf_counter() - began) / times


async def _compiled(operation: Operation, times: int) -> ExecutionResult:
    document, result = operation.document, ExecutionResult()
    for _ in range(times):
        request = Request(operation.parameters.variables, operation.context)
        result = await document.compiled.execute(document, operation.definition, request)
    return result


async def _by_core(operation: Operation, times: int) -> ExecutionResult:
    result = ExecutionResult()
    for _ in range(times):
        found = execute(
            operation.schema,
            operation.document.tree,
            context_value=operation.context,
            variable_values=operation.parameters.variables,
            is_awaitable=is_coroutine,
            hide_suggestions=True,
        )
        result = await found if isawaitable(found) else found
    return result
