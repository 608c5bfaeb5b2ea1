"""The GraphQL documents that the pages offer to copy fit the published schema, variables too."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    GraphQLSchema,
    OperationDefinitionNode,
    build_schema,
    parse,
    validate,
)
from graphql.execution.values import get_variable_values

ROOT = Path(__file__).resolve().parents[2]
_BLOCK = re.compile(r"^```(graphql|json)\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build_schema((ROOT / "schema" / "gateway.graphql").read_text(encoding="utf-8"))


def offered(text: str) -> list[tuple[str, list[dict[str, Any]]]]:
    """Each document of a page, with the variables that stand after it."""
    found: list[tuple[str, list[dict[str, Any]]]] = []
    for kind, block in _BLOCK.findall(text):
        if kind == "graphql":
            found.append((block, []))
        elif found and set(variables := json.loads(block)) == {"input"}:
            found[-1][1].append(variables)
    return found


def faults(schema: GraphQLSchema, document: str, variables: list[dict[str, Any]]) -> list[str]:
    """What is wrong with a document and its variables."""
    parsed = parse(document)
    (operation,) = parsed.definitions
    assert isinstance(operation, OperationDefinitionNode)
    told = [error.message for error in validate(schema, parsed)]
    for given in variables:
        coerced = get_variable_values(schema, operation.variable_definitions or (), given)
        if isinstance(coerced, list):
            told += [error.message for error in coerced]
    return told


def test_every_document_of_the_policy_page_fits_the_schema(schema: GraphQLSchema) -> None:
    documents = offered((ROOT / "docs" / "policies.md").read_text(encoding="utf-8"))
    assert len(documents) >= 10
    assert sum(len(variables) for _, variables in documents) >= 5
    found = [fault for one in documents for fault in faults(schema, *one)]
    assert found == []


def test_a_document_that_does_not_fit_is_found(schema: GraphQLSchema) -> None:
    text = (
        "```graphql\nquery Q($input: PolicyChangesetGetInput!) "
        "{ policyChangesetGet(input: $input) { nothing } }\n```\n"
        '```json\n{"input": {"changeset": "chg"}}\n```\n'
    )
    ((document, variables),) = offered(text)
    assert len(faults(schema, document, [])) == 1
    assert len(faults(schema, document, variables)) > 1
