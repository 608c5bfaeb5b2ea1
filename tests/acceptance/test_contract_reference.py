"""The contracts as callers read them over HTTP: each is shown those that it may call."""

import pytest

from gateway.model.principal import PrincipalType
from tests.processes import Caller, JsonObject
from tests.world import World

SUMMARY = "ref key version title kind domain capability risk stability tags owners graphqlField"
TABLE = "{ complete rows { path type required description pii notPii } }"
DETAIL = f"""contract {{ {SUMMARY} goal context input {TABLE} output {TABLE}
  types {{ name values fields {{ path type }} }} errors {{ code http description when retryable }}
  policy {{ auth pii subject consent idempotent escalate rateLimit {{ rpm key }} cost }}
  emits {{ ref title description payload {TABLE} }} compensation {{ contract input }}
  handler {{ kind method target timeout idempotencyKey }} source digest connection signature
  example {{ document variables }} versions {{ ref version stability graphqlField }} }}"""
REFUND = "support.refund.issue"
WITHOUT_WHAT_IS_NAMED = {"NOT_FOUND", "PRECONDITION_FAILED", "ORDER_NOT_FOUND", "TICKET_NOT_FOUND"}
"""What an example meets that names what is not there."""

SAY_MORE = {"audit.contract.review", "audit.proof.inclusion", "policy.decision.search"}
"""Contracts that demand more than their fields tell, such as one of two."""


def keys(who: Caller, **wanted: object) -> set[str]:
    """The keys of all the contracts that are listed."""
    found: list[str] = []
    while True:
        page = {**wanted, "limit": 50, "offset": len(found)}
        told = who.query("controlPlaneContractList", f"total items {{ {SUMMARY} }}", page)
        found += [one["key"] for one in told["items"]]
        if len(found) >= told["total"] or not told["items"]:
            assert len(found) == told["total"] == len(set(found))
            return set(found)


def read(who: Caller, contract: str = REFUND) -> JsonObject:
    told = who.query("controlPlaneContractGet", DETAIL, {"contract": contract})
    found: JsonObject = told["contract"]
    return found


def refusal(who: Caller, contract: str) -> str:
    asked = {"contract": contract}
    answer = who._call("query", "controlPlaneContractGet", "contract { ref }", asked, None)
    return str(answer["errors"][0]["extensions"]["code"])


def callable_by(who: Caller) -> set[str]:
    """The keys of the contracts whose fields introspection shows."""
    text = "{ __schema { queryType { fields { name } } mutationType { fields { name } } } }"
    shown = who.send(text).json()["data"]["__schema"]
    return {
        field["name"]
        for root in (shown["queryType"], shown["mutationType"])
        for field in root["fields"]
        if not field["name"].endswith("Connection") and field["name"] not in ("node", "nodes")
    }


def fields(who: Caller, keys: set[str]) -> set[str]:
    return {"".join(word[:1].upper() + word[1:] for word in key.split(".")) for key in keys}


@pytest.mark.parametrize(
    "roles", [("user",), ("user", "planner"), ("user", "approver"), ("privacy-officer", "user")]
)
def test_a_caller_is_shown_what_it_may_call_and_what_introspection_shows(
    world: World, roles: tuple[str, ...]
) -> None:
    who = world.gateway.caller("uma", *roles)
    shown = {name[:1].upper() + name[1:] for name in callable_by(who)}
    assert fields(who, keys(who)) == shown
    hidden = "policy.changeset.activate"
    assert hidden not in keys(who)
    assert refusal(who, hidden) == "NOT_FOUND" == refusal(who, "no.such.contract")


@pytest.mark.parametrize("roles", [("admin",), ("user", "auditor")])
def test_administrators_and_auditors_are_shown_every_contract(
    world: World, roles: tuple[str, ...]
) -> None:
    who = world.gateway.caller("ada", *roles)
    shown = keys(who)
    assert {REFUND, "controlPlane.execution.breakGlass", "policy.changeset.activate"} <= shown
    assert shown == keys(world.olga)
    assert read(who)["handler"]["target"] == "http://support.internal/orders/{orderId}/refunds"


def test_a_token_that_is_limited_to_a_capability_shows_no_more(world: World) -> None:
    token = world.gateway.issuer().issue(
        subject="olga",
        type=PrincipalType.HUMAN,
        roles=["admin"],
        workspace="acme",
        ttl=3600,
        capabilities=["control-plane.core"],
    )
    limited = Caller(world.gateway, token)
    shown = keys(limited)
    assert "controlPlane.contract.list" in shown
    assert REFUND not in shown
    assert refusal(limited, REFUND) == "NOT_FOUND"


def test_a_contract_is_read_whole_but_for_where_it_is_performed(world: World) -> None:
    told = read(world.agent)
    assert (told["ref"], told["kind"], told["risk"]) == (f"{REFUND}@1.0.0", "COMMAND", "HIGH")
    assert told["input"]["rows"][3] == {
        "path": "customerEmail",
        "type": "EmailAddress",
        "required": False,
        "description": "An e-mail address, as RFC 5322 addr-spec.",
        "pii": ["contact"],
        "notPii": None,
    }
    assert told["errors"][0]["code"] == "ORDER_NOT_FOUND"
    assert told["emits"][0]["payload"]["rows"][0]["path"] == "refundId"
    assert told["compensation"]["contract"] == "support.refund.reverse@1.0.0"
    assert told["handler"] == {
        "kind": "http",
        "method": "POST",
        "target": None,
        "timeout": 5.0,
        "idempotencyKey": True,
    }
    assert "support.internal" not in str(told)
    assert told["versions"][0]["ref"] == told["ref"] == read(world.agent, told["ref"])["ref"]


def test_lists_are_narrowed_and_read_by_cursors(world: World) -> None:
    assert keys(world.olga, domain="support", kind="QUERY") == {
        "support.order.lookup",
        "support.ticket.read",
    }
    assert keys(world.olga, risk="CRITICAL") == {"support.account.close"}
    assert REFUND in keys(world.olga, tag="money", capability="support.core", text="pay an ORDER")
    document = """query ($after: String) { controlPlaneContractListConnection(
        input: {domain: "support"}, first: 5, after: $after) {
        totalCount edges { node { key } } pageInfo { hasNextPage endCursor } } }"""
    page = world.olga.send(document).json()["data"]["controlPlaneContractListConnection"]
    assert len(page["edges"]) == 5 < page["totalCount"]
    rest = world.olga.send(document, {"after": page["pageInfo"]["endCursor"]}).json()["data"]
    found = [*page["edges"], *rest["controlPlaneContractListConnection"]["edges"]]
    assert len({one["node"]["key"] for one in found}) == page["totalCount"]


def test_a_contract_has_a_global_id_that_shows_no_more(world: World) -> None:
    def node(who: Caller, id_: str) -> JsonObject:
        document = (
            "query ($id: ID!) { node(id: $id) { ... on ControlPlaneContractDetail { key } } }"
        )
        answer: JsonObject = who.send(document, {"id": id_}).json()
        return answer

    asked = {"contract": "policy.changeset.activate"}
    told = world.olga.query("controlPlaneContractGet", "contract { id }", asked)["contract"]
    assert node(world.olga, told["id"])["data"]["node"]["key"] == "policy.changeset.activate"
    assert node(world.agent, told["id"])["data"]["node"] is None


def test_the_example_of_every_query_runs(world: World) -> None:
    """It is within the limits of the door; what it names need not be there."""
    selection = "contract { kind example { document variables } }"
    for key in sorted(keys(world.olga)):
        told = world.olga.query("controlPlaneContractGet", selection, {"contract": key})["contract"]
        if told["kind"] != "QUERY":
            continue
        example = told["example"]
        answer = world.olga.send(example["document"], example["variables"]).json()
        codes = {one["extensions"]["code"] for one in answer.get("errors", ())}
        more = {"VALIDATION_FAILED"} if key in SAY_MORE else set()
        assert codes <= WITHOUT_WHAT_IS_NAMED | more, (key, answer)
