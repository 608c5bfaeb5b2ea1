"""The schema generated from contracts, and what its resolvers hand to the door and back."""

import pytest
from graphql import GraphQLField, GraphQLObjectType, GraphQLSchema, GraphQLString
from graphql import build_schema as parse_sdl
from strawberry.federation.schema_directives import Key, Link

from gateway.model.contract import EnumType, Kind, ObjectType, Stability
from gateway.model.types import SCALARS
from gateway.surfaces.graphql import build_schema, print_sdl
from gateway.surfaces.graphql.schema.directives import applied, directives_of
from tests.unit.graphql.support import (
    SHIPPED,
    Catalogue,
    FakeDoor,
    application,
    fields,
    operation,
    post,
)

ORDER = {"orderId": "7", "status": "mro", "items": [{"sku": "a", "count": 2}], "total": 1.5}


def sdl(**by_field: object) -> str:
    return print_sdl(build_schema(Catalogue({**SHIPPED, **by_field})))


def test_the_sdl_is_deterministic_valid_and_ends_with_one_newline() -> None:
    text = sdl()
    assert text == print_sdl(build_schema(Catalogue(dict(reversed(SHIPPED.items())))))
    assert text.endswith("}\n")
    assert not text.endswith("\n\n")
    assert all(line == line.rstrip() for line in text.splitlines())
    assert parse_sdl(text).mutation_type is not None


def test_a_query_and_a_command_become_root_fields_with_their_facts() -> None:
    text = sdl()
    assert (
        '): ShopOrderGetOutput @contract(key: "shop.order.get", version: "1.0.0", '
        'capability: "shop.core@1.0.0", owners: ["shop.team", "platform.core"], '
        'stability: "stable", risk: "medium") @auth(level: "user")\n' in text
    )
    assert '@auth(level: "user") @pii(paths: ["email"])' in text
    mutation = text[text.index("type Mutation") : text.index("type Query")]
    assert "input: ShopOrderPlaceInput!" in mutation
    assert mutation.count("idempotencyKey: String\n") == 2
    assert "idempotencyKey" not in text[text.index("type Query") :]
    assert "  shopPing: ShopPingOutput @contract" in text


def test_the_description_is_made_of_title_description_goal_and_context() -> None:
    text = sdl()
    for part in ("Do a thing.", "It does the thing.", "Goal: Show things."):
        assert f"  {part}\n\n  " in text
    assert '  Context: Asked for by tests.\n  """\n' in text


def test_inputs_print_no_defaults_and_nested_types_get_the_domain_and_input_suffix() -> None:
    text = sdl()
    assert "= null" not in text
    assert (
        "type ShopItem {\n  sku: ID!\n  count: Int!\n  note: String\n  parts: [ShopItem!]\n}"
        in text
    )
    assert "input ShopItemInput {\n  sku: ID!" in text
    assert "  parts: [ShopItemInput!]\n" in text
    assert "enum ShopStatus {\n  OPEN\n  mro\n  CLOSED\n}" in text


def test_pii_is_marked_and_a_pii_output_is_nullable_because_it_may_be_left_out() -> None:
    text = sdl()
    assert '  email: EmailAddress! @pii(classes: ["contact"' in text
    assert '  email: EmailAddress @pii(classes: ["contact"' in text


def test_nested_pii_marks_the_nested_field_on_its_side_only() -> None:
    customer = ObjectType("Customer", fields(id="ID!", emails="[EmailAddress!]!"))
    found = operation(
        "shop.customer.find",
        given=fields(id="ID!"),
        answer=fields(customers="[Customer!]!"),
        types=(customer,),
        pii=("customers.emails",),
    )
    text = sdl(shopCustomerFind=found)
    assert "type ShopCustomer {\n  id: ID!\n  emails: [EmailAddress!] @pii(classes:" in text
    assert "  customers: [ShopCustomer!]!\n" in text


def test_every_scalar_of_a_contract_is_a_scalar_of_the_schema() -> None:
    every = {name[0].lower() + name[1:]: name for name in SCALARS}
    text = sdl(shopAll=operation("shop.all", given=fields(**every)))
    for name in SCALARS - {"String", "Int", "Float", "Boolean", "ID"}:
        assert f"\nscalar {name}\n" in text


def test_python_keywords_and_awkward_names_are_fine_as_field_names() -> None:
    odd = fields(**{"class": "ID!", "self": "String", "from": "Int", "mro": "Int", "input": "Int"})
    door = FakeDoor({"shop.odd": {"class": "c", "self": "s", "from": 1}})
    app = application(
        door, catalogue=Catalogue({"shopOdd": operation("shop.odd", given=odd, answer=odd)})
    )
    answer = post(app, '{ shopOdd(input: {class: "x", from: 1}) { class self from mro } }')
    assert answer.json() == {
        "data": {"shopOdd": {"class": "c", "self": "s", "from": 1, "mro": None}}
    }
    assert door.calls[0]["input"] == {"class": "x", "from": 1}


def test_a_deprecated_contract_is_deprecated_in_favour_of_its_owner() -> None:
    old = operation("shop.ping", version="1.0.0", stability=Stability.DEPRECATED)
    new = operation("shop.ping", version="2.1.0")
    text = print_sdl(
        build_schema(Catalogue({"shopPing": new, "shopPingV1": old, "shopPingV2": new}))
    )
    assert (
        '@deprecated(reason: "shop.ping@1.0.0 is deprecated; use shopPing (shop.ping@2.1.0).")'
        in text
    )
    assert "  shopPing: ShopPingOutput @" in text
    assert "  shopPingV2: ShopPingOutput @" in text
    assert "  shopPingV1: ShopPingV1Output @" in text


def test_a_version_with_another_definition_of_a_type_gets_its_own_name_for_it() -> None:
    def version(number: str, *values: str) -> object:
        return operation(
            "shop.ping",
            version=number,
            given=fields(state="State"),
            answer=fields(state="State!"),
            types=(EnumType("State", values),),
        )

    text = print_sdl(
        build_schema(
            Catalogue({"shopPing": version("2.0.0", "A", "B"), "shopPingV1": version("1.0.0", "A")})
        )
    )
    assert "enum ShopState {\n  A\n  B\n}" in text
    assert "enum ShopStateV1 {\n  A\n}" in text
    assert "input ShopPingV1Input {\n  state: ShopStateV1\n}" in text


def test_definitions_that_no_name_is_left_for_are_refused_with_the_contract() -> None:
    def stating(key: str, *values: str) -> object:
        types = (EnumType("State", values),)
        return operation(key, answer=fields(state="State!"), types=types)

    clash = {"shopA": stating("shop.a", "A"), "shopB": stating("shop.b", "B")}
    assert "enum ShopStateV1 {\n  B\n}" in print_sdl(build_schema(Catalogue(clash)))
    with pytest.raises(ValueError, match=r"ShopState is already another one.*shop\.c@1\.0\.0"):
        build_schema(Catalogue({**clash, "shopC": stating("shop.c", "C")}))


def test_a_registry_without_queries_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one query"):
        build_schema(Catalogue({"shopReset": operation("shop.reset", Kind.COMMAND)}))


def test_a_schema_that_graphql_refuses_is_found_out_when_it_is_built() -> None:
    endless = operation(
        "shop.a", given=fields(node="Node!"), types=(ObjectType("Node", fields(next="Node!")),)
    )
    with pytest.raises(ValueError, match=r"GraphQL refuses .* ShopNodeInput .* references itself"):
        build_schema(Catalogue({"shopA": endless}))


BY_VARIABLE = "query ($i: ShopOrderGetInput!) { shopOrderGet(input: $i) { orderId } }"
BY_LITERAL = """{ shopOrderGet(input: {
  orderId: "7", status: mro, limit: null, extra: {a: [1, null]}
}) { orderId } }"""
BY_BOTH = """query ($s: ShopStatus, $a: JSON, $id: ID!) { shopOrderGet(input: {
  orderId: $id, status: $s, limit: null, extra: {a: $a}
}) { orderId } }"""
GIVEN = {"orderId": "7", "status": "mro", "limit": None, "extra": {"a": [1, None]}}


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        (BY_VARIABLE, {"i": GIVEN}),
        (BY_LITERAL, None),
        (BY_BOTH, {"s": "mro", "a": [1, None], "id": 7}),
    ],
)
def test_the_door_gets_plain_json_where_absent_differs_from_null(
    query: str, variables: dict[str, object] | None
) -> None:
    door = FakeDoor({"shop.order.get": ORDER})
    assert post(application(door), query, variables=variables).status_code == 200
    given = door.calls[0]["input"]
    assert given == GIVEN
    assert "since" not in given
    assert type(given["status"]) is str


def test_outputs_are_read_from_plain_json_and_enums_are_plain_strings() -> None:
    door = FakeDoor({"shop.order.get": {**ORDER, "extra": {"big": 10**25}}})
    query = (
        '{ shopOrderGet(input: {orderId: "7"}) '
        "{ __typename status items { sku note parts { sku } } total extra } }"
    )
    assert post(application(door), query).json() == {
        "data": {
            "shopOrderGet": {
                "__typename": "ShopOrderGetOutput",
                "status": "mro",
                "items": [{"sku": "a", "note": None, "parts": None}],
                "total": 1.5,
                "extra": {"big": 10**25},
            }
        }
    }


def test_directives_of_types_and_of_the_schema_are_printed() -> None:
    key = Key(fields="id")
    name = GraphQLField(GraphQLString)
    item = GraphQLObjectType("Item", {"id": name}, extensions=applied([key]))
    query = GraphQLObjectType("Query", {"item": GraphQLField(item)})
    assert directives_of(item) == (key,)
    assert directives_of(query) == ()
    text = print_sdl(GraphQLSchema(query), [Link(url="https://specs.apollo.dev/federation/v2.9")])
    assert 'type Item @key(fields: "id", resolvable: true) {\n  id: String\n}' in text
    assert text.startswith('schema @link(url: "https://specs.apollo.dev/federation/v2.9") {\n')
    assert "  query: Query\n}" in text


def test_introspection_tells_of_one_of_for_input_objects_alone() -> None:
    sdl()  # the printer must leave graphql-core's own types as they are
    asked = """{
      input: __type(name: "ShopOrderGetInput") { isOneOf inputFields { type { kind isOneOf } } }
      output: __type(name: "ShopOrderGetOutput") { isOneOf fields { type { kind isOneOf } } }
    }"""
    told = post(application(), asked).json()["data"]
    assert told["input"]["isOneOf"] is False
    assert told["output"]["isOneOf"] is None
    assert {"kind": "NON_NULL", "isOneOf": None} in [
        one["type"] for one in told["output"]["fields"] + told["input"]["inputFields"]
    ]
