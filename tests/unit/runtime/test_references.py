"""References: where they stand, what may flow where, and where PII would leak."""

from typing import Any

import pytest

from gateway.contracts import Registry
from gateway.model.contract import (
    AuthLevel,
    ContractPolicy,
    EnumType,
    Kind,
    Meta,
    NamedType,
    ObjectType,
    OperationContract,
)
from gateway.model.problem import ProblemError
from gateway.model.types import SCALARS, parse_type
from gateway.runtime.pii_flow import leaks
from gateway.runtime.references import (
    misfit,
    references,
    resolve,
    type_at,
    without_references,
)


def model(name: str, /, **fields: str) -> ObjectType:
    return ObjectType(name, {key: parse_type(text) for key, text in fields.items()})


def contract(
    *types: NamedType, given: Any = None, output: Any = None, pii: tuple[str, ...] = ()
) -> OperationContract:
    return OperationContract(
        meta=Meta("shop.thing", "1.0.0", "A title", "A text", "shop"),
        kind=Kind.COMMAND,
        input={name: parse_type(text) for name, text in (given or {}).items()},
        output={name: parse_type(text) for name, text in (output or {}).items()},
        policy=ContractPolicy(AuthLevel.USER, pii=pii),
        digest="0",
        types={named.name: named for named in types},
    )


def ref(target: str) -> dict[str, str]:
    return {"$from": target}


VALUE = {
    "a": ref("one.x.y"),
    "b": {"c": ref("two.z"), "d": 1},
    "e": [1, {"f": ref("one.x")}, ref("two")],
    "g": {"$from": 7},
    "h": {"$from": "one.x", "more": 1},
}


def test_references_are_found_where_they_stand() -> None:
    found = [(one.pointer, one.source, one.field, one.in_list) for one in references(VALUE)]
    assert found == [
        ("/a", "one", ("x", "y"), False),
        ("/b/c", "two", ("z",), False),
        ("/e/1/f", "one", ("x",), False),
        ("/e/2", "two", (), True),
    ]
    assert [one.dotted for one in references(VALUE)] == ["a", "b.c", "e.1.f", "e.2"]


def test_the_literals_are_what_is_left() -> None:
    kept = without_references(VALUE)
    assert "a" not in kept
    assert kept["b"] == {"d": 1}
    assert kept["g"] == {"$from": 7}


def test_references_resolve_and_what_is_absent_or_null_is_left_out() -> None:
    outputs = {"one": {"x": {"y": 5}, "n": None}, "two": {"z": [1]}}
    value = {
        "a": ref("one.x.y"),
        "b": {"c": ref("two.z")},
        "n": ref("one.n"),
        "m": ref("one.x.y.q"),
        "o": ref("three.x"),
        "l": [{"i": ref("one.x")}],
    }
    assert resolve(value, outputs) == {"a": 5, "b": {"c": [1]}, "l": [{"i": {"y": 5}}]}


TREE = model("Tree", name="String!", child="Tree", items="[Tree!]")
OTHER_TREE = model("Node", name="String!", child="Node", items="[Node!]")
TYPES = (
    EnumType("Two", ("A", "B")),
    EnumType("Three", ("A", "B", "C")),
    model("Small", a="String!"),
    model("Large", a="String!", b="Int"),
    model("Strict", a="String!", b="Int!"),
    model("Loose", a="String", b="Int"),
    model("Deep", in_="Small!"),
    TREE,
    OTHER_TREE,
    model("BadNode", name="Int!", child="BadNode", items="[BadNode!]"),
)


@pytest.mark.parametrize(
    ("source", "target", "fits"),
    [
        ("String!", "String", True),
        ("String", "String", True),
        ("String", "String!", False),
        ("Int!", "Float!", True),
        ("Float!", "Int!", False),
        ("Latitude", "Float", True),
        ("Float", "Latitude", False),
        ("String!", "ID!", True),
        ("ID!", "String!", True),
        ("Int!", "ID!", True),
        ("ID!", "NonEmptyString!", False),
        ("EmailAddress", "String", True),
        ("String", "EmailAddress", False),
        ("Date", "DateTime", False),
        ("Boolean", "String", False),
        ("[String!]!", "[String!]!", True),
        ("[String!]!", "[String]", True),
        ("[String]!", "[String!]!", False),
        ("[Int!]!", "[Float!]!", True),
        ("[String!]", "String", False),
        ("String", "[String!]", False),
        ("[[Int!]!]", "[[Float]]", True),
        ("Two", "Two", True),
        ("Two", "Three", True),
        ("Three", "Two", False),
        ("Two", "String", True),
        ("Two", "ID", False),
        ("String", "Two", False),
        ("[Two!]!", "[Three!]!", True),
        ("Small!", "Small!", True),
        ("Small!", "Large!", True),
        ("Large!", "Small!", False),
        ("Large!", "Strict!", False),
        ("Small!", "Strict!", False),
        ("Strict!", "Loose", True),
        ("Loose!", "Strict!", False),
        ("Small!", "Two!", False),
        ("Small!", "String!", False),
        ("String!", "Small!", False),
        ("Tree!", "Tree!", True),
        ("Tree!", "Node!", True),
        ("Tree!", "BadNode!", False),
        ("String!", "JSON!", True),
        ("[Small!]!", "JSON!", True),
        ("JSON", "JSON!", False),
        ("JSON!", "String!", False),
        ("JSON!", "JSONObject!", False),
        ("JSONObject!", "JSON!", True),
        ("JSONObject!", "JSONObject!", True),
        ("Small!", "JSONObject!", True),
        ("[Small!]!", "JSONObject!", False),
        ("JSONObject!", "Small!", False),
    ],
)
def test_what_may_flow_into_what(source: str, target: str, fits: bool) -> None:
    side = contract(*TYPES)
    reason = misfit(parse_type(source), side, parse_type(target), side)
    assert (reason is None) is fits, reason


SAMPLES: dict[str, list[Any]] = {
    "String": ["", "a"],
    "Int": [0, -(2**31), 2**31 - 1],
    "Float": [0.5, -1e300],
    "Boolean": [True],
    "ID": ["", "a"],
    "JSON": [1, "a", [], {}],
    "JSONObject": [{}],
    "Date": ["2026-01-31"],
    "DateTime": ["2026-01-31T12:00:00Z"],
    "Time": ["12:00:00"],
    "TimeZone": ["Europe/Berlin"],
    "Locale": ["de-CH"],
    "CountryCode": ["CH"],
    "Currency": ["EUR"],
    "EmailAddress": ["ada@example.com"],
    "PhoneNumber": ["+41446681800"],
    "URL": ["https://example.com"],
    "NonEmptyString": ["a"],
    "Latitude": [-90.0, 90.0],
    "Longitude": [-180.0, 180.0],
}


@pytest.mark.parametrize("target", sorted(SCALARS))
def test_every_value_of_a_scalar_that_may_flow_is_accepted_where_it_goes(target: str) -> None:
    side = contract(given={"x": f"{target}!"})
    accept = Registry().input_of(side)
    taken = [
        source
        for source in sorted(SCALARS)
        if misfit(parse_type(f"{source}!"), side, parse_type(f"{target}!"), side) is None
    ]
    assert target in taken
    for value in [value for source in taken for value in SAMPLES[source]]:
        try:
            accept.check({"x": value})
        except ProblemError as error:
            raise AssertionError(f"{taken} -> {target}: {value!r}") from error


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (("a",), "String!"),
        (("small",), "Small"),
        (("small", "a"), "String"),
        (("sure", "a"), "String!"),
        (("json", "any", "where"), "JSON"),
        (("list", "a"), None),
        (("a", "b"), None),
        (("nowhere",), None),
        ((), None),
    ],
)
def test_types_are_found_by_their_path(path: tuple[str, ...], expected: str | None) -> None:
    side = contract(
        *TYPES,
        output={"a": "String!", "small": "Small", "sure": "Small!", "json": "JSON!",
                "list": "[Small!]!"},
    )  # fmt: skip
    found = type_at(side, side.output, path)
    assert (str(found.as_read) if found else None) == expected


PERSON = model("Person", email="String", address="Address")
ADDRESS = model("Address", street="String")
SOURCE = contract(
    PERSON,
    ADDRESS,
    output={"email": "String", "person": "Person", "people": "[Person!]", "name": "String"},
    pii=("email", "person.email", "person.address.street", "people.email"),
)


@pytest.mark.parametrize(
    ("field", "at", "declared", "leaking"),
    [
        ("name", "x", (), None),
        ("email", "x", (), "email"),
        ("email", "x", ("x",), None),
        ("email", "x", ("y",), "email"),
        ("email", "meta.x", ("meta",), None),
        ("email", "meta.x", ("meta.x",), None),
        ("email", "meta.x", ("meta.y",), "email"),
        ("person.email", "x", (), "person.email"),
        ("person", "x", (), "person.email"),
        ("person", "x", ("x",), None),
        ("person", "x", ("x.email",), "person.address.street"),
        ("person", "x", ("x.email", "x.address.street"), None),
        ("person.address", "x", ("x.street",), None),
        ("person.address", "x", ("x.city",), "person.address.street"),
        ("people", "x", (), "people.email"),
        ("people", "x", ("x.email",), None),
        ("emailed", "x", (), None),
    ],
)
def test_pii_flows_only_where_it_is_declared(
    field: str, at: str, declared: tuple[str, ...], leaking: str | None
) -> None:
    target = contract(
        PERSON,
        ADDRESS,
        model("Meta", x="String", y="String"),
        model("Other", email="String", city="String", street="String", address="Address"),
        given={"x": "Other", "y": "String", "meta": "Meta"},
        pii=declared,
    )
    found = leaks(SOURCE, tuple(field.split(".")), target, tuple(at.split(".")))
    assert next((leak.path for leak in found), None) == leaking
