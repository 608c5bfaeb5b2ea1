"""Introspection over HTTP and WebSocket: each caller is shown what it may call, and no more."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from graphql import build_client_schema, get_introspection_query

from gateway.contracts import listing_of, load_contracts
from tests.acceptance.policy_people import People, add, allow
from tests.acceptance.test_subscriptions import hear, say, socket_of
from tests.processes import ROOT, Caller
from tests.world import end_world, make_world

ROOTS = (
    "{ __schema { queryType { fields { name } } mutationType { fields { name } } "
    "subscriptionType { fields { name } } } }"
)

LISTS = {name for name, one in load_contracts([ROOT / "schema"]).fields.items() if listing_of(one)}


def names_of(body: Any) -> set[str]:
    roots = body["data"]["__schema"].values()
    return {field["name"] for root in roots if root is not None for field in root["fields"]}


def shown_to(who: Caller) -> set[str]:
    """The root fields that introspection tells of."""
    answer = who.send(ROOTS)
    assert answer.status_code == 200, answer.text
    return names_of(answer.json())


def permitted(people: People, subject: str, roles: list[str]) -> set[str]:
    """The root fields of what a subject may call, as its permissions are told by policy."""
    found = people.paula.query(
        "policyPermissionsGet",
        "items { contract allowed } total",
        {"subject": subject, "roles": roles, "workspace": "acme", "allowed": True, "limit": 200},
    )
    assert len(found["items"]) == found["total"]
    keys = [item["contract"].partition("@")[0] for item in found["items"]]
    heads = [key.split(".") for key in keys]
    return {head[0] + "".join(part[0].upper() + part[1:] for part in head[1:]) for head in heads}


@pytest.mark.parametrize("roles", [["user"], ["auditor"], ["approver", "user"], ["operator"]])
def test_what_is_shown_is_what_permissions_tell(people: People, roles: list[str]) -> None:
    who = people.world.gateway.caller("ida", *roles)
    fields = shown_to(who)
    connections = {f"{name}Connection" for name in fields & LISTS}
    assert connections == {name for name in fields if name.endswith("Connection")}
    fields -= connections
    assert fields - {"controlPlaneEvents", "node", "nodes"} == permitted(people, "ida", roles)
    opening = {"controlPlaneEventList", "controlPlaneExecutionMine"}
    assert ("controlPlaneEvents" in fields) is bool(opening & fields)
    assert 0 < len(fields) < 60


def test_an_administrator_is_shown_all_and_nobody_without_a_token_anything(
    people: People,
) -> None:
    admin = shown_to(people.world.olga)
    assert len(admin) > 90
    assert "controlPlaneExecutionBreakGlass" in admin
    nobody = Caller(people.world.gateway, None)
    for query in (ROOTS, get_introspection_query(), '{ __type(name: "Query") { name } }'):
        refused = nobody.send(query)
        assert refused.status_code == 422
        assert "fields" not in refused.text.replace("fields'", "")
        code = refused.json()["errors"][0]["extensions"]["code"]
        assert code == "GRAPHQL_VALIDATION_FAILED"
    mistyped = nobody.send("{ controlPlaneExecutionLis { total } }").text
    assert "Did you mean" not in mistyped
    assert "controlPlaneExecutionList" not in mistyped


def test_the_usual_introspection_query_gives_a_whole_schema(people: People) -> None:
    body = people.uma.send(get_introspection_query()).json()
    seen = build_client_schema(body["data"])
    assert seen.query_type is not None
    assert set(seen.query_type.fields) < shown_to(people.uma)
    assert "Skill" not in json.dumps(body)


def test_a_field_out_of_sight_is_not_suggested_and_a_call_of_it_is_denied_and_recorded(
    people: People,
) -> None:
    near = people.uma.send("{ controlPlaneExecutionLis(input: {}) { total } }").text
    assert "controlPlaneExecutionList" not in near
    assert "controlPlaneExecutionLis" in near
    near = people.world.olga.send("{ controlPlaneExecutionLis(input: {}) { total } }").text
    assert "Did you mean 'controlPlaneExecutionList'" in near
    told = people.uma.refused("controlPlaneExecutionList", "total", {}, kind="query")
    assert told["code"] == "FORBIDDEN"
    found = people.world.gateway.caller("aud", "auditor").query(
        "auditRecordSearch",
        "items { type actor contract }",
        {"contract": "controlPlane.execution.list", "limit": 50},
    )
    assert any("uma" in item["actor"] for item in found["items"])


def test_a_policy_that_is_activated_changes_at_once_what_is_shown(people: People) -> None:
    nora = people.world.gateway.caller("nora", "user")
    assert "controlPlaneExecutionList" not in shown_to(nora)
    people.activated(people.wanda, people.will, add(allow("nora")))
    assert "controlPlaneExecutionList" in shown_to(nora)
    assert "controlPlaneExecutionList" not in shown_to(people.uma)


def test_over_a_websocket_the_same_is_shown(people: People) -> None:
    with socket_of(people.world, people.uma) as socket:
        say(socket, id="1", type="subscribe", payload={"query": ROOTS})
        message = hear(socket)
    assert message["type"] == "next"
    assert names_of(message["payload"]) == shown_to(people.uma)


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    world = make_world(tmp_path_factory.mktemp("closed"), GATEWAY_INTROSPECTION="off")
    yield People(world)
    end_world(world)


def test_where_it_is_off_nobody_is_shown_anything(closed: People) -> None:
    for who in (closed.world.olga, closed.uma):
        assert who.send(ROOTS).status_code == 422
        assert "Did you mean" not in who.send("{ controlPlaneExecutionLis { a } }").text
