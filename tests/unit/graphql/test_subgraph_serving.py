"""What a router asks of a running subgraph: its SDL, and entities by their keys."""

import time
from typing import Any

import pytest
from graphql import print_type
from starlette.applications import Starlette

from gateway.contracts import Registry
from gateway.model.principal import ANONYMOUS, Principal, PrincipalType
from gateway.surfaces.graphql import (
    Engine,
    Introspection,
    Limits,
    Service,
    graphql_routes,
    print_sdl,
)
from gateway.surfaces.graphql.federation import build_subgraph, print_subgraph
from gateway.surfaces.graphql.schema.sight import narrowed
from tests.unit.graphql.entities import SHOP, shop, shop_door
from tests.unit.graphql.support import ADMIN, Catalogue, FakeDoor, operation, post, refusal

ENTITIES = (
    "query ($of: [_Any!]!) { _entities(representations: $of) "
    "{ __typename ... on ShopOrder { orderId total note } "
    "... on ShopParcel { number } ... on ShopBookingGetOutput { room guest } } }"
)
USER = Principal(PrincipalType.HUMAN, "una", "acme", frozenset({"user"}))
WHO = {"Bearer admin": ADMIN, "Bearer user": USER, None: ANONYMOUS}
JsonObject = dict[str, Any]


def subgraph(
    door: FakeDoor | None = None,
    introspection: Introspection = Introspection.CALLER,
    limits: Limits | None = None,
    catalogue: Catalogue | None = None,
) -> Starlette:
    """A door that serves routers; its user may call shopOrderGet and shopPing."""
    engine = Engine(
        build_subgraph(catalogue or shop()),
        door or shop_door(),
        introspection=introspection,
        may_call=lambda who: None if who is ADMIN else frozenset({"shopOrderGet", "shopPing"}),
        limits=limits,
        build=build_subgraph,
    )

    async def authenticate(authorization: str | None, /) -> Principal:
        return WHO[authorization]

    return Starlette(routes=graphql_routes(Service(engine, authenticate)))


def order(name: object, **more: object) -> JsonObject:
    return {"__typename": "ShopOrder", "orderId": name, **more}


def loaded(door: FakeDoor, *of: object) -> JsonObject:
    variables = {"of": list(of)}
    body: JsonObject = post(
        subgraph(door), ENTITIES, {"authorization": "Bearer admin"}, variables=variables
    ).json()
    return body


def codes(body: JsonObject) -> list[tuple[str, list[object]]]:
    return [(one["extensions"]["code"], one["path"]) for one in body.get("errors", ())]


def test_an_entity_that_its_contract_leaves_out_of_the_output_is_null() -> None:
    assert loaded(shop_door(), order("o-left-out")) == {"data": {"_entities": [None]}}


def test_an_entity_is_loaded_and_what_a_representation_says_beside_its_key_never_comes_back() -> (
    None
):
    door = shop_door()
    forged = order("o-1", total=0.01, note="forged", id="forged", found={"total": 0})
    body = loaded(door, forged)
    real = {"__typename": "ShopOrder", "orderId": "o-1", "total": 1.5, "note": "of o-1"}
    assert body == {"data": {"_entities": [real]}}
    (call,) = door.calls
    assert (call["ref"], call["input"]) == ("shop.order.get@1.0.0", {"order": "o-1"})
    assert (call["principal"], call["idempotency_key"]) == (ADMIN, None)


def test_entities_of_several_types_come_in_their_order() -> None:
    parcel = {"__typename": "ShopParcel", "depot": "north", "number": 7}
    booking = {"__typename": "ShopBookingGetOutput", "room": "7", "day": "2026-01-01"}
    data = loaded(shop_door(), booking, order("o-2"), parcel)["data"]["_entities"]
    assert [one["__typename"] for one in data] == [
        "ShopBookingGetOutput", "ShopOrder", "ShopParcel",
    ]  # fmt: skip
    assert data[0] == {"__typename": "ShopBookingGetOutput", "room": "7", "guest": None}


def test_one_representation_that_fails_costs_no_other() -> None:
    body = loaded(
        shop_door(), order("o-none"), order("o-secret"), order("o-1"), order("o-odd"), order(None)
    )
    assert [one and one["orderId"] for one in body["data"]["_entities"]] == [
        None, None, "o-1", None, None,
    ]  # fmt: skip
    assert codes(body) == [
        ("FORBIDDEN", ["_entities", 1]),
        ("BAD_GATEWAY", ["_entities", 3]),
        ("VALIDATION_FAILED", ["_entities", 4]),
    ]


def test_equal_representations_are_loaded_once() -> None:
    door = shop_door()
    twice = "query ($of: [_Any!]!) { a: _entities(representations: $of) { __typename } "
    twice += "b: _entities(representations: $of) { __typename } }"
    of = [order("o-1"), order("o-1", note="other"), order("o-2")]
    headers = {"authorization": "Bearer admin"}
    body = post(subgraph(door), twice, headers, variables={"of": of}).json()
    assert body["data"]["a"] == body["data"]["b"] == [{"__typename": "ShopOrder"}] * 3
    assert sorted(call["input"]["order"] for call in door.calls) == ["o-1", "o-2"]


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({}, ""),
        ({"__typename": "ShopOrder"}, "/orderId"),
        ({"orderId": "o-1"}, ""),
        ({"__typename": None, "orderId": "o-1"}, ""),
        ({"__typename": ["ShopOrder"], "orderId": "o-1"}, ""),
        ({"__typename": {"a": 1}, "orderId": "o-1"}, ""),
        ({"__typename": "ShopOrderGetOutput", "orderId": "o-1"}, ""),
        ({"__typename": "Query"}, ""),
        ({"__typename": "Node", "id": "o-1"}, ""),
        ({"__typename": "ShopOrder", "orderId": None}, "/orderId"),
        ({"__typename": "ShopOrder", "orderId": 1.5}, "/orderId"),
        ({"__typename": "ShopOrder", "orderId": True}, "/orderId"),
        ({"__typename": "ShopOrder", "orderId": ["o-1"]}, "/orderId"),
        ({"__typename": "ShopOrder", "orderId": {"$ne": ""}}, "/orderId"),
        ({"__typename": "ShopOrder", "order": "o-1"}, "/orderId"),
        ({"__typename": "ShopParcel", "number": "7", "depot": "n"}, "/number"),
        ({"__typename": "ShopParcel", "number": True, "depot": "n"}, "/number"),
        ({"__typename": "ShopParcel", "number": 2**31, "depot": "n"}, "/number"),
        ({"__typename": "ShopParcel", "number": 10**30, "depot": "n"}, "/number"),
        ({"__typename": "ShopParcel", "number": 7, "depot": 7}, "/depot"),
        ("ShopOrder", ""),
        (1, ""),
        ([order("o-1")], ""),
        ([], ""),
    ],
)
def test_what_is_no_representation_is_refused_in_its_place_and_called_by_nobody(
    given: object, path: str
) -> None:
    door = shop_door()
    body = loaded(door, order("o-1"), given)
    assert body["data"]["_entities"][0]["orderId"] == "o-1"
    assert codes(body) == [("VALIDATION_FAILED", ["_entities", 1])]
    (issue,) = body["errors"][0]["extensions"]["problem"]["issues"]
    assert issue["path"] == f"/representations/1{path}"
    assert [call["input"] for call in door.calls] == [{"order": "o-1"}]


def test_a_number_is_text_where_the_key_is_an_id() -> None:
    door = FakeDoor({"shop.order.get": lambda given: {"found": {"orderId": given["order"]}}})
    assert loaded(door, order(7))["data"]["_entities"][0]["orderId"] == "7"


def test_a_null_is_no_representation() -> None:
    error = refusal(
        post(
            subgraph(), ENTITIES, {"authorization": "Bearer admin"}, variables={"of": [None]}
        )
    )  # fmt: skip
    assert error["extensions"]["code"] == "VALIDATION_FAILED"


def test_ten_thousand_representations_are_refused_before_any_is_looked_at() -> None:
    door = shop_door()
    limits = Limits(cost=900_000, body_bytes=10_000_000)
    app = subgraph(door, limits=limits)
    of = {"of": [order(f"o-{at}") for at in range(10_000)]}
    error = refusal(post(app, ENTITIES, {"authorization": "Bearer admin"}, variables=of))
    assert error["extensions"]["code"] == "LIST_LIMIT_EXCEEDED"
    error = refusal(
        post(subgraph(door), ENTITIES, {"authorization": "Bearer admin"}, variables={
            "of": [order("o-1")] * 1000
        })
    )  # fmt: skip
    assert error["extensions"]["code"] == "COST_LIMIT_EXCEEDED"
    assert door.calls == []


SDL = "{ _service { sdl } }"


def test_the_sdl_is_the_printed_one_for_who_may_ask_for_the_whole_schema() -> None:
    body = post(subgraph(), SDL, {"authorization": "Bearer admin"}).json()
    assert body["data"]["_service"]["sdl"] == print_subgraph(shop())


@pytest.mark.parametrize(
    ("introspection", "who", "code"),
    [
        (Introspection.CALLER, "Bearer user", "FORBIDDEN"),
        (Introspection.CALLER, None, "UNAUTHENTICATED"),
        (Introspection.PUBLIC, None, "UNAUTHENTICATED"),
        (Introspection.ADMIN, "Bearer user", "FORBIDDEN"),
        (Introspection.OFF, "Bearer admin", "FORBIDDEN"),
        (Introspection.ON, None, ""),
        (Introspection.ADMIN, "Bearer admin", ""),
    ],
)
def test_the_sdl_is_as_open_as_introspection(
    introspection: Introspection, who: str | None, code: str
) -> None:
    headers = {"authorization": who} if who else {}
    body = post(subgraph(introspection=introspection), SDL, headers).json()
    assert [found for found, _ in codes(body)] == ([code] if code else [])
    assert (body["data"] is None) is bool(code)


def test_the_sdl_is_printed_once_however_many_ask_for_it_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    printed = []

    def slowly(registry: Registry) -> str:
        printed.append(registry)
        time.sleep(0.05)
        return "the SDL"

    monkeypatch.setattr("gateway.surfaces.graphql.federation.serving.print_subgraph", slowly)
    query = "{" + " ".join(f"a{i}: _service {{ sdl }}" for i in range(20)) + "}"
    body = post(subgraph(), query, {"authorization": "Bearer admin"}).json()
    assert body["data"] == {f"a{i}": {"sdl": "the SDL"} for i in range(20)}
    assert len(printed) == 1


def test_a_caller_sees_the_entities_that_it_may_load_and_no_sdl() -> None:
    schema = narrowed(build_subgraph(shop()), frozenset({"shopOrderGet", "shopPing"}))
    assert schema.query_type is not None
    assert sorted(schema.query_type.fields) == [
        "_entities", "node", "nodes", "shopOrderGet", "shopPing",
    ]  # fmt: skip
    assert print_type(schema.type_map["_Entity"]) == "union _Entity = ShopOrder"
    assert "Parcel" not in print_sdl(schema)
    without = narrowed(build_subgraph(shop()), frozenset({"shopPing"}))
    assert "_Entity" not in without.type_map


def test_a_caller_is_not_told_of_entities_out_of_its_sight() -> None:
    query = "{ _entities(representations: []) { ... on ShopParcel { nothing } } }"
    error = refusal(post(subgraph(), query, {"authorization": "Bearer user"}))
    assert "nothing" not in error["message"]
    assert "ShopParcel" in error["message"], "the name is what the caller wrote"


@pytest.mark.parametrize("who", [{"authorization": "Bearer user"}, {}])
def test_a_caller_is_not_told_of_the_key_of_an_entity_out_of_its_sight(who: dict[str, str]) -> None:
    def told(kind: str) -> tuple[str, str]:
        body = post(subgraph(), ENTITIES, who, variables={"of": [{"__typename": kind}]}).json()
        (issue,) = body["errors"][0]["extensions"]["problem"]["issues"]
        return issue["path"], issue["message"]

    assert told("ShopParcel") == told("NothingOfThisName")
    assert "orderId" in told("ShopOrder")[1], "which its fake policy lets anybody call"


def test_without_entities_there_is_nothing_to_load() -> None:
    schema = build_subgraph(Catalogue({"shopPing": SHOP["shopPing"]}))
    assert schema.query_type is not None
    assert sorted(schema.query_type.fields) == ["_service", "shopPing"]
    assert "_Entity" not in schema.type_map


def test_a_workspace_with_contracts_of_its_own_has_a_subgraph_of_its_own() -> None:
    more = Registry([*SHOP.values(), operation("shop.new")])
    engine = Engine(
        build_subgraph(shop()),
        shop_door(),
        own_contracts=lambda workspace: more if workspace == "acme" else None,
        build=build_subgraph,
    )

    async def authenticate(authorization: str | None, /) -> Principal:
        return WHO[authorization]

    app = Starlette(routes=graphql_routes(Service(engine, authenticate)))
    body = post(app, SDL, {"authorization": "Bearer admin"}).json()
    assert "shopNew" in body["data"]["_service"]["sdl"]
    assert "shopNew" not in post(app, SDL).json()["data"]["_service"]["sdl"]
