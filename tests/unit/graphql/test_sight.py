"""What a caller sees of the schema, and that nothing tells it of the rest."""

import json
from typing import Any

import pytest
from graphql import GraphQLSchema, build_client_schema, get_introspection_query

from gateway.contracts import Registry
from gateway.model.contract import Kind, Stability
from gateway.model.principal import ANONYMOUS, Principal, PrincipalType
from gateway.model.problem import refuse
from gateway.surfaces.graphql import Introspection, build_schema, print_sdl
from gateway.surfaces.graphql.schema.sight import narrowed
from tests.unit.graphql.support import (
    ADMIN,
    PING,
    Catalogue,
    FakeDoor,
    application,
    fields,
    operation,
    post,
    send,
    shipped_schema,
)

SCHEMA = shipped_schema()
MINE = frozenset({"shopPing", "shopReset"})
HIDDEN = ("OrderGet", "OrderPlace", "orderId", "Item", "sku", "Status", "OPEN", "email", "items")
HIDDEN += ("ShopOrderGetOutput", "ShopOrderGetInput", "can never be of type")
"""Parts of names that only what is not in ``MINE`` reaches, and words of a message that only types
that exist are given."""

BOB = Principal(PrincipalType.HUMAN, "bob", "acme", frozenset({"user"}))
BY = {"authorization": "Bearer bob"}


async def authenticate(authorization: str | None, /) -> Principal:
    return {None: ANONYMOUS, "Bearer bob": BOB}.get(authorization, ADMIN)


def app(door: FakeDoor | None = None, mode: Introspection = Introspection.CALLER) -> Any:
    return application(door, introspection=mode, may_call=MINE, who=authenticate)


def types_of(schema: GraphQLSchema) -> set[str]:
    return {name for name in schema.type_map if not name.startswith("__")}


def told(query: str, headers: dict[str, str] = BY, **members: Any) -> str:
    """Everything that an answer holds, as text."""
    answer = post(app(), query, headers=headers, **members)
    return json.dumps(answer.json()) + str(answer.headers)


def test_a_caller_is_shown_its_fields_and_what_they_reach() -> None:
    body = post(app(), get_introspection_query(), headers=BY).json()
    seen = build_client_schema(body["data"])
    assert seen.query_type is not None
    assert seen.mutation_type is not None
    assert set(seen.query_type.fields) == {"shopPing"}
    assert set(seen.mutation_type.fields) == {"shopReset"}
    assert {"ShopPingOutput", "ShopResetOutput", "Query", "Mutation"} <= types_of(seen)
    assert not [name for name in HIDDEN if name in json.dumps(body)]


def test_an_administrator_is_shown_all_of_it() -> None:
    headers = {"authorization": "Bearer admin"}
    body = post(app(), get_introspection_query(), headers=headers).json()
    assert types_of(build_client_schema(body["data"])) == types_of(SCHEMA)


@pytest.mark.parametrize(
    ("mode", "headers", "shown"),
    [
        (Introspection.CALLER, {}, None),
        (Introspection.CALLER, BY, MINE),
        (Introspection.PUBLIC, {}, MINE),
        (Introspection.PUBLIC, BY, MINE),
        (Introspection.ON, {}, frozenset({*MINE, "shopOrderGet", "shopOrderPlace"})),
        (Introspection.ADMIN, BY, None),
        (Introspection.OFF, BY, None),
    ],
)
def test_the_setting_says_who_is_shown_how_much(
    mode: Introspection, headers: dict[str, str], shown: frozenset[str] | None
) -> None:
    query = "{ __schema { queryType { fields { name } } mutationType { fields { name } } } }"
    answer = post(app(mode=mode), query, headers=headers)
    if shown is None:
        assert answer.status_code == 422
        return
    schema = answer.json()["data"]["__schema"]
    names = [one["name"] for part in schema.values() for one in part["fields"]]
    assert set(names) == shown


def test_who_may_call_nothing_is_shown_nothing() -> None:
    nobody = application(introspection=Introspection.PUBLIC, who=authenticate)
    assert post(nobody, "{ __schema { types { name } } }", headers=BY).status_code == 422
    assert post(nobody, "{ __typename }", headers=BY).json() == {"data": {"__typename": "Query"}}


LEAKS = [
    '{ __type(name: "ShopOrderGetInput") { name inputFields { name } } }',
    '{ __type(name: "ShopStatus") { enumValues { name } } }',
    "{ shopOrderGe { orderId } }",
    "{ shopPing { doen } shopOrderPlace { id } }",
    "{ shopOrderGet }",
    "{ shopOrderGet { x } }",
    "{ shopOrderGet(inptu: {}) { x } }",
    "{ shopOrderGet(input: {}) { x } }",
    '{ shopOrderGet(input: {orderI: 1, status: "OPEN1", limit: "a"}) { x } }',
    "{ shopOrderGet(input: {status: OPE}) { x } }",
    "mutation { shopOrderPlace(input: {itmes: [{}]}) { x } }",
    "query ($a: ShopOrderGetInpu!) { shopPing { done } }",
    "query ($a: ShopStatu) { shopPing { done } }",
    "{ ...on ShopIte { x } }",
    "{ ...f } fragment f on ShopOrderGetOutpu { x }",
    "{ shopPing { ...on ShopItem { done } } }",
    "{ __schema { types { name } } a: shopOrderGet(input: {x: 1}) { x } }",
]


@pytest.mark.parametrize("query", LEAKS)
def test_nothing_is_told_of_what_a_caller_may_not_call(query: str) -> None:
    said = told(query)
    for name in HIDDEN:
        if name not in query:
            assert name not in said, said
    everybody = post(application(), query).text
    assert any(name in everybody for name in HIDDEN if name not in query) or "__type" in query, (
        "the query would tell nothing to anybody, so that the test proves nothing"
    )


@pytest.mark.parametrize("name", ["shopOrderGet", "shopOrderXyz"])
def test_a_document_that_is_wrong_about_a_hidden_field_is_answered_as_of_no_field(
    name: str,
) -> None:
    said = post(app(), f"{{ {name}(a: 1) {{ b }} }}", headers=BY).json()["errors"]
    message = (
        f"Cannot query field '{name}' on type 'Query'. Correct the document and send it again."
    )
    assert [error["message"] for error in said] == [message]


def test_what_a_caller_may_call_is_suggested() -> None:
    assert "Did you mean 'shopPing'?" in told("{ shopPin { done } }")
    assert "Did you mean" not in told("{ shopPin { done } }", headers={})


def test_a_call_of_a_hidden_field_reaches_the_pipeline_which_denies_and_records() -> None:
    denial = refuse("FORBIDDEN", "You may not call shop.order.get.")
    door = FakeDoor({"shop.order.get": denial})
    query = '{ shopOrderGet(input: {orderId: "1"}) { orderId } }'
    body = post(app(door), query, headers=BY).json()
    assert body["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert len(door.calls) == 1


@pytest.mark.parametrize("variables", [{}, {"i": {}}, {"i": {"orderId": "1", "status": "X"}}])
def test_variables_that_do_not_fit_tell_nothing_of_a_hidden_type(
    variables: dict[str, Any],
) -> None:
    query = "query ($i: ShopOrderGetInput!) { shopOrderGet(input: $i) { extra } }"
    said = told(query, variables=variables)
    assert "VALIDATION_FAILED" in said
    assert not [name for name in ("orderId", "/status", "OPEN") if name in said]
    assert "ShopOrderGetInput" not in said
    everybody = post(application(), query, variables=variables).text
    assert "orderId" in everybody or "OPEN" in everybody or "ShopOrderGetInput" in everybody


def test_the_schema_and_fields_of_it_are_asked_for_in_one_document() -> None:
    query = "{ shopPing { done } __schema { queryType { fields { name } } } }"
    data = post(app(), query, headers=BY).json()["data"]
    assert data["shopPing"] == {"done": True}
    assert data["__schema"]["queryType"]["fields"] == [{"name": "shopPing"}]
    mixed = '{ shopOrderGet(input: {orderId: "1"}) { orderId } __schema { description } }'
    for _ in range(2):  # not kept, and kept for an administrator
        refused = post(app(), mixed, headers=BY)
        assert refused.status_code == 422
        assert "Cannot query field 'shopOrderGet'" in refused.text
        asked = post(app(), mixed, headers={"authorization": "Bearer admin"})
        assert asked.json()["data"]["__schema"] == {"description": None}


def test_a_document_that_was_kept_for_one_caller_tells_another_nothing_more() -> None:
    one = app()
    query = '{ __type(name: "ShopStatus") { name } }'
    for _ in range(2):
        asked = post(one, query, headers={"authorization": "Bearer admin"})
        assert asked.json()["data"]["__type"] == {"name": "ShopStatus"}
        assert post(one, query, headers=BY).json()["data"]["__type"] is None
        assert post(one, query).status_code == 422


def test_a_get_request_is_shown_the_same() -> None:
    query = "{ __schema { queryType { fields { name } } } }"
    answer = send(app(), "GET", params={"query": query}, headers=BY | {"accept": "*/*"})
    assert answer.json()["data"]["__schema"]["queryType"]["fields"] == [{"name": "shopPing"}]


def test_a_deprecated_version_does_not_name_the_field_that_replaces_it() -> None:
    old = operation("shop.peek", version="1.0.0", stability=Stability.DEPRECATED)
    registry = Registry([old, operation("shop.peek", version="2.0.0"), PING])
    whole = build_schema(registry)
    assert whole.query_type is not None
    reason = whole.query_type.fields["shopPeekV1"].deprecation_reason
    assert reason == "shop.peek@1.0.0 is deprecated; use shopPeek (shop.peek@2.0.0)."
    both, old_alone = (
        narrowed(whole, frozenset(names)).query_type
        for names in ({"shopPeek", "shopPeekV1"}, {"shopPeekV1"})
    )
    assert both is not None
    assert old_alone is not None
    assert both.fields["shopPeekV1"].deprecation_reason == reason
    assert old_alone.fields["shopPeekV1"].deprecation_reason == "This version is deprecated."
    assert whole.query_type.fields["shopPeekV1"].deprecation_reason == reason


def test_a_view_without_a_query_can_still_be_asked_for() -> None:
    only = application(
        introspection=Introspection.CALLER, may_call=frozenset({"shopReset"}), who=authenticate
    )
    body = post(only, get_introspection_query(), headers=BY).json()
    assert body["data"]["__schema"]["queryType"] == {"name": "Query", "kind": "OBJECT"}
    assert "shopReset" in json.dumps(body)


def test_the_sdl_of_a_view_holds_its_directives_and_nothing_else() -> None:
    catalogue = {"shopPing": PING, "shopReset": operation("shop.reset", Kind.COMMAND)}
    printed = print_sdl(narrowed(shipped_schema(), MINE))
    only = print_sdl(build_schema(Catalogue(catalogue)))
    # The definition of @pii stays, as directives are not of any field.
    assert printed.partition("type Mutation")[2] == only.partition("type Mutation")[2]
    assert '@contract(key: "shop.ping"' in printed


def test_fields_of_an_input_are_told_where_it_may_be_called() -> None:
    given = operation("shop.see", given=fields(limit="Int!"))
    catalogue = Catalogue({"shopSee": given, "shopPing": PING})
    one = application(
        introspection=Introspection.CALLER,
        may_call=frozenset({"shopSee"}),
        catalogue=catalogue,
        who=authenticate,
    )
    query = "query ($i: ShopSeeInput!) { shopSee(input: $i) { done } }"
    assert "limit" in post(one, query, headers=BY, variables={"i": {}}).text
