"""Whoever asks for all that a shipped contract answers, at its default length, may do so."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLObjectType,
    get_named_type,
    is_object_type,
    is_required_argument,
    is_required_input_field,
)

from gateway.surfaces.graphql import Engine, Introspection, Limits, build_schema
from gateway.surfaces.graphql.requests.parameters import Parameters
from tests.loaded import load_contracts
from tests.unit.graphql.support import ADMIN, FakeDoor

SCHEMA = build_schema(load_contracts([Path(__file__).parents[3] / "schema"]))
BEYOND: dict[str, str] = {}
"""Fields all of whose parts cannot be asked for at once, each with the reason."""


def roots() -> Iterator[tuple[str, str, GraphQLField]]:
    for kind in ("query", "mutation", "subscription"):
        root: GraphQLObjectType | None = getattr(SCHEMA, f"{kind}_type")
        assert root is not None
        for name, field in root.fields.items():
            yield kind, name, field


ROOTS = {name: (kind, field) for kind, name, field in roots()}


def whole(declared: Any, above: tuple[str, ...] = ()) -> str:
    """All fields of a type, and of those below it; a type within itself is left out there."""
    kind = get_named_type(declared)
    if not is_object_type(kind):
        return "" if not hasattr(kind, "fields") else " { __typename }"
    inner = (*above, kind.name)
    chosen = [
        name + whole(field.type, inner)
        for name, field in kind.fields.items()
        if get_named_type(field.type).name not in inner
    ]
    return f" {{ {' '.join(chosen)} }}"


def document(kind: str, name: str, field: GraphQLField) -> str:
    """The operation, with a variable for each argument that has to be given."""
    needed = {key: one for key, one in field.args.items() if is_required_argument(one)}
    variables = ", ".join(f"${key}: {one.type}" for key, one in needed.items())
    arguments = ", ".join(f"{key}: ${key}" for key in needed)
    declared, given = (f"({variables})", f"({arguments})") if needed else ("", "")
    return f"{kind} All{declared} {{ {name}{given}{whole(field.type)} }}"


def prepared_cost(name: str, engine: Engine) -> int:
    kind, field = ROOTS[name]
    variables = {key: _least(one.type) for key, one in field.args.items()}
    parameters = Parameters(document(kind, name, field), variables)
    return engine.prepare(parameters, ADMIN, None).cost


def _least(declared: Any) -> Any:
    """A value of the least size, without limit or first."""
    kind = get_named_type(declared)
    if not isinstance(kind, GraphQLInputObjectType):
        return "x"
    return {
        key: _least(one.type) for key, one in kind.fields.items() if is_required_input_field(one)
    }


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(SCHEMA, FakeDoor(), introspection=Introspection.ON, limits=Limits())


@pytest.mark.parametrize("name", [name for name in ROOTS if name not in BEYOND])
def test_all_that_a_contract_answers_may_be_asked_for_at_once(name: str, engine: Engine) -> None:
    assert 0 < prepared_cost(name, engine) <= Limits().cost


def test_what_is_beyond_the_limits_is_there_and_has_a_reason() -> None:
    assert set(BEYOND) <= set(ROOTS)
    assert all(BEYOND.values())


def test_each_list_is_weighed_in_these_selections(engine: Engine) -> None:
    assert prepared_cost("auditContractReview", engine) > 4 * 50 * 10  # four lists of ten fields
