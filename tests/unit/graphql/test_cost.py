"""What operations cost: weights, lists, fragments, variables; and that weighing is cheap."""

import time
from dataclasses import replace
from typing import Any

import pytest
from graphql import (
    OperationDefinitionNode,
    execute_sync,
    get_introspection_query,
    parse,
    validate,
)
from hypothesis import given
from hypothesis import strategies as st

from gateway.loading import contract_folders
from gateway.model.contract import Kind, ObjectType
from gateway.operations.decisions import MAX_RESULTS
from gateway.surfaces.graphql import Limits, build_schema
from gateway.surfaces.graphql.limiting.cost import NESTED, Cost, Prices, cost_of
from gateway.surfaces.graphql.limiting.guards import CEILING
from gateway.surfaces.graphql.limiting.weights import PAGE
from tests.loaded import load_contracts
from tests.unit.graphql.entities import SHOP
from tests.unit.graphql.support import Catalogue, FakeDoor, application, fields, operation, post

PART = ObjectType("Part", fields(sku="ID!", parts="[Part!]!", data="JSON"))
LISTED = operation(
    "shop.part.list",
    given=fields(limit="Int", first="Int", name="String"),
    answer=fields(items="[Part!]!", total="Int!"),
    types=(PART,),
)
DEAR = operation("shop.dear")
DEAR = replace(DEAR, policy=replace(DEAR.policy, cost=400))
PLACE = operation("shop.place", Kind.COMMAND)
CATALOGUE = Catalogue({"shopPartList": LISTED, "shopDear": DEAR, "shopPlace": PLACE})
SCHEMA = build_schema(CATALOGUE)
PRICES = Prices(SCHEMA)

SPREAD = (
    "{ ...q } fragment q on Query { shopPartList(input: {limit: 7}) { ...p } } "
    "fragment p on ShopPartListOutput { items { ...s } } fragment s on ShopPart "
    "{ ... { ... on ShopPart { sku } } }"
)


def cost(source: str, **variables: Any) -> Cost:
    tree = parse(source)
    assert validate(SCHEMA, tree) == []
    node = tree.definitions[0]
    assert isinstance(node, OperationDefinitionNode)
    return cost_of(PRICES.of(tree)[id(node)], node, variables)


@pytest.mark.parametrize(
    ("source", "total"),
    [
        ("{ shopDear { done } }", 400 + 1),
        ("{ a: shopDear { done } b: shopDear { done __typename } }", 800 + 3),
        ("mutation { shopPlace { done } }", 20 + 1),
        ("{ shopPartList(input: {}) { total } }", 5 + 1),
        ("{ shopPartList(input: {}) { items { sku } } }", 5 + 1 + PAGE),
        ("{ shopPartList(input: {limit: 7}) { items { sku } } }", 5 + 1 + 7),
        ("{ shopPartList(input: {first: 7}) { items { sku } } }", 5 + 1 + 7),
        ("{ shopPartList(input: {limit: 0}) { items { sku } } }", 5 + 1 + PAGE),
        ("{ shopPartList(input: {limit: -5}) { items { sku } } }", 5 + 1 + PAGE),
        ("{ shopPartList(input: {limit: null}) { items { sku } } }", 5 + 1 + PAGE),
        ("{ shopPartList(input: {limit: 7}) { items { data data: data a: sku } } }", 5 + 1 + 7 * 3),
        ("{ shopPartList(input: {limit: 7}) { items { data a: data b: data } } }",
         5 + 1 + 7 * (1 + 20 + 20)),
        ("{ shopPartList(input: {limit: 7}) { items { sku parts { sku } } } }",
         5 + 1 + 7 * (2 + NESTED)),
        ("{ shopPartList(input: {limit: 7}) { items { parts { parts { sku } } } } }",
         5 + 1 + 7 * (1 + NESTED * (1 + NESTED))),
    ],
)  # fmt: skip
def test_fields_count_as_often_as_their_lists_are_long(source: str, total: int) -> None:
    assert cost(source).total == total


@pytest.mark.parametrize(
    ("source", "variables"),
    [
        ("query ($n: Int) { shopPartList(input: {limit: $n}) { items { sku } } }", {"n": 7}),
        ("query ($n: Int) { shopPartList(input: {limit: $n}) { items { sku } } }", {"n": 7.0}),
        ("query ($n: Int = 7) { shopPartList(input: {limit: $n}) { items { sku } } }", {}),
        ("query ($i: ShopPartListInput!) { shopPartList(input: $i) { items { sku } } }",
         {"i": {"limit": 7}}),
        ("query ($i: ShopPartListInput! = {first: 7}) {shopPartList(input: $i) { items { sku } } }",
         {}),
        (SPREAD, {}),
        ("{ shopPartList(input: {limit: 1, first: 7}) { items { sku } } }", {}),
        ("{ shopPartList(input: {limit: 7, first: 1}) { items { sku } } }", {}),
        ("query ($i: ShopPartListInput!) { shopPartList(input: $i) { items { sku } } }",
         {"i": {"limit": 1, "first": 7}}),
    ],
)  # fmt: skip
def test_a_length_is_found_wherever_it_stands(source: str, variables: dict[str, Any]) -> None:
    assert cost(source, **variables) == Cost(5 + 1 + 7, 7)


LONG_LIST = "query ($i: PolicyDecisionSearchInput!) { policyDecisionSearch(input: $i) "
LONG_CONNECTION = (
    "query ($i: PolicyDecisionSearchConnectionInput!, $n: Int) "
    "{ policyDecisionSearchConnection(input: $i, first: $n) "
)


@pytest.mark.parametrize(
    ("source", "first", "items"),
    [
        (LONG_LIST + "{ results { name } } }", None, MAX_RESULTS),
        (LONG_CONNECTION + "{ edges { cursor } } }", None, MAX_RESULTS),
        (LONG_CONNECTION + "{ edges { cursor } } }", 3, 3),
    ],
)
def test_a_list_with_a_longer_default_is_taken_for_as_long(
    source: str, first: int | None, items: int
) -> None:
    tree = parse(source)
    (node,) = tree.definitions
    assert isinstance(node, OperationDefinitionNode)
    prices = Prices(build_schema(load_contracts(contract_folders(())))).of(tree)
    assert cost_of(prices[id(node)], node, {"i": {}, "n": first}).total == 5 + 1 + items


def test_a_fragment_counts_wherever_it_is_spread() -> None:
    spread = cost(
        "{ a: shopPartList(input: {limit: 7}) { ...f items { parts { ...p } } } "
        "b: shopPartList(input: {limit: 3}) { ...f } } "
        "fragment f on ShopPartListOutput { total items { ...p } } "
        "fragment p on ShopPart { sku parts { sku } }"
    )
    inner = 2 + NESTED
    a = 5 + 2 + 7 * inner + 1 + 7 * (1 + NESTED * inner)
    assert spread.total == a + 5 + 2 + 3 * inner
    assert spread.longest == 7


@given(st.integers(0, 3), st.integers(0, 3), st.integers(0, 20))
def test_writing_fragments_out_changes_no_cost(outer: int, inner: int, limit: int) -> None:
    def nest(depth: int, last: str) -> str:
        return "sku parts { " * depth + last + " }" * depth

    plain = "{ shopPartList(input: {limit: %d}) { items { %s } } }"
    written = cost(plain % (limit, nest(outer + inner, "sku")))
    spread = (plain % (limit, nest(outer, "...f"))) + (
        " fragment f on ShopPart { " + nest(inner, "sku") + " }"
    )
    assert cost(spread) == written


def test_numbers_and_lists_without_end_stop_at_the_ceiling() -> None:
    deep = "items { " + "parts { " * 11 + "sku" + " }" * 12
    assert cost("{ shopPartList(input: {limit: 1}) { " + deep + " } }").total == CEILING
    huge = "{ shopPartList(input: {limit: 2147483647}) { items { sku } } }"
    assert cost(huge) == Cost(CEILING, 2147483647)
    by_variable = "query ($n: Int) { shopPartList(input: {limit: $n}) { items { sku } } }"
    for number in (10**30, 1e300, 2147483647):
        assert cost(by_variable, n=number) == Cost(CEILING, CEILING)
    odd = "query ($i: ShopPartListInput!) { shopPartList(input: $i) { items { sku } } }"
    for given_ in ({"limit": "7"}, {"limit": True}, {"limit": 10**30}, {"limit": [7]}, 5, [], None):
        assert cost(odd, i=given_).total >= 6  # coercion refuses it, whatever it costs


def test_weighing_is_linear_however_fragments_multiply() -> None:
    doubling = "{ shopPartList(input: {}) { ...f0 } }" + "".join(
        f"fragment f{i} on ShopPartListOutput {{ ...f{i + 1} ...f{i + 1} }}" for i in range(48)
    )
    tree = parse(doubling + "fragment f48 on ShopPartListOutput { items { sku } }")
    began = time.thread_time()
    (price,) = PRICES.of(tree).values()
    assert time.thread_time() - began < 0.1
    (node, *_) = tree.definitions
    assert isinstance(node, OperationDefinitionNode)
    assert cost_of(price, node, {}).total == CEILING


def test_what_costs_too_much_is_refused_and_nothing_is_called() -> None:
    door = FakeDoor()
    app = application(door, catalogue=CATALOGUE, limits=Limits(cost=100))
    query = "query ($n: Int) { shopPartList(input: {limit: $n}) { items { sku } } }"
    assert post(app, query, variables={"n": 94}).json()["data"] is not None
    assert len(door.calls) == 1
    answer = post(app, query, variables={"n": 95})
    (entry,) = answer.json()["errors"]
    told = entry["extensions"]["problem"]
    assert (answer.status_code, told["code"]) == (422, "COST_LIMIT_EXCEEDED")
    assert (told["limit"], told["maximum"], told["value"]) == ("cost", 100, 101)
    assert len(door.calls) == 1


def test_a_list_that_is_too_long_is_refused_by_a_code_of_its_own() -> None:
    app = application(catalogue=CATALOGUE)
    query = (
        "{ shopPartList(input: {first: 1001}) { total } items: shopPartList(input: {}) { total } }"
    )
    assert post(app, query.replace("1001", "1000")).status_code != 422
    query = query.replace("{ total } items", "{ items { sku } } items")
    codes = [entry["extensions"]["code"] for entry in post(app, query).json()["errors"]]
    assert codes == ["LIST_LIMIT_EXCEEDED"]


def test_the_cost_is_told_to_whoever_asks() -> None:
    app = application(catalogue=CATALOGUE)
    query = "{ shopDear { done } }"
    assert "extensions" not in post(app, query).json()
    assert "extensions" not in post(app, query, extensions={"cost": "yes"}).json()
    told = post(app, query, extensions={"cost": True}).json()
    assert told["data"] == {"shopDear": {"done": True}}
    assert told["extensions"] == {"cost": {"requested": 401, "maximum": 10_000}}


def test_as_much_of_the_schema_as_tools_ask_for_and_no_more() -> None:
    app = application(catalogue=CATALOGUE)
    tools = get_introspection_query()
    assert post(app, tools).status_code == 200
    inside, rest = tools.removeprefix("\nquery IntrospectionQuery {").split("fragment", 1)
    twice = f"{{ b: {inside.strip()[:-1]} a: {inside} fragment {rest}"
    (entry,) = post(app, twice).json()["errors"]
    assert entry["extensions"]["code"] == "INTROSPECTION_COST_LIMIT_EXCEEDED"


def values_in(answer: Any) -> int:
    """What telling an answer takes: each value of it once, and each list twice more."""
    if isinstance(answer, dict):
        return 1 + sum(map(values_in, answer.values()))
    return 3 + sum(map(values_in, answer)) if isinstance(answer, list) else 1


MANY = ("name", "description", "isDeprecated", "deprecationReason", "args { name description }")
WIDE = "fields { " + " ".join(MANY) + " type { name kind ofType { name kind } } }"
TEN = " ".join(f"a{i}: {WIDE}" for i in range(10))
IN_FRAGMENTS = f"fragment t on __Type {{ ...u }} fragment u on __Type {{ {TEN} }}"
ARGS = " ".join(f"a{i}: args {{ name }}" for i in range(20))


@pytest.mark.parametrize(
    "source",
    [
        f"{{ __schema {{ queryType {{ {TEN} }} }} }}",
        f'{{ __type(name: "Query") {{ {TEN} }} }}',
        f"{{ __schema {{ queryType {{ ...t }} }} }} fragment t on __Type {{ {TEN} }}",
        f"{{ __schema {{ queryType {{ ... {{ ...t }} }} }} }} {IN_FRAGMENTS}",
        f"{{ __schema {{ types {{ fields {{ name {ARGS} }} }} }} }}",
        '{ __type(name: "Node") { possibleTypes { fields { name } } } }',
    ],
)
def test_no_part_of_the_schema_is_told_for_much_less_than_tools_pay(source: str) -> None:
    wide = {f"shopWide{i}": operation(f"shop.wide{i}", given=fields(a="Int")) for i in range(60)}
    schema = build_schema(Catalogue({**SHOP, **wide}))
    prices = Prices(schema)

    def price(document: str) -> tuple[float, int]:
        tree = parse(document)
        answer = execute_sync(schema, tree)
        assert answer.errors is None
        return prices.of(tree)[id(tree.definitions[0])].schema, values_in(answer.data)

    tools, whole = price(get_introspection_query())
    asked, told = price(source)
    assert told / asked <= 1.5 * whole / tools
