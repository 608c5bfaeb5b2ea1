"""The schema of the shipped contracts: it builds, is valid, and runs through the door."""

from pathlib import Path

import pytest
from graphql import build_schema as parse_sdl
from graphql import get_introspection_query, validate_schema

from gateway.contracts import Registry
from gateway.surfaces.graphql import build_schema, print_sdl
from tests.loaded import load_contracts
from tests.unit.graphql.support import FakeDoor, application, post

SCHEMA = Path(__file__).parents[3] / "schema"


@pytest.fixture(scope="module")
def registry() -> Registry:
    folders = [folder for folder in sorted(SCHEMA.iterdir()) if folder.is_dir()]
    return load_contracts([folder for folder in folders if not folder.name.startswith("_")])


def test_every_contract_is_a_root_field_of_its_kind(registry: Registry) -> None:
    schema = parse_sdl(print_sdl(build_schema(registry)))
    assert validate_schema(schema) == []
    assert schema.query_type is not None
    assert schema.mutation_type is not None
    for name, contract in registry.fields.items():
        root = schema.mutation_type if contract.is_command else schema.query_type
        arguments = root.fields[name].args
        assert ("input" in arguments) is bool(contract.input)
        assert ("idempotencyKey" in arguments) is contract.is_command


def test_types_are_those_of_the_contracts_but_for_nullable_pii(registry: Registry) -> None:
    types = build_schema(registry).type_map
    for name, contract in registry.fields.items():
        prefix = name[0].upper() + name[1:]
        for suffix, declared in (("Input", contract.input), ("Output", contract.output)):
            for field, ref in declared.items():
                found = str(types[prefix + suffix].fields[field].type)
                hidden = suffix == "Output" and field in contract.policy.pii
                assert found.endswith("!") is (ref.required and not hidden)
                assert found.count("[") == str(ref).count("[")


def test_the_shipped_schema_can_be_introspected_within_the_limits(registry: Registry) -> None:
    answer = post(application(FakeDoor(), catalogue=registry), get_introspection_query())
    assert "errors" not in answer.json()


def test_a_shipped_command_reaches_the_door(registry: Registry) -> None:
    door = FakeDoor({"controlPlane.execution.start": {"runId": "r", "status": "RUNNING"}})
    query = """mutation ($i: ControlPlaneExecutionStartInput!) {
      controlPlaneExecutionStart(input: $i) { runId }
    }"""
    given = {"executionId": "e", "planId": "p"}
    answer = post(application(door, catalogue=registry), query, variables={"i": given})
    assert answer.json() == {"data": {"controlPlaneExecutionStart": {"runId": "r"}}}
    assert (door.calls[0]["ref"], door.calls[0]["input"]) == (
        "controlPlane.execution.start@1.0.0",
        given,
    )
