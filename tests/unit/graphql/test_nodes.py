"""Relay's Node: what has a global id, and loading it by that through the contract that gets it."""

import asyncio
import json
from base64 import urlsafe_b64encode
from dataclasses import replace
from typing import Any

import pytest
from graphql import GraphQLInterfaceType, GraphQLSchema

from gateway.model.principal import ANONYMOUS
from gateway.surfaces.graphql import Engine, Introspection, Limits, build_schema, print_sdl
from gateway.surfaces.graphql.door import AT_ONCE
from gateway.surfaces.graphql.encoding import encode
from gateway.surfaces.graphql.operations.execution import run
from gateway.surfaces.graphql.requests.parameters import Parameters
from gateway.surfaces.graphql.schema.global_ids import global_id
from gateway.surfaces.graphql.schema.sight import narrowed
from tests.unit.graphql.entities import ORDER_GET, SHOP, shop, shop_door
from tests.unit.graphql.support import Catalogue, FakeDoor, application, post, refusal

BEARER = {"authorization": "Bearer admin"}


def made(kind: str, *key: object) -> str:
    return global_id(kind, key)  # type: ignore[arg-type]  # keys that are none, too


def asked(query: str, door: FakeDoor | None = None, **rest: Any) -> dict[str, Any]:
    """The answer to a query at the shop."""
    app = application(door or shop_door(), catalogue=shop())
    body: dict[str, Any] = post(app, query, BEARER, **rest).json()
    return body


def codes(body: dict[str, Any]) -> list[tuple[str, list[object]]]:
    return [(one["extensions"]["code"], one["path"]) for one in body.get("errors", ())]


def test_a_thing_is_loaded_again_by_the_id_that_it_told() -> None:
    door = shop_door()
    told = asked('{ shopOrderGet(input: {order: "o-1"}) { found { id orderId } } }', door)
    found = told["data"]["shopOrderGet"]["found"]
    query = "query ($id: ID!) { node(id: $id) { id __typename ... on ShopOrder { orderId note } } }"
    again = asked(query, door, variables={"id": found["id"]})
    assert again == {"data": {"node": {**found, "__typename": "ShopOrder", "note": "of o-1"}}}
    direct, by_id = door.calls
    assert by_id == {**direct, "trace_id": by_id["trace_id"]}, "another call than the contract's"


@pytest.mark.parametrize("count", [1, 2, 9])
def test_a_list_tells_the_ids_of_its_items_without_graphql_core(count: int) -> None:
    names = [f"o-{at}" for at in range(count)]
    answer = {"items": [{"orderId": name, "total": None} for name in names]}
    engine = Engine(build_schema(shop()), FakeDoor({"shop.order.list": answer}))
    query = "{ shopOrderList { items { again: id orderId id } } }"
    operation = engine.prepare(Parameters(query), ANONYMOUS, None)
    body = json.loads(encode(asyncio.run(run(operation))))
    ids = [made("ShopOrder", name) for name in names]
    assert body["data"]["shopOrderList"]["items"] == [
        {"again": told, "orderId": name, "id": told} for name, told in zip(names, ids, strict=True)
    ]
    assert list(body["data"]["shopOrderList"]["items"][0]) == ["again", "orderId", "id"]
    assert operation.document.compiled.interpreted == 0


def test_a_key_of_several_fields_is_one_id() -> None:
    body = asked('{ shopBookingGet(input: {room: "7", day: "2026-01-01"}) { id guest } }')
    assert body["data"]["shopBookingGet"]["id"] == made("ShopBookingGetOutput", "2026-01-01", "7")
    query = f'{{ node(id: "{made("ShopBookingGetOutput", "2026-01-01", "7")}") {{ id }} }}'
    door = shop_door()
    assert asked(query, door)["data"]["node"] == {
        "id": made("ShopBookingGetOutput", "2026-01-01", "7")
    }
    assert door.calls[0]["input"] == {"room": "7", "day": "2026-01-01"}


@pytest.mark.parametrize(
    "named",
    [
        made("ShopOrder", "o-none"),
        made("ShopOrder", "o-gone"),
        made("ShopOrder", "o-left-out"),
        made("ShopOrder", "o-1", "more"),
        made("ShopOrder", 1),
        made("ShopOrderGetOutput", "o-1"),
        made("Nothing", "o-1"),
        made("ShopParcel", "north", 1),
        made("Query", "o-1"),
    ],
)
def test_what_there_is_not_is_null_without_an_error(named: str) -> None:
    assert asked(f'{{ node(id: "{named}") {{ id }} }}') == {"data": {"node": None}}


def test_a_thing_has_no_second_id() -> None:
    door = FakeDoor({"shop.order.get": lambda given: {"found": {"orderId": given["order"]}}})
    seven = made("ShopOrder", "7")
    assert asked(f'{{ node(id: "{seven}") {{ id }} }}', door)["data"]["node"] == {"id": seven}
    assert asked(f'{{ node(id: "{made("ShopOrder", 7)}") {{ id }} }}', door)["data"]["node"] is None
    assert len(door.calls) == 1


def encoded(raw: bytes, version: str = "1") -> str:
    return version + urlsafe_b64encode(raw).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "o-1",
        made("ShopOrder", "o-1") + "=",
        made("ShopOrder", "o-1")[:-1],
        "2" + made("ShopOrder", "o-1")[1:],
        made("ShopOrder", "o-1") + "\n",
        encoded(b"[]"),
        encoded(b'["ShopOrder"]'),
        encoded(b'["ShopOrder", "o-1"]'),
        encoded(b'["ShopOrder",null]'),
        encoded(b'["ShopOrder",true]'),
        encoded(b'["ShopOrder",["o-1"]]'),
        encoded(b'["ShopOrder",1.5]'),
        encoded(b'{"ShopOrder":"o-1"}'),
        encoded(b'["ShopOrder","\xff"]'),
        encoded(b"[" * 4000),
        encoded(json.dumps(["ShopOrder", "é"]).encode()),
        made("ShopOrder", "x" * 9000),
    ],
)
def test_a_text_that_is_no_id_is_refused_in_its_place(text: str) -> None:
    door = shop_door()
    body = asked("query ($id: ID!) { node(id: $id) { id } }", door, variables={"id": text})
    assert body["data"] == {"node": None}
    assert codes(body) == [("VALIDATION_FAILED", ["node"])]
    assert body["errors"][0]["extensions"]["problem"]["issues"][0]["path"] == "/id"
    assert door.calls == []


def test_what_the_contract_refuses_is_refused_and_another_thing_is_withheld() -> None:
    secret, odd = made("ShopOrder", "o-secret"), made("ShopOrder", "o-odd")
    body = asked(f'{{ a: node(id: "{secret}") {{ id }} b: node(id: "{odd}") {{ id }} }}')
    assert body["data"] == {"a": None, "b": None}
    assert sorted(codes(body)) == [("BAD_GATEWAY", ["b"]), ("FORBIDDEN", ["a"])]


def test_nodes_come_in_order_each_with_its_own_error_and_each_loaded_once() -> None:
    door = shop_door()
    ids = [made("ShopOrder", f"o-{name}") for name in ("2", "secret", "none", "1", "2")]
    query = "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on ShopOrder { orderId } } }"
    body = asked(query, door, variables={"ids": [*ids, "no id"]})
    two = {"orderId": "o-2"}
    assert body["data"]["nodes"] == [two, None, None, {"orderId": "o-1"}, two, None]
    assert codes(body) == [
        ("FORBIDDEN", ["nodes", 1]), ("VALIDATION_FAILED", ["nodes", 5]),
    ]  # fmt: skip
    assert sorted(call["input"]["order"] for call in door.calls) == [
        "o-1", "o-2", "o-none", "o-secret",
    ]  # fmt: skip


def test_one_request_loads_a_thing_once_under_all_its_aliases() -> None:
    door = shop_door()
    one = made("ShopOrder", "o-1")
    body = asked(f'{{ a: node(id: "{one}") {{ id }} b: nodes(ids: ["{one}"]) {{ id }} }}', door)
    assert body == {"data": {"a": {"id": one}, "b": [{"id": one}]}}
    assert len(door.calls) == 1


def test_only_so_many_are_loaded_at_once() -> None:
    under_way = most = 0

    class Slow(FakeDoor):
        async def call(self, contract: Any, given: dict[str, Any], **rest: Any) -> dict[str, Any]:
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0.001)
            under_way -= 1
            return {"found": {"orderId": given["order"]}}

    ids = [made("ShopOrder", f"o-{at}") for at in range(40)]
    body = asked("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", Slow(), variables={"ids": ids})
    assert [one["id"] for one in body["data"]["nodes"]] == ids
    assert most == AT_ONCE


@pytest.mark.parametrize("count", [1001, 10_000])
def test_a_list_of_ids_is_as_long_as_lists_may_be(count: int) -> None:
    app = application(shop_door(), catalogue=shop(), limits=Limits(cost=900_000))
    ids = [f"id{at}" for at in range(count)]
    query = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    error = refusal(post(app, query, BEARER, variables={"ids": ids}))
    assert error["extensions"]["code"] == "LIST_LIMIT_EXCEEDED"
    literal = "{ nodes(ids: [" + " ".join(["1"] * 1001) + "]) { id } }"
    error = refusal(post(app, literal, BEARER))
    assert error["extensions"]["code"] == "LIST_LIMIT_EXCEEDED"


def test_each_id_costs_a_call() -> None:
    query = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    app = application(shop_door(), catalogue=shop(), limits=Limits(cost=100))
    assert "data" in post(app, query, BEARER, variables={"ids": ["a"] * 16}).json()
    error = refusal(post(app, query, BEARER, variables={"ids": ["a"] * 17}))
    assert error["extensions"]["code"] == "COST_LIMIT_EXCEEDED"


def sees(*fields: str) -> GraphQLSchema:
    return narrowed(build_schema(shop()), frozenset(fields))


def test_node_is_shown_to_who_may_call_what_loads_a_node() -> None:
    whole = print_sdl(build_schema(shop()))
    assert "type ShopOrder implements Node" in whole
    assert "type ShopBookingGetOutput implements Node" in whole
    told = print_sdl(sees("shopOrderGet", "shopPing"))
    assert "node(" in told
    assert "nodes(" in told
    assert "Booking" not in told
    without = print_sdl(sees("shopPing"))
    assert "node" not in without.lower()


def test_what_else_leads_to_a_node_does_not_open_the_fields_that_load_it() -> None:
    schema = sees("shopOrderList")
    assert schema.query_type is not None
    assert list(schema.query_type.fields) == ["shopOrderList"]
    assert isinstance(schema.type_map["Node"], GraphQLInterfaceType)


def test_node_is_told_of_only_to_who_sees_it() -> None:
    app = application(
        shop_door(),
        catalogue=shop(),
        introspection=Introspection.PUBLIC,
        may_call=frozenset({"shopPing"}),
    )
    error = refusal(post(app, '{ node(id: "a") { nothing } }'))
    assert "'node'" in error["message"]
    assert "Node" not in error["message"]


def test_a_type_with_an_id_of_its_own_keeps_it_and_is_no_node() -> None:
    schema = build_schema(shop())
    assert "type ShopParcel {" in print_sdl(schema)
    body = asked('{ shopParcelGet(input: {number: 1, depot: "n"}) { parcel { id } } }')
    assert body["data"]["shopParcelGet"]["parcel"] == {"id": "own"}


def test_where_nothing_is_loaded_by_key_there_is_no_node() -> None:
    text = print_sdl(build_schema(Catalogue({"shopPing": SHOP["shopPing"]})))
    assert "node" not in text.lower()


def test_two_contracts_cannot_load_one_type() -> None:
    find = replace(ORDER_GET, meta=replace(ORDER_GET.meta, key="shop.order.find"))
    other = {**SHOP, "shopOrderFind": find}
    with pytest.raises(ValueError, match=r"both load ShopOrder"):
        build_schema(Catalogue(other))
