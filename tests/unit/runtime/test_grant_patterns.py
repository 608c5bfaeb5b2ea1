"""Patterns of standing grants: checked against the contract, and matched without a gap."""

from typing import Any

import pytest

from gateway.model.contract import (
    AuthLevel,
    ContractPolicy,
    EnumType,
    Kind,
    Meta,
    ObjectType,
    OperationContract,
)
from gateway.model.problem import ProblemError
from gateway.model.types import parse_type
from gateway.runtime.patterns import check_pattern, matches

ANY = {"$any": True}
FIELDS = {
    "id": "ID!",
    "amount": "Float!",
    "note": "String",
    "place": "Place",
    "tags": "[String!]",
    "colour": "Colour",
    "extra": "JSONObject",
    "count": "Int",
    "latitude": "Latitude",
}
PATTERN: dict[str, Any] = {
    "id": "o-1",
    "amount": {"$max": 100},
    "note": None,
    "place": {"city": "Bonn", "lines": ANY},
    "tags": ["a", "b"],
    "colour": "RED",
    "extra": ANY,
    "count": None,
    "latitude": None,
}
VALUE: dict[str, Any] = {
    "id": "o-1",
    "amount": 99.5,
    "place": {"city": "Bonn"},
    "tags": ["a", "b"],
    "colour": "RED",
}


@pytest.fixture(scope="module")
def contract() -> OperationContract:
    place = {"city": parse_type("String!"), "lines": parse_type("[String!]")}
    return OperationContract(
        meta=Meta("shop.send", "1.0.0", "A title", "A text", "shop"),
        kind=Kind.COMMAND,
        input={name: parse_type(text) for name, text in FIELDS.items()},
        output={},
        policy=ContractPolicy(auth=AuthLevel.USER),
        digest="0" * 64,
        types={"Place": ObjectType("Place", place), "Colour": EnumType("Colour", ("RED", "BLUE"))},
    )


def test_a_pattern_keeps_its_values_as_the_contract_has_them(contract: OperationContract) -> None:
    checked = check_pattern(contract, PATTERN | {"id": 7}, "/input/arguments")
    assert checked == PATTERN | {"id": "7"}


@pytest.mark.parametrize("name", FIELDS)
def test_every_input_field_must_be_spelled_out(contract: OperationContract, name: str) -> None:
    lacking = {key: value for key, value in PATTERN.items() if key != name}
    assert found(contract, lacking) == [(f"/input/arguments/{name}", "REQUIRED")]


@pytest.mark.parametrize(
    ("change", "path", "code"),
    [
        ({"more": 1}, "/more", "UNKNOWN_FIELD"),
        ({"amount": "9"}, "/amount", "WRONG_TYPE"),
        ({"amount": None}, "/amount", "REQUIRED"),
        ({"amount": {"$max": "9"}}, "/amount", "NOT_ALLOWED"),
        ({"amount": {"$max": True}}, "/amount", "NOT_ALLOWED"),
        ({"amount": {"$min": 9}}, "/amount", "NOT_ALLOWED"),
        ({"amount": {"$max": 9, "$any": True}}, "/amount", "NOT_ALLOWED"),
        ({"id": {"$max": 9}}, "/id", "NOT_ALLOWED"),
        ({"id": {"$any": False}}, "/id", "NOT_ALLOWED"),
        ({"colour": "GREEN"}, "/colour", "NOT_ALLOWED"),
        ({"place": {"city": "Bonn"}}, "/place/lines", "REQUIRED"),
        ({"place": {"city": "Bonn", "lines": None, "x": 1}}, "/place/x", "UNKNOWN_FIELD"),
        ({"place": {"city": 5, "lines": ANY}}, "/place/city", "WRONG_TYPE"),
        ({"place": 5}, "/place", "WRONG_TYPE"),
        ({"tags": ["a", ANY]}, "/tags/1", "NOT_ALLOWED"),
        ({"extra": {"deep": {"$any": True}}}, "/extra/deep", "NOT_ALLOWED"),
        ({"extra": {"a": [{"b": {"$max": 1}}]}}, "/extra/a/0/b", "NOT_ALLOWED"),
    ],
)
def test_a_bad_pattern_is_refused_with_its_place(
    contract: OperationContract, change: dict[str, Any], path: str, code: str
) -> None:
    assert found(contract, PATTERN | change) == [(f"/input/arguments{path}", code)]


def test_all_that_is_wrong_is_told_at_once(contract: OperationContract) -> None:
    assert len(found(contract, {"amount": "x", "more": 1})) == len(FIELDS) + 1


def found(contract: OperationContract, pattern: dict[str, Any]) -> list[tuple[str, str]]:
    with pytest.raises(ProblemError) as refused:
        check_pattern(contract, pattern, "/input/arguments")
    assert refused.value.problem.code == "VALIDATION_FAILED"
    return [(issue.path, issue.code) for issue in refused.value.problem.issues]


@pytest.mark.parametrize(
    ("change", "fits"),
    [
        ({}, True),
        ({"amount": 100}, True),
        ({"amount": 100.01}, False),
        ({"amount": None}, False),
        ({"amount": True}, False),
        ({"note": None}, True),
        ({"note": ""}, False),
        ({"note": "x"}, False),
        ({"id": "o-2"}, False),
        ({"id": None}, False),
        ({"place": {"city": "Bonn", "lines": ["x"]}}, True),
        ({"place": {"city": "Ulm"}}, False),
        ({"place": {"city": "Bonn", "floor": 3}}, False),
        ({"place": None}, False),
        ({"tags": ["b", "a"]}, False),
        ({"tags": ["a", "b", "c"]}, False),
        ({"extra": {"anything": [1]}}, True),
        ({"colour": "BLUE"}, False),
        ({"unnamed": None}, False),
        ({"unnamed": 1}, False),
    ],
)
def test_what_a_pattern_stands_for(
    contract: OperationContract, change: dict[str, Any], fits: bool
) -> None:
    assert matches(contract, PATTERN, VALUE | change) is fits


@pytest.mark.parametrize(
    ("name", "limit", "value", "fits"),
    [
        ("amount", 100, 0, True),
        ("amount", 100, -0.01, False),
        ("amount", 100, -1e308, False),
        ("amount", 0, -1, False),
        ("amount", -5, -5, True),
        ("amount", -5, -6, True),
        ("amount", -5, 0, False),
        ("count", 3, -1, False),
        ("latitude", 50, -20.5, True),
    ],
)
def test_a_limit_on_an_amount_stands_for_no_negative_one(
    contract: OperationContract, name: str, limit: float, value: float, fits: bool
) -> None:
    assert matches(contract, PATTERN | {name: {"$max": limit}}, VALUE | {name: value}) is fits


def test_a_field_that_the_pattern_does_not_name_does_not_match(contract: OperationContract) -> None:
    short = {key: value for key, value in PATTERN.items() if key != "extra"}
    assert matches(contract, short, VALUE)
    assert not matches(contract, short, VALUE | {"extra": {}})


@pytest.mark.parametrize(
    ("pattern", "value"),
    [(1, True), (0, False), (1, "1"), ({"a": None}, {}), ([], {}), ({"a": 1.5}, {"a": "1.5"})],
)
def test_values_are_compared_by_what_json_they_are(
    contract: OperationContract, pattern: Any, value: Any
) -> None:
    given = VALUE | {"extra": {"x": value}}
    assert matches(contract, PATTERN | {"extra": {"x": value}}, given)
    assert not matches(contract, PATTERN | {"extra": {"x": pattern}}, given)


def test_an_operator_that_nobody_knows_stands_for_nothing(contract: OperationContract) -> None:
    for unknown in ({"$min": 1}, {"$any": 1}, {"$any": True, "$max": 5}, {"$max": None}):
        assert not matches(contract, PATTERN | {"amount": unknown}, VALUE)
