"""What a reference tells of contracts, and that what it tells holds."""

from functools import cache
from pathlib import Path

import pytest
from graphql import GraphQLSchema, OperationDefinitionNode, parse, validate
from graphql.execution.values import get_variable_values

from gateway.contracts import Registry, load_contracts
from gateway.contracts.bundle import joined, link, read_drafts
from gateway.contracts.findings import Findings
from gateway.contracts.reference import (
    SCALAR_NOTES,
    ContractDetail,
    Wanted,
    as_json,
    detail_of,
    found_contracts,
    summary_of,
)
from gateway.contracts.reference.field_rows import MAX_ROWS
from gateway.contracts.scalars import SCALAR_TYPES
from gateway.contracts.yaml_source import parse_yaml
from gateway.contracts.yaml_text import yaml_text
from gateway.model.contract import Kind, OperationContract, Risk
from gateway.model.types import SCALARS
from gateway.surfaces.graphql import build_schema

SCHEMA = Path(__file__).parents[3] / "schema"
SHIPPED = load_contracts([SCHEMA])
EVERY = sorted(SHIPPED.operations)

HANDLED = """\
key: shop.parcel.send
version: {version}
kind: command
title: Send parcel
description: Sends a parcel.
domain: shop
owners: [shop.logistics]
capability: shop.core@1.0.0
risk: low
input:
  parcelId: ID!
  dates: "[Date!]!"
output:
  first: First
types:
  First: {{second: Second!}}
  Second: {{third: Third!}}
  Third: {{fourth: Fourth!}}
  Fourth: {{name: ID!, again: First}}
policy: {{auth: user}}
handler:
  http:
    url: "https://parcels.example/v1/{{parcelId}}?key=abc123&parcel={{parcelId}}"
    headers: {{Authorization: "Bearer ${{secret:PARCELS}}", X-Key: abc123}}
"""


@cache
def detail(ref: str, registry: Registry = SHIPPED, *, with_target: bool = True) -> ContractDetail:
    contract = registry.resolve(ref)
    assert contract is not None
    return detail_of(registry, contract, with_target=with_target)


def written(folder: Path, *versions: str) -> Registry:
    for version in versions:
        (folder / f"{version}.yaml").write_text(HANDLED.format(version=version))
    return load_contracts([folder])


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build_schema(SHIPPED)


def test_the_example_call_of_each_contract_is_valid(schema: GraphQLSchema) -> None:
    for contract in SHIPPED.operations.values():
        example = detail(contract.ref).example
        assert example is not None
        document = parse(example.document)
        assert validate(schema, document) == [], contract.ref
        (operation,) = document.definitions
        assert isinstance(operation, OperationDefinitionNode)
        asked = operation.variable_definitions or ()
        coerced = get_variable_values(schema, asked, example.variables)
        assert not isinstance(coerced, list), coerced
        if contract.input:
            given = example.variables["input"]
            assert SHIPPED.input_of(contract).check(given) == given


def test_the_signature_is_that_of_the_schema(schema: GraphQLSchema) -> None:
    assert schema.query_type is not None
    assert schema.mutation_type is not None
    for ref in EVERY:
        told = detail(ref)
        root = schema.query_type if told.kind is Kind.QUERY else schema.mutation_type
        assert told.graphql_field is not None
        field = root.fields[told.graphql_field]
        takes = ", ".join(f"{arg}: {given.type}" for arg, given in field.args.items())
        signature = f"{told.graphql_field}({takes}): {field.type}".replace("()", "")
        assert told.signature == signature
        assert told.connection is None or told.connection in root.fields


def test_the_source_reads_back_as_what_was_written() -> None:
    for draft in SHIPPED.drafts:
        if draft.ref in SHIPPED.operations:
            findings = Findings()
            node = parse_yaml(detail(draft.ref).source.encode(), "source.yaml", findings)
            assert node is not None, list(findings.issues)
            assert node.plain() == draft.node.plain()


def test_fields_come_with_those_inside_and_with_their_personal_data() -> None:
    told = detail("support.order.lookup")
    rows = {row.path: row for row in told.output.rows}
    assert told.output.complete
    for path in told.policy.pii:
        assert rows[path].pii, path
    assert detail("support.refund.issue").input.rows[3].pii == ("contact",)
    nested = {row.path for row in detail("controlPlane.contract.get").output.rows}
    assert {"contract", "contract.input", "contract.input.rows.path"} <= nested


def test_a_side_with_very_many_fields_is_cut_and_says_so(tmp_path: Path) -> None:
    levels = [f"  T{n}: {{a: T{n + 1}, b: T{n + 1}, c: T{n + 1}}}\n" for n in range(6)]
    text = HANDLED.format(version="1.0.0").replace(
        "  First:", "".join(levels) + "  T6: [X]\n  First:"
    )
    (tmp_path / "wide.yaml").write_text(text.replace("first: First", "first: T0"))
    told = detail("shop.parcel.send", load_contracts([tmp_path]))
    assert (len(told.output.rows), told.output.complete) == (MAX_ROWS, False)


def test_neither_secrets_nor_what_looks_like_one_is_told(tmp_path: Path) -> None:
    registry = written(tmp_path, "1.0.0")
    whole = detail("shop.parcel.send", registry)
    assert whole.handler.target is not None
    assert whole.handler.target.startswith("https://parcels.example/v1/{parcelId}?key=(hidden)")
    assert "${secret:PARCELS}" in whole.source
    for told in (whole, detail("shop.parcel.send", registry, with_target=False)):
        assert "abc123" not in str(as_json(told))
    assert "parcels.example" not in str(as_json(told))
    assert told.handler.kind == "http"


def test_versions_have_the_fields_and_types_of_the_schema(tmp_path: Path) -> None:
    registry = written(tmp_path, "1.0.0", "1.1.0", "2.0.0")
    (tmp_path / "ask.yaml").write_text(
        HANDLED.format(version="1.0.0")
        .replace("shop.parcel.send", "shop.parcel.get")
        .replace("kind: command", "kind: query")
    )
    registry = load_contracts([tmp_path])
    schema = build_schema(registry)
    fields = [
        (row.version, row.graphql_field) for row in detail("shop.parcel.send", registry).versions
    ]
    assert fields == [
        ("2.0.0", "shopParcelSend"), ("1.1.0", "shopParcelSendV1"), ("1.0.0", None),
    ]  # fmt: skip
    for version in ("1.1.0", "2.0.0"):
        example = detail(f"shop.parcel.send@{version}", registry).example
        assert example is not None
        assert validate(schema, parse(example.document)) == []
    hidden = detail("shop.parcel.send@1.0.0", registry)
    assert (hidden.signature, hidden.example) == (None, None)


def test_what_a_skill_brings_has_its_source_too() -> None:
    findings = Findings()
    drafts = read_drafts({"a.yaml": HANDLED.format(version="1.0.0").encode()}, findings)
    bundle = link(drafts, SHIPPED, findings)
    assert list(findings.issues) == []
    told = detail("shop.parcel.send", joined(SHIPPED, [bundle]))
    assert told.source.startswith("key: shop.parcel.send")


def refs(wanted: Wanted, sees: object = None) -> list[str]:
    def every(contract: OperationContract) -> bool:
        return sees is None or contract.ref == sees

    return [one.ref for one in found_contracts(SHIPPED, wanted, every)]


def test_contracts_are_found_by_what_is_said_of_them() -> None:
    assert sorted(refs(Wanted())) == EVERY
    assert refs(Wanted(text="changeset.shadow")) == [
        "policy.changeset.shadow@1.0.0", "policy.changeset.shadow.get@1.0.0",
    ]  # fmt: skip
    assert refs(Wanted(), "support.ticket.read@1.0.0") == ["support.ticket.read@1.0.0"]
    money = refs(Wanted(tag="money"))
    assert "support.refund.issue@1.0.0" in money
    by_key = refs(Wanted(capability="support.core"))
    assert by_key == refs(Wanted(capability="support.core@1.0.0"))
    assert by_key == refs(Wanted(domain="support")) != []
    assert "support.order.lookup@1.0.0" in refs(Wanted(domain="support", kind=Kind.QUERY))
    assert refs(Wanted(risk=Risk.CRITICAL)) == ["support.account.close@1.0.0"]
    assert "support.refund.issue@1.0.0" in refs(Wanted(text=" pay an ORDER back"))
    assert refs(Wanted(text="nothing says this")) == []


def test_a_summary_is_the_beginning_of_a_detail() -> None:
    for contract in SHIPPED.operations.values():
        short, whole = as_json(summary_of(SHIPPED, contract)), as_json(detail(contract.ref))
        assert isinstance(short, dict)
        assert isinstance(whole, dict)
        assert short.items() <= whole.items()


def test_what_is_told_fits_the_contracts_that_tell_it() -> None:
    get, listed = (SHIPPED.resolve(f"controlPlane.contract.{name}") for name in ("get", "list"))
    assert get is not None
    assert listed is not None
    for contract in SHIPPED.operations.values():
        told = {"contract": as_json(detail(contract.ref))}
        assert SHIPPED.output_of(get).check(told) == told
        page = {"items": [as_json(summary_of(SHIPPED, contract))], "total": 1}
        assert SHIPPED.output_of(listed).check(page) == page


def test_every_scalar_has_a_note_with_an_example_that_it_takes(tmp_path: Path) -> None:
    assert SCALAR_NOTES.keys() == SCALARS == SCALAR_TYPES.keys()
    fields = "".join(f"  f{number}: {name}!\n" for number, name in enumerate(sorted(SCALARS)))
    text = HANDLED.format(version="1.0.0").replace("  dates:", f"{fields}  dates:")
    (tmp_path / "every.yaml").write_text(
        text.replace(
            "policy: {auth: user}",
            (
                "policy:\n  auth: user\n  pii: ["
                + ", ".join(f"f{n}" for n in range(len(SCALARS)))
                + "]"
            ),
        )
    )
    registry = load_contracts([tmp_path])
    example = detail("shop.parcel.send", registry).example
    assert example is not None
    contract = registry.resolve("shop.parcel.send")
    assert contract is not None
    assert registry.input_of(contract).check(example.variables["input"])


@pytest.mark.parametrize(
    "value", ["no", "1.0", "2026-01-01", "0o17", "~", "a: b", "- x", "", " x ", "é\n\u2028", "'"]
)
def test_yaml_that_is_written_reads_back(value: str) -> None:
    node = parse_yaml(yaml_text({"key": [value, {value or "x": value}]}).encode(), "x", Findings())
    assert node is not None
    assert node.plain() == {"key": [value, {value or "x": value}]}
