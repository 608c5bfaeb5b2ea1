"""Shipped contracts that cost much of a processor: one document holds few of them, and every
document of the console, the command line and the demo still passes."""

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from graphql import GraphQLInputObjectType, OperationDefinitionNode, parse, type_from_ast

from examples.demo import documents as demo
from gateway.cli.remote import documents as commands
from gateway.surfaces.console.asking import documents as of_console
from gateway.surfaces.graphql import Engine, Introspection, Limits, build_schema
from gateway.surfaces.graphql.requests.parameters import Parameters
from tests.loaded import load_contracts
from tests.unit.graphql.support import ADMIN, FakeDoor

SCHEMA = build_schema(load_contracts([Path(__file__).parents[3] / "schema"]))
PAGE = 50
"""Items of a list that these documents ask for at a time."""

DEAR = {
    "policyAccessReview(input: {}) { rows }": 35,
    "auditRecordSearch(input: {}) { next }": 15,
    "controlPlaneEventList(input: {limit: 1}) { items { id } }": 26,
    'controlPlaneTraceGet(input: {executionId: "a"}) { executionId }': 90,
    "controlPlaneSkillVerify(input: $manifest) { verified }": 15,
}
"""Fields, and milliseconds of processor time that each was measured to take of what is no large
record: those of a trace are for a run of many steps."""


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(SCHEMA, FakeDoor(), introspection=Introspection.ON, limits=Limits())


def cost(engine: Engine, query: str, variables: dict[str, Any] | None = None) -> int:
    return engine.prepare(Parameters(query, variables or {}), ADMIN, None).cost


def of_module(module: ModuleType) -> Iterator[tuple[str, str]]:
    for name, text in vars(module).items():
        if name.isupper() and isinstance(text, str) and text.startswith(("query", "mutation")):
            yield f"{module.__name__}.{name}", text


SHIPPED = [*of_console().items(), *of_module(commands), *of_module(demo)]


def paged(query: str) -> dict[str, Any]:
    """Variables that ask for whole pages."""
    (operation,) = (
        node for node in parse(query).definitions if isinstance(node, OperationDefinitionNode)
    )
    given: dict[str, Any] = {}
    for declared in operation.variable_definitions or ():
        name, kind = declared.variable.name.value, type_from_ast(SCHEMA, declared.type)
        inner = getattr(kind, "of_type", kind)
        if isinstance(inner, GraphQLInputObjectType):
            given[name] = {"limit": PAGE} if "limit" in inner.fields else {}
        else:
            given[name] = PAGE if name in ("limit", "first") else "x"
    return given


@pytest.mark.parametrize(("name", "query"), SHIPPED, ids=[name for name, _ in SHIPPED])
def test_documents_that_are_shipped_pass(name: str, query: str, engine: Engine) -> None:
    assert 0 < cost(engine, query, paged(query)) <= Limits().cost


@pytest.mark.parametrize("field", DEAR)
def test_a_document_holds_few_that_are_dear(field: str, engine: Engine) -> None:
    """So few that they take no more than a document may that calls nothing dear."""
    root, _, rest = field.partition("(")
    declared = "query ($manifest: ControlPlaneSkillVerifyInput!)" if "$" in field else ""
    once = cost(engine, f"{declared} {{ {root}({rest} }}")
    assert once * 2 <= Limits().cost
    assert Limits().cost // once * DEAR[field] <= 360


def test_what_an_action_answers_weighs_what_it_takes_also_where_it_is_loaded_by_id(
    engine: Engine,
) -> None:
    ids = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    each = cost(engine, ids, {"ids": ["a", "b"]}) - cost(engine, ids, {"ids": ["a"]})
    assert each >= 40
    assert cost(engine, '{ supportOrderLookup(input: {orderId: "a"}) { orderId } }') >= 40
