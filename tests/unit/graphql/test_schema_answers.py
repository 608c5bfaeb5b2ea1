"""Answers about the schema are kept: those that nothing else decides, within so many bytes."""

import asyncio
import gc
import tracemalloc

import pytest
from graphql import (
    DocumentNode,
    OperationDefinitionNode,
    execute_sync,
    get_introspection_query,
    parse,
)

from gateway.model.json import JsonObject
from gateway.model.principal import ANONYMOUS
from gateway.surfaces.graphql import Engine, build_schema
from gateway.surfaces.graphql.operations.execution import run
from gateway.surfaces.graphql.operations.schema_answers import SchemaAnswers
from gateway.surfaces.graphql.requests.parameters import Parameters
from gateway.surfaces.graphql.schema.sight import bytes_of_view
from tests.unit.graphql.support import Catalogue, FakeDoor, application, post

SCHEMA = build_schema(Catalogue())
OTHER = build_schema(Catalogue())


def operation(source: str) -> OperationDefinitionNode:
    return operation_of(parse(source))


def operation_of(tree: DocumentNode) -> OperationDefinitionNode:
    (node, *_) = tree.definitions
    assert isinstance(node, OperationDefinitionNode)
    return node


def asked(engine: Engine, query: str, *, wants_cost: bool = False) -> JsonObject:
    parameters = Parameters(query, wants_cost=wants_cost)
    return asyncio.run(run(engine.prepare(parameters, ANONYMOUS, None)))


def test_the_same_question_has_the_same_answer() -> None:
    engine = Engine(SCHEMA, FakeDoor())
    query = '{ __typename a: __type(name: "Query") { name fields { name } } }'
    first = asked(engine, query)
    told = asked(engine, query, wants_cost=True)
    assert (first["data"]["a"]["name"], "extensions" in first) == ("Query", False)
    assert told["data"] is first["data"]
    assert "cost" in told["extensions"]
    assert asked(engine, query) == first
    assert asked(engine, query + " ")["data"] is not first["data"]
    assert post(application(), query).json() == first


def test_what_is_asked_beside_the_schema_is_asked_anew() -> None:
    door = FakeDoor()
    app = application(door)
    for _ in range(2):
        post(app, '{ __type(name: "Query") { name } shopPing { done } }')
    assert len(door.calls) == 2
    by_name = "query ($n: String!) { __type(name: $n) { name } }"
    for name in ("Query", "Mutation"):
        assert post(app, by_name, variables={"n": name}).json()["data"]["__type"]["name"] == name


def test_answers_keep_within_their_bytes_and_the_recent_ones_stay() -> None:
    answers = SchemaAnswers(100_000)
    asked_for = [operation("{ __schema { types { name } } }") for _ in range(30)]
    first, second = asked_for[:2]
    for number, one in enumerate(asked_for):
        answers.keep(SCHEMA, one, {"number": number, "types": [{"name": "x"}] * 10}, 500)
        assert answers.kept.bytes <= 100_000
        assert answers.find(SCHEMA, first) == {"number": 0, "types": [{"name": "x"}] * 10}
    assert answers.kept.bytes > 85_000
    assert answers.find(SCHEMA, second) is None


@pytest.mark.parametrize(
    "source",
    [
        get_introspection_query(),
        "{ __schema { types { fields { __typename } } } }",
        '{ __type(name: "Query") { name } }',
    ],
)
def test_the_estimated_size_is_not_below_the_real_one(source: str) -> None:
    execute_sync(SCHEMA, parse(source))  # whatever is made once for all answers
    document, answers = parse(source), SchemaAnswers(1 << 24)
    gc.collect()
    tracemalloc.start()
    answers.keep(SCHEMA, operation_of(document), execute_sync(SCHEMA, document).data or {}, 0)
    gc.collect()
    real = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    estimated = answers.kept.bytes - bytes_of_view(SCHEMA)
    assert real <= estimated <= 2 * real + 1000


def test_what_an_answer_keeps_alive_is_part_of_its_size() -> None:
    engine = Engine(SCHEMA, FakeDoor())
    parameters = Parameters("{ __schema { " + "description " * 100 + "} }")
    operation_asked = engine.prepare(parameters, ANONYMOUS, None)
    asyncio.run(run(operation_asked))
    kept = operation_asked.document.schema_answers.kept
    assert kept.bytes > operation_asked.document.size + bytes_of_view(SCHEMA) > 80_000


def test_only_what_nothing_else_decides_is_kept() -> None:
    answers = SchemaAnswers(1 << 20)
    for source in (
        "{ __schema { types { name } } shopPing { done } }",
        "query ($a: Boolean!) { __schema @skip(if: $a) { types { name } } }",
        "{ ...f } fragment f on Query { shopPing { done } }",
        "mutation { __typename }",
    ):
        one = operation(source)
        answers.keep(SCHEMA, one, {}, 500)
        assert answers.find(SCHEMA, one) is None


def test_who_sees_another_schema_is_told_of_that_one() -> None:
    answers, asked = SchemaAnswers(1 << 20), operation("{ __schema { types { name } } }")
    answers.keep(SCHEMA, asked, {"of": "one"}, 500)
    assert answers.find(OTHER, asked) is None
    answers.keep(OTHER, asked, {"of": "other"}, 500)
    assert answers.find(SCHEMA, asked) == {"of": "one"}
    assert answers.find(OTHER, asked) == {"of": "other"}
