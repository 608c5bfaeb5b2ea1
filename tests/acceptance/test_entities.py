"""Entities over HTTP: loaded by id or by representation, and governed as any call."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.processes import Caller, JsonObject
from tests.world import World, end_world, make_world, wait_until

LOOKUP = "support.order.lookup"
ORDER = "... on SupportOrderLookupOutput { orderId customerName customerEmail }"
NODE = f"query ($id: ID!) {{ node(id: $id) {{ id __typename {ORDER} }} }}"
ENTITIES = f"query ($of: [_Any!]!) {{ _entities(representations: $of) {{ __typename {ORDER} }} }}"
FORGED = {
    "__typename": "SupportOrderLookupOutput",
    "orderId": "o-1001",
    "customerName": "Forged Name",
    "customerEmail": "forged@example.com",
}


@pytest.fixture(scope="module")
def federated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = make_world(tmp_path_factory.mktemp("federated"), GATEWAY_FEDERATION="on")
    yield made
    end_world(made)


def answer(who: Caller, query: str, **variables: Any) -> JsonObject:
    body: JsonObject = who.send(query, variables).json()
    return body


def direct(who: Caller) -> JsonObject:
    """The order as its own query tells it, with its id."""
    return who.query(
        "supportOrderLookup", "id orderId customerName customerEmail", {"orderId": "o-1001"}
    )


def records(world: World, contract: str) -> list[JsonObject]:
    """What is recorded of a contract."""
    auditor = world.gateway.caller("aud", "auditor")
    asked = {"contract": contract, "limit": 500}
    told = auditor.query("auditRecordSearch", "items { actor type traceId }", asked)
    found: list[JsonObject] = told["items"]
    return found


def test_an_entity_is_what_its_query_tells_the_same_caller(federated: World) -> None:
    reader = federated.gateway.caller("rita", "user", "pii.reader")
    for who in (federated.agent, reader):
        told = direct(who)
        named = {**told, "__typename": "SupportOrderLookupOutput"}
        assert answer(who, NODE, id=told["id"]) == {"data": {"node": named}}
        entity = {name: value for name, value in named.items() if name != "id"}
        assert answer(who, ENTITIES, of=[FORGED]) == {"data": {"_entities": [entity]}}
    assert direct(reader)["customerEmail"] == "alice@example.com"
    assert direct(federated.agent)["customerEmail"] != "alice@example.com", "nothing is masked"
    assert direct(federated.agent)["id"] == direct(reader)["id"], "an id tells nothing of callers"


def test_each_entity_that_is_loaded_is_recorded_as_a_call_and_so_is_a_denial(
    federated: World,
) -> None:
    before = len(records(federated, LOOKUP))
    again = {**FORGED, "orderId": "o-1002"}
    body = answer(federated.agent, ENTITIES, of=[FORGED, again, FORGED])
    assert [one["orderId"] for one in body["data"]["_entities"]] == ["o-1001", "o-1002", "o-1001"]
    wait_until(lambda: len(records(federated, LOOKUP)) >= before + 2, 10)
    assert len(records(federated, LOOKUP)) == before + 2

    known = federated.submit()["executionId"]
    of = [{"__typename": "ControlPlaneExecutionRecord", "executionId": known}]
    denied = answer(federated.agent, ENTITIES, of=of)
    assert denied["data"] == {"_entities": [None]}
    (error,) = denied["errors"]
    assert (error["extensions"]["code"], error["path"]) == ("FORBIDDEN", ["_entities", 0])
    get = "controlPlane.execution.get"
    wait_until(lambda: any("agent-7" in one["actor"] for one in records(federated, get)), 10)


def test_what_belongs_to_another_workspace_is_not_there(federated: World) -> None:
    known = federated.submit()["executionId"]
    stranger = federated.gateway.caller("olga", "admin", workspace="globex")
    own = federated.olga.query(
        "controlPlaneExecutionGet", "execution { id status }", {"executionId": known}
    )["execution"]
    query = "query ($id: ID!) { node(id: $id) { ... on ControlPlaneExecutionRecord { status } } }"
    found = answer(federated.olga, query, id=own["id"])
    assert found == {"data": {"node": {"status": own["status"]}}}
    assert answer(stranger, query, id=own["id"]) == {"data": {"node": None}}
    of = [{"__typename": "ControlPlaneExecutionRecord", "executionId": known}]
    assert answer(stranger, ENTITIES, of=of) == {"data": {"_entities": [None]}}


def test_without_a_token_nothing_is_loaded(federated: World) -> None:
    nobody = federated.gateway.anonymous()
    told = direct(federated.agent)
    body = answer(nobody, NODE, id=told["id"])
    assert body["data"] == {"node": None}
    assert body["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    body = answer(nobody, ENTITIES, of=[FORGED])
    assert body["data"] == {"_entities": [None]}
    assert body["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


def test_the_sdl_that_is_served_is_the_printed_one(federated: World) -> None:
    told = answer(federated.olga, "{ _service { sdl } }")["data"]["_service"]["sdl"]
    assert told == federated.gateway.command("schema", "print", "--subgraph").stdout
    refused = answer(federated.agent, "{ _service { sdl } }")
    assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"


def test_a_router_is_served_only_where_that_is_set(world: World) -> None:
    for query in ("{ _service { sdl } }", ENTITIES):
        body = answer(world.olga, query, of=[FORGED])
        assert body["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
