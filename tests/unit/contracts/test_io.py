import json

import pytest

from gateway.contracts.io import Io
from gateway.model.contract import EnumType, ObjectType
from gateway.model.problem import MAX_ISSUES, ProblemError
from gateway.model.types import parse_type


def fields(**types):
    return {name: parse_type(text) for name, text in types.items()}


TYPES = {
    "Color": EnumType("Color", ("RED", "GREEN")),
    "Line": ObjectType(
        "Line", fields(sku="String!", colors="[Color!]", parent="Line", more="JSONObject")
    ),
}


@pytest.fixture
def order():
    return Io(
        "Order",
        fields(
            orderId="ID!",
            note="String",
            color="Color",
            lines="[Line!]",
            free="JSON",
            count="Int",
            model_dump="String",
            schema="String",
            grid="[[Int!]!]",
            must="JSON!",
        ),
        TYPES,
    )


def issues(io, value, base=""):
    with pytest.raises(ProblemError) as refused:
        io.check(value, base)
    assert refused.value.problem.code == "VALIDATION_FAILED"
    return [(issue.path, issue.code) for issue in refused.value.problem.issues]


def test_plain_values_come_out_plain_and_absent_ones_stay_absent(order):
    value = {
        "orderId": 7,
        "color": "RED",
        "lines": [{"sku": "a", "parent": {"sku": "b", "colors": ["GREEN"]}, "more": {"x": [1]}}],
        "free": {"deep": [None]},
        "model_dump": "m",
        "schema": "s",
        "grid": [[1, 2], []],
        "must": 0,
    }
    checked = order.check(value)
    assert checked == {**value, "orderId": "7"}
    assert json.loads(json.dumps(checked)) == checked
    assert type(checked["color"]) is str


def test_null_for_an_optional_is_kept_as_null(order):
    value = {"orderId": "a", "note": None, "lines": None, "free": None, "must": []}
    assert order.check(value) == value


def test_every_issue_is_told_with_its_pointer_and_code(order):
    found = issues(
        order,
        {
            "note": 3,
            "color": "BLUE",
            "lines": [{"sku": "a"}, {"colors": ["RED", "PINK"], "extra": 1}, 5],
            "count": 2**40,
            "a/b~c": 1,
            "grid": [[1], ["x"]],
            "must": None,
            "free": {"a": [float("nan")]},
        },
        "/input",
    )
    assert sorted(found) == [
        ("/input/?", "UNKNOWN_FIELD"),
        ("/input/color", "NOT_ALLOWED"),
        ("/input/count", "OUT_OF_RANGE"),
        ("/input/free/a/0", "OUT_OF_RANGE"),
        ("/input/grid/1/0", "WRONG_TYPE"),
        ("/input/lines/1/colors/1", "NOT_ALLOWED"),
        ("/input/lines/1/extra", "UNKNOWN_FIELD"),
        ("/input/lines/1/sku", "REQUIRED"),
        ("/input/lines/2", "WRONG_TYPE"),
        ("/input/must", "REQUIRED"),
        ("/input/note", "WRONG_TYPE"),
        ("/input/orderId", "REQUIRED"),
    ]


@pytest.mark.parametrize("value", [None, [], "x", 1, True])
def test_what_is_no_object_is_refused(order, value):
    assert issues(order, value, "/input")[0][0] == "/input"


def test_a_message_says_what_is_expected_and_never_the_value(order):
    with pytest.raises(ProblemError) as refused:
        order.check(
            {
                "orderId": "a",
                "must": 1,
                "color": "secret-1",
                "note": ["secret-2"],
                "colr": "secret-3",
            }
        )
    told = json.dumps(refused.value.problem.to_json())
    assert "secret" not in told
    assert "one of RED, GREEN" in told
    assert "did you mean 'color'" in told
    assert refused.value.__cause__ is None


def test_lone_surrogates_are_refused_wherever_they_stand(order):
    found = issues(
        order, {"orderId": "a", "must": "\ud800", "note": "\udfff", "lines": [{"sku": "x\ud800"}]}
    )
    assert sorted(found) == [
        ("/lines/0/sku", "INVALID_FORMAT"),
        ("/must", "INVALID_FORMAT"),
        ("/note", "INVALID_FORMAT"),
    ]
    assert issues(order, {"orderId": "a", "must": 1, "note": "\ud800"}) == [
        ("/note", "INVALID_FORMAT")
    ]


def test_a_hostile_field_name_cannot_break_or_flood_the_answer(order):
    found = issues(order, {"orderId": "a", "must": 1, "k" * 10_000: 1})
    assert found == [("/?", "UNKNOWN_FIELD")]
    for value in ({"\ud800": 1}, {"orderId": "a", "must": {"\ud800": {"x": float("nan")}}}):
        for path, _ in issues(order, value):
            path.encode()


def test_the_number_of_issues_is_bounded(order):
    assert len(issues(order, {f"x{index}": 1 for index in range(5000)})) == MAX_ISSUES


def test_recursion_too_deep_is_refused_without_a_crash(order):
    line = {"sku": "a"}
    for _ in range(5000):
        line = {"sku": "a", "parent": line}
    found = issues(order, {"orderId": "a", "must": 1, "lines": [line]})
    assert found


def test_models_are_built_when_first_used_and_kept(shop):
    contract = shop.operations["shop.refund.reverse@1.0.0"]
    io = shop.input_of(contract)
    assert io._model is None
    assert io.check({"refundId": "a"}) == {"refundId": "a"}
    assert shop.input_of(contract) is io
    assert shop.output_of(contract) is not io
    assert shop.payload_of(shop.events["shop.refund.issued@1.0.0"]).check(
        {"refundId": "r", "orderId": "o", "amount": 2}
    ) == {"refundId": "r", "orderId": "o", "amount": 2}


def test_a_long_way_from_type_to_type_can_be_gone():
    length = 200
    types = {
        f"T{at}": ObjectType(f"T{at}", {"next": parse_type(f"T{at + 1}"), "at": parse_type("Int")})
        for at in range(length)
    }
    types[f"T{length}"] = ObjectType(f"T{length}", {"at": parse_type("Int!")})
    io = Io("Way", {"first": parse_type("T0")}, types)
    value = {"at": 1}
    for _ in range(length):
        value = {"next": value}
    assert io.check({"first": value}) == {"first": value}
    with pytest.raises(ProblemError):
        io.check({"first": {"next": {"next": {"at": "1"}}}})
