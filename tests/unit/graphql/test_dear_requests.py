"""Requests that are small to send: how often the dear parts of answering them are done.

What is counted and not timed comes out alike on a busy machine. The processor time of a real
server is measured by tests/acceptance/test_abuse.py.
"""

import sys
from collections.abc import Callable
from typing import Any

import pytest
from graphql import GraphQLInt, GraphQLList
from graphql.validation import OverlappingFieldsCanBeMergedRule

from gateway.model.contract import EnumType
from gateway.model.problem import ProblemError, refuse
from gateway.surfaces.graphql import Limits, build_schema
from gateway.surfaces.graphql.operations.suggestions import alike
from gateway.surfaces.graphql.operations.values import value_issues
from gateway.surfaces.graphql.requests import strict_json
from gateway.surfaces.graphql.requests.strict_json import parse_json
from tests.unit.graphql.support import (
    ITEM,
    SHIPPED,
    STATUS,
    Catalogue,
    FakeDoor,
    application,
    fields,
    operation,
    post,
    send,
)

CORE = sys.modules[
    "graphql.utilities.validate_input_value"
]  # its package has a function of its name
COERCING = sys.modules["graphql.utilities.coerce_input_value"]
GUESSED = sys.modules["graphql.pyutils.suggestion_list"].LexicalDistance  # type: ignore[attr-defined]
PLACE = "mutation ($items: [ShopItemInput!]!, $email: EmailAddress!) { shopOrderPlace(input: "
PLACE += "{items: $items, email: $email}) { orderId } }"


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any, str], list[int]]:
    """Counts the calls of a function of a module or class."""

    def count(owner: Any, name: str) -> list[int]:
        calls, real = [0], getattr(owner, name)

        def instead(*given: Any, **named: Any) -> Any:
            calls[0] += 1
            return real(*given, **named)

        monkeypatch.setattr(owner, name, instead)
        return calls

    return count


def codes(query: str, **members: Any) -> list[str]:
    answer = post(application(FakeDoor()), query, **members).json()
    return [entry["extensions"]["code"] for entry in answer["errors"]]


@pytest.mark.parametrize(
    "given",
    [
        "{" + " ".join(f"a{i}: 1" for i in range(600)) + "}",
        "{status: {" + " ".join(f"a{i}: 1" for i in range(600)) + "}}",
        "{status: [" + "[1] " * 400 + "]}",
        "{since: 1e999 limit: {a: 1}}",
    ],
)
def test_a_literal_is_not_written_out_for_each_of_its_faults(
    counted: Callable[[Any, str], list[int]], given: str
) -> None:
    written = counted(CORE, "print_for_error")
    told = codes(f"{{ shopOrderGet(input: {given}) {{ orderId }} }}")
    assert set(told) == {"GRAPHQL_VALIDATION_FAILED"}
    assert len(told) <= 5
    assert written[0] <= 4


@pytest.mark.parametrize(
    "items", [[[1]] * 4000, [{f"a{i}": i for i in range(4000)}], [{"sku": 1.5}] * 4000]
)
def test_a_variable_is_not_written_out_for_each_of_its_faults(
    counted: Callable[[Any, str], list[int]], items: list[Any]
) -> None:
    written = counted(CORE, "inspect")
    answer = post(application(FakeDoor()), PLACE, variables={"items": items, "email": "a@b.ch"})
    (entry,) = answer.json()["errors"]
    issues = entry["extensions"]["problem"]["issues"]
    assert len(issues) == Limits().issues
    leaves = len([issue for issue in issues if issue["path"].endswith("/sku")])
    assert written[0] <= 2 + leaves


def test_only_so_many_items_of_a_list_are_looked_at_to_tell_what_is_wrong() -> None:
    class Watched(list[Any]):
        seen = 0

        def __iter__(self) -> Any:
            for item in super().__iter__():
                Watched.seen += 1
                yield item

    found = value_issues(Watched(["x"] * 5000), GraphQLList(GraphQLInt), "")
    assert [next(found).path for _ in range(3)] == ["/0", "/1", "/2"]
    assert Watched.seen == 3


@pytest.mark.parametrize("is_asked_for_the_schema", [False, True])
def test_a_long_list_is_not_looked_at_closely_for_one_item_that_does_not_fit(
    counted: Callable[[Any, str], list[int]], is_asked_for_the_schema: bool
) -> None:
    asked = operation("shop.tag", given=fields(tags="[String!]"))
    app = application(FakeDoor(), catalogue=Catalogue({**SHIPPED, "tag": asked}))
    closely = counted(CORE, "validate_input_value_impl")
    coerced = counted(COERCING, "coerce_input_value")
    query = "query ($tags: [String!]) { tag(input: {tags: $tags}) { done } "
    query += "__schema { queryType { name } } }" if is_asked_for_the_schema else "}"
    answer = post(app, query, variables={"tags": [""] * 9000 + [1]})
    (entry,) = answer.json()["errors"]
    (issue,) = entry["extensions"]["problem"]["issues"]
    assert (answer.status_code, issue["path"]) == (422, "/variables/tags/9000")
    assert entry["locations"] == [{"line": 1, "column": 8}]
    assert closely[0] + coerced[0] < 100


def test_what_is_unusual_in_one_variable_sets_no_other_back(
    counted: Callable[[Any, str], list[int]],
) -> None:
    asked = operation("shop.tag", given=fields(tags="[String!]", own="[String!]", extra="JSON"))
    door = FakeDoor()
    app = application(door, catalogue=Catalogue({**SHIPPED, "tag": asked}))
    coerced = counted(COERCING, "coerce_input_value")
    query = 'query ($tags: [String!], $own: [String!] = ["a"], $extra: [String!]) '
    query += "{ tag(input: {tags: $tags, own: $own}) { done } b: tag(input: {tags: $extra}) "
    query += "{ done } }"
    tags = [""] * 9000
    assert post(app, query, variables={"tags": tags, "extra": "x"}).status_code == 200
    assert [call["input"] for call in door.calls] == [
        {"tags": tags, "own": ["a"]},
        {"tags": ["x"]},
    ]
    assert coerced[0] < 100


def test_a_variable_of_a_type_that_holds_itself_sets_no_other_back(
    counted: Callable[[Any, str], list[int]],
) -> None:
    asked = operation(
        "shop.tag", given=fields(tags="[String!]", items="[Item!]"), types=(STATUS, ITEM)
    )
    door = FakeDoor()
    app = application(door, catalogue=Catalogue({**SHIPPED, "tag": asked}))
    coerced, closely = counted(COERCING, "coerce_input_value"), counted(CORE, "inspect")
    query = "query ($tags: [String!], $items: [ShopItemInput!]) "
    query += "{ tag(input: {tags: $tags, items: $items}) { done } }"
    item = {"sku": "a", "count": 1, "parts": [{"sku": "b", "count": 2}]}
    given = {"tags": [""] * 9000, "items": [item]}
    assert post(app, query, variables=given).status_code == 200
    assert [call["input"] for call in door.calls] == [given]
    answer = post(app, query, variables={**given, "tags": [""] * 9000 + [1]})
    assert answer.json()["errors"][0]["message"].startswith("/variables/tags/9000: ")
    item["parts"] = [{"sku": "b", "count": "two"}]
    answer = post(app, query, variables=given)
    assert answer.json()["errors"][0]["message"].startswith("/variables/items/0/parts/0/count: ")
    assert (coerced[0] < 100, closely[0] < 10) == (True, True)


@pytest.mark.parametrize(
    "beside", ["__schema { queryType { name } }", "failing: shopReset { done }"]
)
def test_what_was_coerced_is_not_coerced_again_where_graphql_core_answers(
    counted: Callable[[Any, str], list[int]], beside: str
) -> None:
    failing = operation("shop.reset")
    listed = operation("shop.listed", given=fields(ids="[String!]"))
    catalogue = Catalogue({**SHIPPED, "shopListed": listed, "shopReset": failing})
    door = FakeDoor({"shop.reset": refuse("CONFLICT", "Not now.")})
    again = counted(COERCING, "coerce_input_value")
    query = "query ($ids: [String!]) { shopListed(input: {ids: $ids}) { done } " + beside + " }"
    answer = post(application(door, catalogue=catalogue), query, variables={"ids": ["a"] * 1000})
    assert answer.json()["data"]["shopListed"] == {"done": True}
    assert [call["input"] for call in door.calls if call["input"]] == [{"ids": ["a"] * 1000}]
    assert again == [0]


def test_comparisons_that_are_too_many_are_not_made_again(
    counted: Callable[[Any, str], list[int]],
) -> None:
    made = counted(OverlappingFieldsCanBeMergedRule, "__init__")
    assert codes("{ shopPing {" + "done " * 900 + "} }") == ["OVERLAP_LIMIT_EXCEEDED"]
    assert made[0] == 1


@pytest.mark.parametrize(
    "query",
    [
        "{" + " ".join(f"... on ShopOrderGetOutpu{i} {{ a }}" for i in range(9)) + "}",
        "{ wide { " + " ".join(f"fieldOfItsOwn{i}x" for i in range(9)) + " } }",
    ],
)
def test_few_names_are_compared_with_an_unknown_one(
    counted: Callable[[Any, str], list[int]], query: str
) -> None:
    many = fields(**{f"fieldOfItsOwn{i}": "Int!" for i in range(40)})
    catalogue = Catalogue({**SHIPPED, "wide": operation("shop.wide", answer=many)})
    assert len(build_schema(catalogue).type_map) > 25
    compared = counted(GUESSED, "measure")
    answer = post(application(FakeDoor(), catalogue=catalogue), query).json()
    assert all("Did you mean" in entry["message"] for entry in answer["errors"])
    assert 0 < compared[0] <= 20 * (len(answer["errors"]) + 1)


@pytest.mark.parametrize("mistyped", ["hopOrderGet", "shopOrderGte", "shopOrdreGet", "ShopOrderGe"])
def test_who_mistypes_one_of_many_names_is_told_it(mistyped: str) -> None:
    names = ["shopOrderGet", *(f"shop{part}Get" for part in range(100))]
    assert "shopOrderGet" in alike(mistyped, names)
    assert len(alike(mistyped, names)) == 20


@pytest.mark.parametrize(
    "mistyped", ["dhopOrderGetS", "ahopOrderGez", "sopOrderGetts", "shpOrderGte", "hsopOrdreGet"]
)
def test_slips_at_both_ends_of_a_name_hide_it_no_more_than_one(mistyped: str) -> None:
    others = (f"{start}hop{part}Ge{end}" for start in "da" for part in range(50) for end in "tsz")
    names = [*others, "shopOrderGet"]
    assert "shopOrderGet" in alike(mistyped, names)


def test_nothing_is_suggested_for_the_values_of_enums(
    counted: Callable[[Any, str], list[int]],
) -> None:
    colour = EnumType("Colour", tuple(f"RATHER_LIGHT_SHADE_{i}" for i in range(40)))
    asked = operation("shop.paint", given=fields(in_="[Colour!]"), types=(colour,))
    app = application(FakeDoor(), catalogue=Catalogue({**SHIPPED, "paint": asked}))
    compared = counted(GUESSED, "measure")
    query = "query ($in: [ShopColour!]) { paint(input: {in_: $in}) { __typename } }"
    for body in (
        {"query": query, "variables": {"in": ["RATHER_LIGHT_SHADE_"] * 200}},
        {"query": "{ paint(input: {in_: [RATHER_LIGHT_SHADE_]}) { __typename } }"},
    ):
        assert send(app, json=body).status_code == 422
    assert compared[0] <= 2 * 40  # once for the request, by graphql-core, which looks for one fault


@pytest.mark.parametrize("bad", ["NaN", '"\\ud800"', '{"a": 1, "a": 1}'])
def test_only_so_many_places_of_bad_json_are_worked_out(
    counted: Callable[[Any, str], list[int]], bad: str
) -> None:
    made = counted(strict_json, "pointer")
    with pytest.raises(ProblemError) as caught:
        parse_json(f"[{','.join([bad] * 5000)}]", "body", "", Limits())
    assert len(caught.value.problem.issues) == Limits().issues
    assert made[0] == Limits().issues
