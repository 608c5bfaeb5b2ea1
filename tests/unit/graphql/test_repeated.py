"""Variables that a document repeats: what each use brings counts, and is bounded."""

from typing import Any

import pytest
from graphql import parse

from gateway.surfaces.graphql import Limits
from gateway.surfaces.graphql.limiting.repeated import repeated_in
from tests.unit.graphql.support import Catalogue, FakeDoor, application, fields, operation, post

NOTE = operation("shop.note", given=fields(data="JSON", texts="[String!]"))
CATALOGUE = Catalogue({"shopNote": NOTE})
MOST = Limits().body_bytes
INPUT = "query ($m: JSON) { shopNote(input: {data: {a: [%s]}}) { done } }"


def asked(query: str, **variables: Any) -> tuple[int, list[str], int]:
    """The status and the codes of the answer, and how often the contract was called."""
    door = FakeDoor()
    answer = post(application(door, catalogue=CATALOGUE), query, variables=variables)
    codes = [entry["extensions"]["code"] for entry in answer.json().get("errors", ())]
    return answer.status_code, codes, len(door.calls)


IN_A_FRAGMENT = "fragment n on Query { shopNote(input: {data: $m}) { done } }"
REFUSED = (413, ["PAYLOAD_TOO_LARGE"], 0)


@pytest.mark.parametrize(
    ("query", "value"),
    [
        (INPUT % ("$m " * 900), "x" * 300),
        (INPUT % ("$m " * 900), [1] * 150),
        (INPUT % ("$m " * 2), "x" * (MOST // 2)),
        (INPUT % ("{a: $m} [[$m]] " * 150), "x" * 1000),
        (
            "query ($m: String!) { ...n } fragment n on Query { "
            "shopNote(input: {texts: [" + "$m " * 900 + "]}) { done } }",
            "x" * 300,
        ),
        (
            "query ($m: JSON) { ...n a: shopNote(input: {data: $m}) { done } }" + IN_A_FRAGMENT,
            "x" * (MOST // 2),
        ),
    ],
)
def test_what_variables_make_is_no_more_than_a_body_brings(query: str, value: Any) -> None:
    assert asked(query, m=value) == REFUSED


def test_a_default_is_as_long_as_it_is_written() -> None:
    query = INPUT.replace("JSON)", 'JSON = "' + "x" * 300 + '")') % ("$m " * 900)
    assert asked(query) == REFUSED
    assert asked(query, m=1)[0] == 200


@pytest.mark.parametrize(
    ("query", "value"),
    [
        (INPUT % ("$m " * 900), "x" * 200),
        (INPUT % "$m", "x" * (MOST - 1000)),
        ("query ($m: JSON) { ...n ...n ... { ...n } } " + IN_A_FRAGMENT, "x" * (MOST - 1000)),
    ],
)
def test_variables_that_make_no_more_are_taken(query: str, value: Any) -> None:
    assert asked(query, m=value) == (200, [], 1)


def test_what_another_operation_repeats_does_not_count() -> None:
    tree = parse(
        "query a($m: JSON) { shopNote(input: {data: $m}) { done } } "
        "query b($m: JSON, $n: Int) { shopNote(input: {data: [$m $m $n]}) { done } }"
    )
    first, second = tree.definitions
    assert repeated_in(tree) == {id(second): {"m": 2}}
    assert id(first) != id(second)
