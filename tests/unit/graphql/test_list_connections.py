"""Connections of lists in the schema: their types, their facts, their cost, who sees them."""

from dataclasses import replace

import pytest
from graphql import GraphQLObjectType, OperationDefinitionNode, parse, validate

from gateway.model.contract import Kind, ObjectType, OperationContract, Stability
from gateway.surfaces.graphql import build_schema, print_sdl
from gateway.surfaces.graphql.limiting.cost import Cost, Prices, cost_of
from gateway.surfaces.graphql.schema.sight import Views
from tests.unit.graphql.listed import LISTS, PARTS
from tests.unit.graphql.support import PING, Catalogue, fields, operation

SCHEMA = build_schema(LISTS)


def printed(name: str) -> str:
    blocks = print_sdl(SCHEMA).split("\n\n")
    return next(block for block in blocks if f" {name} {{" in block)


def test_a_counted_list_has_a_connection_with_all_that_its_output_has() -> None:
    assert printed("ShopPartListConnection") == (
        "type ShopPartListConnection {\n"
        "  edges: [ShopPartListEdge!]!\n"
        "  pageInfo: PageInfo!\n"
        "  totalCount: Int!\n"
        "  targets: [ShopTarget!]!\n"
        "}"
    )
    assert printed("ShopPartListEdge") == (
        "type ShopPartListEdge {\n  cursor: String!\n  node: ShopPart!\n}"
    )
    assert printed("PageInfo") == (
        "type PageInfo {\n"
        "  hasNextPage: Boolean!\n"
        "  hasPreviousPage: Boolean!\n"
        "  startCursor: String\n"
        "  endCursor: String\n"
        "}"
    )
    assert printed("ShopPartListConnectionInput") == (
        "input ShopPartListConnectionInput {\n  name: String\n}"
    )


def test_a_list_with_cursors_of_its_own_keeps_them_and_counts_nothing() -> None:
    assert printed("ShopEventListConnection") == (
        "type ShopEventListConnection {\n"
        "  edges: [ShopEventListEdge!]!\n"
        "  pageInfo: PageInfo!\n"
        "  cursor: String\n"
        "}"
    )
    assert "node: ShopPart!" in printed("ShopPartFindEdge")
    assert "ShopPartFindConnectionInput" not in SCHEMA.type_map


@pytest.mark.parametrize(
    ("field", "arguments"),
    [
        ("shopPartList", "input: ShopPartListConnectionInput, first, after, last, before"),
        ("shopStockList", "input: ShopStockListConnectionInput!, first, after, last, before"),
        ("shopPartFind", "first, after"),
        ("shopEventList", "first, after"),
    ],
)
def test_the_arguments_are_those_of_paging_and_the_rest_of_the_input(
    field: str, arguments: str
) -> None:
    assert SCHEMA.query_type is not None
    given = SCHEMA.query_type.fields[f"{field}Connection"].args
    told = [f"{name}: {one.type}" if name == "input" else name for name, one in given.items()]
    assert ", ".join(told) == arguments
    slicing = [name for name in ("first", "last") if name in given]
    assert all(str(given[name].type) == "Int" for name in slicing)


def test_the_field_carries_the_facts_of_the_contract_and_how_long_it_is() -> None:
    text = print_sdl(SCHEMA)
    facts = (
        '@contract(key: "{}", version: "1.0.0", capability: "shop.core@1.0.0", '
        'owners: ["shop.team", "platform.core"], stability: "stable", risk: "medium") '
        '@auth(level: "user") @listSize(assumedSize: 50, slicingArguments: {}, '
        'sizedFields: ["edges"], requireOneSlicingArgument: false)'
    )
    both, one = '["first", "last"]', '["first"]'
    assert f"): ShopPartListConnection {facts.format('shop.part.list', both)}\n" in text
    assert f"): ShopPartFindConnection {facts.format('shop.part.find', one)}\n" in text
    assert text.count("@listSize(") == 1 + 4


def test_what_is_no_list_has_no_connection() -> None:
    assert SCHEMA.query_type is not None
    assert "shopPingConnection" not in SCHEMA.query_type.fields
    assert "PageInfo" not in build_schema(Catalogue({"shopPing": PING})).type_map
    command = replace(PARTS, kind=Kind.COMMAND)
    made = build_schema(Catalogue({"shopPing": PING, "shopPartList": command}))
    assert not [name for name in made.type_map if "Connection" in name]


def cost(source: str) -> Cost:
    tree = parse(source)
    assert validate(SCHEMA, tree) == []
    node = tree.definitions[0]
    assert isinstance(node, OperationDefinitionNode)
    return cost_of(Prices(SCHEMA).of(tree)[id(node)], node, {"n": 7})


@pytest.mark.parametrize(
    ("connection", "as_list"),
    [
        ("(first: 7)", "(input: {limit: 7})"),
        ('(last: 7, before: "x")', "(input: {limit: 7})"),
        ("(first: 3, last: 7)", "(input: {limit: 7})"),
        ("(first: $n)", "(input: {limit: 7})"),
        ("(first: 0)", "(input: {limit: 0})"),
        ("", "(input: {})"),
        ("(first: null)", "(input: {})"),
    ],
)
def test_a_connection_costs_what_its_list_does(connection: str, as_list: str) -> None:
    variables = "query ($n: Int) " if "$n" in connection else ""
    item = "sku note"
    page = cost(
        f"{variables}{{ shopPartListConnection{connection} {{ edges {{ node {{ {item} }} }} }} }}"
    )
    assert page == cost(f"{{ shopPartList{as_list} {{ items {{ {item} }} }} }}")


def test_a_connection_is_seen_with_its_list() -> None:
    views = Views(SCHEMA)
    seen = views.of(frozenset({"shopPartList"})).query_type
    assert isinstance(seen, GraphQLObjectType)
    assert set(seen.fields) == {"shopPartList", "shopPartListConnection"}
    assert views.of(frozenset(LISTS.fields)) is SCHEMA
    none = views.of(frozenset({"shopPing", "shopPartListConnection"})).query_type
    assert none is not None
    assert set(none.fields) == {"shopPing"}


def test_versions_have_connections_of_their_own() -> None:
    old = replace(PARTS, meta=replace(PARTS.meta, stability=Stability.DEPRECATED))
    new = replace(PARTS, meta=replace(PARTS.meta, version="2.0.0"))
    listed = {"shopPartList": new, "shopPartListV1": old, "shopPartListV2": new}
    schema = build_schema(Catalogue(listed))
    assert schema.query_type is not None
    types = {name: str(field.type) for name, field in schema.query_type.fields.items()}
    assert types["shopPartListConnection"] == "ShopPartListConnection"
    assert types["shopPartListV1Connection"] == "ShopPartListV1Connection"
    assert types["shopPartListV2Connection"] == "ShopPartListConnection"
    reason = schema.query_type.fields["shopPartListV1Connection"].deprecation_reason
    assert reason == "shop.part.list@1.0.0 is deprecated; use shopPartList (shop.part.list@2.0.0)."
    alone = Views(schema).of(frozenset({"shopPartListV1"})).query_type
    assert alone is not None
    told = alone.fields["shopPartListV1Connection"].deprecation_reason
    assert told == "This version is deprecated."


def clashing(name: str, contract: OperationContract) -> Catalogue:
    return Catalogue({"shopPartList": PARTS, name: contract})


def test_names_that_are_taken_are_refused() -> None:
    other = operation("shop.part.listConnection")
    with pytest.raises(ValueError, match=r"shopPartListConnection.*shop\.part\.listConnection@1"):
        build_schema(clashing("shopPartListConnection", other))
    for name in ("PartListConnection", "PartListEdge"):
        inner = ObjectType(name, fields(id="ID!"))
        taking = operation("shop.take", answer={**fields(it=f"{name}!")}, types=(inner,))
        with pytest.raises(ValueError, match=f"Shop{name} is already another one"):
            build_schema(clashing("shopTake", taking))
    twice = replace(PARTS, output={**PARTS.output, **fields(totalCount="Int")})
    with pytest.raises(ValueError, match="a field totalCount of its own"):
        build_schema(Catalogue({"shopPartList": twice}))
