"""Connections over HTTP: the lists of the gateway by cursors, under the policy of those lists."""

from collections.abc import Iterator
from typing import Any

import pytest

from gateway.contracts import CountedList, listing_of, load_contracts
from gateway.model.contract import ObjectType
from tests.processes import ROOT, Caller, JsonObject
from tests.world import World, end_world, make_world

REGISTRY = load_contracts([ROOT / "schema"])
LISTS = sorted(name for name, one in REGISTRY.fields.items() if listing_of(one))
NEEDED = {
    "policyAccessSearch": 'contract: "controlPlane.execution.list"',
    "policyPermissionsGet": 'subject: "olga", roles: ["admin"]',
    "policyDecisionSearch": 'kind: ACTION, subject: {type: "user", id: "olga", '
    'properties: {roles: ["admin"]}}, resource: {type: "workspace", id: "acme"}',
}
PAGE = "edges { cursor node { %s } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"
EXECUTIONS = "controlPlaneExecutionListConnection"
BEFORE = 7


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One with some executions, and olga, who may read everything."""
    made = make_world(tmp_path_factory.mktemp("world"))
    for number in range(BEFORE):
        made.submit(text=f"Please look at {number}")
    yield made
    end_world(made)


def answer(who: Caller, field: str, arguments: str, selection: str) -> JsonObject:
    body: JsonObject = who.send(f"{{ {field}{arguments} {{ {selection} }} }}").json()
    assert "errors" not in body, body
    found: JsonObject = body["data"][field]
    return found


def page(who: Caller, field: str, node: str, **arguments: Any) -> JsonObject:
    told = ", ".join(
        f"{name}: {value}" if isinstance(value, int) or name == "input" else f'{name}: "{value}"'
        for name, value in arguments.items()
    )
    return answer(who, field, f"({told})", PAGE % node)


def nodes(found: JsonObject) -> list[JsonObject]:
    return [edge["node"] for edge in found["edges"]]


def plain_fields(field: str) -> str:
    """The fields of a list's items that hold no objects."""
    contract = REGISTRY.fields[field]
    listing = listing_of(contract)
    assert listing is not None
    item = contract.types[contract.output[listing.items].named]
    assert isinstance(item, ObjectType)
    return " ".join(
        name
        for name, ref in item.fields.items()
        if not isinstance(contract.types.get(ref.named), ObjectType)
    )


@pytest.mark.parametrize("field", LISTS)
def test_each_list_and_its_connection_tell_the_same(world: World, field: str) -> None:
    listing = listing_of(REGISTRY.fields[field])
    assert listing is not None
    is_counted = isinstance(listing, CountedList)
    needed, fields = NEEDED.get(field, ""), plain_fields(field)
    given = f"input: {{{needed}}}, first: 3" if needed else "first: 3"
    total, count = ("total", "totalCount") if is_counted else ("", "")
    whole_page = f"{listing.items} {{ {fields} }} {total}"
    body = world.olga.send(
        f"{{ whole: {field}(input: {{{needed} limit: 3}}) {{ {whole_page} }} "
        f"page: {field}Connection({given}) {{ {PAGE % fields} {count} }} }}"
    ).json()
    assert "errors" not in body, body
    whole, found = body["data"]["whole"], body["data"]["page"]
    assert nodes(found) == whole[listing.items]
    if is_counted:
        assert found["totalCount"] == whole["total"]
        assert found["pageInfo"]["hasNextPage"] is (whole["total"] > 3)


def test_executions_are_walked_both_ways(world: World) -> None:
    whole = world.olga.query(
        "controlPlaneExecutionList", "items { executionId } total", {"limit": 200}
    )
    assert whole["total"] == BEFORE
    seen: list[JsonObject] = []
    after: dict[str, str] = {}
    for size in (1, 2, 3, 4):
        found = page(world.olga, EXECUTIONS, "executionId", first=size, **after)
        seen += nodes(found)
        after = {"after": found["pageInfo"]["endCursor"]}
        assert found["pageInfo"]["hasNextPage"] is (len(seen) < BEFORE)
    assert seen == whole["items"]
    back = nodes(found)[-1:]
    before = found["edges"][-1]["cursor"]
    for size in (3, 3):
        found = page(world.olga, EXECUTIONS, "executionId", last=size, before=before)
        back = nodes(found) + back
        before = found["pageInfo"]["startCursor"]
        assert found["pageInfo"]["hasPreviousPage"] is (len(back) < BEFORE)
    assert back == whole["items"]


@pytest.mark.parametrize(
    ("field", "node", "chosen"),
    [
        ("auditRecordSearch", "cursor", '{contract: "controlPlane.intent.submit"}'),
        ("controlPlaneEventList", "id", "{filter: {}}"),
    ],
)
def test_the_record_is_read_on_to_its_end(world: World, field: str, node: str, chosen: str) -> None:
    """There is one, although each page is recorded: what is asked for is not what that adds."""
    seen: list[str] = []
    after: dict[str, str] = {}
    for _ in range(60):
        found = page(world.olga, f"{field}Connection", node, first=2, input=chosen, **after)
        seen += [one[node] for one in nodes(found)]
        if not found["pageInfo"]["hasNextPage"]:
            break
        after = {"after": found["pageInfo"]["endCursor"]}
    assert found["pageInfo"]["hasNextPage"] is False
    assert len(set(seen)) == len(seen) >= BEFORE


def test_a_page_is_one_call_in_the_record(world: World) -> None:
    def calls(contract: str) -> int:
        found = world.olga.query(
            "auditRecordSearch", "items { contract code }", {"contract": contract, "limit": 1000}
        )
        return len(found["items"])

    before = calls("controlPlane.execution.list")
    page(world.olga, EXECUTIONS, "executionId", first=2)
    assert calls("controlPlane.execution.list") == before + 1


def test_whoever_may_not_have_the_list_has_no_connection(world: World) -> None:
    uma = world.gateway.caller("uma", "user")
    for who, code in ((uma, "FORBIDDEN"), (world.gateway.anonymous(), "UNAUTHENTICATED")):
        body = who.send(f"{{ {EXECUTIONS}(first: 1) {{ totalCount }} }}").json()
        assert body["data"] == {EXECUTIONS: None}
        assert [error["extensions"]["code"] for error in body["errors"]] == [code]


def test_a_cursor_opens_no_other_workspace(world: World) -> None:
    cursor = page(world.olga, EXECUTIONS, "executionId", first=1)["pageInfo"]["endCursor"]
    zoe = world.gateway.caller("zoe", "admin", workspace="beta")
    found = page(zoe, EXECUTIONS, "executionId", first=5, after=cursor)
    assert (found["edges"], found["pageInfo"]["hasNextPage"]) == ([], False)


@pytest.mark.parametrize(
    ("arguments", "path"),
    [("(first: 201)", "/first"), ('(first: 1, after: "x")', "/after"), ("(last: 1)", "/before")],
)
def test_what_is_refused_is_told_at_the_argument(world: World, arguments: str, path: str) -> None:
    body = world.olga.send(f"{{ {EXECUTIONS}{arguments} {{ totalCount }} }}").json()
    (error,) = body["errors"]
    told = error["extensions"]["problem"]
    assert (error["path"], told["code"]) == ([EXECUTIONS], "VALIDATION_FAILED")
    assert [issue["path"] for issue in told["issues"]] == [path]
