"""The schema as a subgraph of a federation: what it says more, and that it says nothing less."""

import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from graphql import DocumentNode, SchemaDefinitionNode, parse, print_ast

from gateway.contracts import Registry
from gateway.model.contract import AuthLevel, OperationContract, Stability
from gateway.surfaces.graphql import build_schema, print_sdl
from gateway.surfaces.graphql.federation import Demand, print_subgraph
from gateway.surfaces.graphql.federation.subgraph import tag_name
from tests.loaded import load_contracts
from tests.unit.graphql.support import SHIPPED, Catalogue, operation

SCHEMA = Path(__file__).parents[3] / "schema"


@cache
def shipped() -> Registry:
    return load_contracts([SCHEMA])


@cache
def subgraph() -> str:
    return print_subgraph(shipped())


def field(contract: OperationContract) -> str:
    """The line of the contract's root field in a subgraph beside the usual ones."""
    text = print_subgraph(Catalogue({**SHIPPED, "shopNew": contract}))
    return next(line for line in text.splitlines() if "ShopNewOutput @" in line)


def tagged(*tags: str, auth: AuthLevel = AuthLevel.USER) -> OperationContract:
    made = operation("shop.new")
    policy = replace(made.policy, auth=auth)
    return replace(made, meta=replace(made.meta, tags=tags), policy=policy)


def links(tree: DocumentNode) -> dict[str, list[str]]:
    """What the schema imports, by where from, and under ``compose`` what it has composed."""
    (schema,) = (node for node in tree.definitions if isinstance(node, SchemaDefinitionNode))
    found: dict[str, list[str]] = {"compose": []}
    for directive in schema.directives or ():
        told = {one.name.value: print_ast(one.value).strip('"') for one in directive.arguments}
        if directive.name.value == "link":
            found[told["url"]] = re.findall(r"@\w+", told["import"])
        else:
            found["compose"].append(told["name"])
    return found


def test_it_is_the_served_schema_but_for_node_and_the_directives_of_federation() -> None:
    without = re.sub(
        r" @(authenticated\b|shareable\b|(tag|key)\(\w+: \"[^\"]*\"\))", "", subgraph()
    )
    without = re.sub(r"\nschema @link.*?\n}\n", "", without, flags=re.DOTALL)
    assert without == print_sdl(build_schema(shipped(), has_nodes=False))
    assert "Node" not in without


def test_every_directive_is_defined_or_imported_and_our_own_are_composed() -> None:
    told = links(parse(subgraph()))
    own = ["@auth", "@contract", "@pii"]
    assert told["https://specs.apollo.dev/federation/v2.9"] == [
        "@authenticated", "@composeDirective", "@key", "@listSize", "@shareable", "@tag",
    ]  # fmt: skip
    assert told["https://contract-gateway.example/governance/v1.0"] == own
    assert told["compose"] == own
    defined = sorted(re.findall(r"^directive (@\w+)", subgraph(), re.MULTILINE))
    assert defined == sorted([*own, "@listSize"])  # as federation defines it, for those who do not


def test_what_is_not_used_is_not_imported() -> None:
    told = links(parse(print_subgraph(Catalogue({"shopNew": tagged(auth=AuthLevel.ANONYMOUS)}))))
    assert told["https://specs.apollo.dev/federation/v2.9"] == ["@composeDirective"]
    assert told["https://contract-gateway.example/governance/v1.0"] == ["@auth", "@contract"]


@pytest.mark.parametrize(
    ("auth", "asks"),
    [(AuthLevel.ANONYMOUS, False), (AuthLevel.USER, True), (AuthLevel.ADMIN, True)],
)
def test_a_field_for_signed_in_callers_says_so(auth: AuthLevel, asks: bool) -> None:
    assert ("@authenticated" in field(tagged(auth=auth))) is asks


def test_the_subscription_says_so_too() -> None:
    assert re.search(r"\): ControlPlaneEvent! @contract.* @authenticated", subgraph())


def test_an_entity_has_the_key_by_which_its_contract_loads_it() -> None:
    assert 'type ControlPlaneExecutionRecord @key(fields: "executionId") {' in subgraph()
    assert 'type ControlPlanePlanGetOutput @key(fields: "executionId planId") {' in subgraph()
    assert subgraph().count("@key(") == 9


@pytest.mark.parametrize(
    ("stability", "tags", "shown"),
    [
        (Stability.STABLE, (), True),
        (Stability.EXPERIMENTAL, (), True),
        (Stability.DEPRECATED, (), True),
        (Stability.IN_CREATION, (), False),
        (Stability.IDEA, (), False),
        (Stability.STABLE, ("internal",), False),
    ],
)
def test_what_is_unfinished_or_internal_is_inaccessible(
    stability: Stability, tags: tuple[str, ...], shown: bool
) -> None:
    made = tagged(*tags)
    line = field(replace(made, meta=replace(made.meta, stability=stability)))
    assert line.endswith(" @inaccessible") is not shown


def test_what_every_subgraph_has_is_shareable() -> None:
    assert "type PageInfo @shareable {" in subgraph()
    assert subgraph().count("@shareable") == 2, "once there, once imported"


def test_a_router_is_asked_to_demand_only_what_is_wished() -> None:
    made = {"shopNew": tagged()}
    scopes = '@requiresScopes(scopes: [["shop.core"], ["shop.core@1.0.0"]])'
    policy = '@policy(policies: [["shop.new@1.0.0"]])'
    plain, both = print_subgraph(Catalogue(made)), print_subgraph(Catalogue(made), list(Demand))
    assert scopes in both
    assert policy in both
    assert "@requiresScopes" not in plain
    assert "@policy" not in plain
    only = print_subgraph(Catalogue(made), [Demand.SCOPES])
    assert scopes in only
    assert "@policy" not in only


def test_nothing_is_demanded_of_callers_without_a_token() -> None:
    made = {"shopNew": tagged(auth=AuthLevel.ANONYMOUS)}
    text = print_subgraph(Catalogue(made), list(Demand))
    assert "@requiresScopes" not in text
    assert "@policy" not in text


def test_tags_of_contracts_are_tags_of_their_fields_each_once() -> None:
    line = field(tagged("money", "a.b", "a-b"))
    assert line.endswith('@tag(name: "money") @tag(name: "a-b")')


@pytest.mark.parametrize(
    ("tag", "name"),
    [("money", "money"), ("area/pay_in", "area/pay_in"), ("a.b:c", "a-b-c"), ("2fa", "_2fa")],
)
def test_a_tag_is_written_as_federation_allows(tag: str, name: str) -> None:
    assert tag_name(tag) == name
