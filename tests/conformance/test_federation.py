"""The gateway as a subgraph: composed by three composers, and run behind a router of others."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.clients import FOLDER, node
from tests.conformance.tools import run, told
from tests.world import World, end_world, make_world

JsonObject = dict[str, Any]
ENTITIES = "AuditCheckpoint", "ControlPlaneExecutionRecord", "SupportOrderLookupOutput"


@pytest.fixture(scope="module")
def federated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = make_world(tmp_path_factory.mktemp("federated"), GATEWAY_FEDERATION="on")
    yield made
    end_world(made)


def composed(world: World, folder: Path, *demands: str) -> dict[str, JsonObject]:
    """What each composer makes of the gateway's subgraph and of one that extends its entities."""
    more = [part for demand in demands for part in ("--demand", demand)]
    printed = folder / "gateway.graphql"
    printed.write_text(world.gateway.command("schema", "print", "--subgraph", *more).stdout)
    asked = {"gateway": str(printed), "notes": str(FOLDER / "notes.graphql")}
    return {one["composer"]: one for one in told(run(node(), "compose.mjs", json.dumps(asked)))}


@pytest.mark.parametrize("demands", [(), ("scopes",)])
def test_three_composers_take_it(
    federated: World, tmp_path: Path, demands: tuple[str, ...]
) -> None:
    found = composed(federated, tmp_path, *demands)
    assert {name: one["errors"] for name, one in found.items()} == {
        "apollo": [], "guild": [], "cosmo": [],
    }  # fmt: skip
    for name in ("apollo", "guild"):
        supergraph = found[name]["supergraph"]
        assert all(f"type {entity}" in supergraph for entity in ENTITIES)
        assert "@contract(" in supergraph, "our own directives are lost"
        assert ("@requiresScopes(" in supergraph) is bool(demands)
        assert "interface Node" not in supergraph


def test_policy_is_demanded_where_the_composer_knows_it(federated: World, tmp_path: Path) -> None:
    found = composed(federated, tmp_path, "policy")
    assert (found["apollo"]["errors"], found["guild"]["errors"]) == ([], [])
    assert "@policy(" in found["apollo"]["supergraph"]
    (refused,) = found["cosmo"]["errors"]
    assert '"@policy"' in refused, "Cosmo knows @policy now: tell so in docs/federation.md"


def routed(world: World, token: str, notes: list[JsonObject], query: str) -> JsonObject:
    """What a router answers to a query of the holder of ``token``, and what it sent for it."""
    asked = {
        "url": f"{world.gateway.url}/graphql",
        "admin": world.olga.token,
        "token": token,
        "notes": notes,
        "requests": [{"query": query}],
    }
    (answer,) = told(run(node(), "router.mjs", json.dumps(asked)))
    found: JsonObject = answer
    return found


NOTED = "{ notes { text execution { executionId status notes { text } } } }"


def test_a_router_loads_what_another_subgraph_refers_to_and_adds_to_what_the_gateway_tells(
    federated: World,
) -> None:
    known = federated.submit()["executionId"]
    notes = [
        {"noteId": "1", "text": "Seen.", "executionId": known},
        {"noteId": "2", "text": "Lost.", "executionId": "none"},
    ]
    answer = routed(federated, federated.olga.token, notes, NOTED)
    assert answer["errors"] == []
    seen, lost = answer["data"]["notes"]
    texts = [{"text": "Seen."}]
    assert seen["execution"] == {"executionId": known, "status": "RECEIVED", "notes": texts}
    assert lost == {"text": "Lost.", "execution": None}
    (sent,) = answer["sent"]
    assert "_entities(representations:" in sent["query"]
    asked = {"__typename": "ControlPlaneExecutionRecord", "executionId": known}
    assert asked in sent["variables"]["representations"]
    got = f'controlPlaneExecutionGet(input: {{executionId: "{known}"}})'
    query = f"{{ {got} {{ execution {{ status notes {{ text }} }} }} }}"
    answer = routed(federated, federated.olga.token, notes, query)
    execution = answer["data"]["controlPlaneExecutionGet"]["execution"]
    assert execution == {"status": "RECEIVED", "notes": texts}


def test_a_router_gets_nothing_that_its_caller_may_not_have(federated: World) -> None:
    known = federated.submit()["executionId"]
    notes = [{"noteId": "1", "text": "Seen.", "executionId": known}]
    query = "{ notes { text execution { status } } }"
    answer = routed(federated, federated.agent.token, notes, query)
    assert answer["data"]["notes"] == [{"text": "Seen.", "execution": None}]
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "FORBIDDEN"
