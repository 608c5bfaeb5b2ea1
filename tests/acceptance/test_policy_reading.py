"""Reading the policies over HTTP: rules, roles, assignments, permissions, who may, and reviews."""

import csv
import hashlib
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.reading_world import auditor, everything, reading_world
from tests.processes import Caller, JsonObject
from tests.world import World, end_world

RULE = "model file line text columns selects"
READS = {
    "policyRuleList": ("total", {}),
    "policyRoleList": ("total", {}),
    "policyAssignmentList": ("total", {}),
    "policyPermissionsGet": ("total", {"subject": "alice"}),
    "policyAccessSearch": ("total", {"contract": "support.refund.issue"}),
    "policyAccessReview": ("rows", {}),
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = reading_world(tmp_path_factory.mktemp("reading"))
    yield made
    end_world(made)


@pytest.fixture
def ada(world: World) -> Caller:
    return auditor(world)


def rules(who: Caller, **which: object) -> list[JsonObject]:
    return everything(who, "policyRuleList", RULE, which)


def test_a_rule_is_shown_with_its_place_its_columns_and_what_it_selects(
    world: World, ada: Caller
) -> None:
    folder = Path(world.gateway.env["GATEWAY_POLICY_DIR"])
    found = rules(ada)
    assert {rule["model"] for rule in found} == {"ACCESS", "VERDICT", "PII"}
    for rule in found:
        written = (folder / rule["file"]).read_text().split("\n")[rule["line"] - 1]
        assert written.strip() == rule["text"]
        assert set(rule["columns"].values()) <= {part.strip() for part in rule["text"].split(",")}
    everything_selected = [
        rule for rule in found if rule["columns"]["obj"] == "*" and rule["model"] != "VERDICT"
    ]
    assert len({rule["selects"] for rule in everything_selected}) == 1
    one = [rule for rule in found if rule["columns"]["obj"] == "controlPlane.plan.compile"]
    assert {rule["selects"] for rule in one} == {1}


def test_rules_are_narrowed(ada: Caller) -> None:
    assert {rule["model"] for rule in rules(ada, model="PII")} == {"PII"}
    assert [rule["columns"]["sub"] for rule in rules(ada, subject="refunder")] == ["refunder"]
    assert {rule["columns"]["eft"] for rule in rules(ada, effect="DENY")} == {"deny"}
    assert {rule["columns"]["dom"] for rule in rules(ada, workspace="acme")} == {"acme"}
    assert [rule["text"] for rule in rules(ada, text="BREAK-GLASS,")] == [
        "p, break-glass, *, controlPlane.execution.breakGlass, call, allow",
        "p, break-glass, *, controlPlane.approval.list, call, allow",
    ]
    of_close = rules(ada, contract="support.account.close", model="VERDICT")
    assert "p, 900, type:agent, *, *, critical, true, blocked, -, -, -, -" in [
        rule["text"] for rule in of_close
    ]
    assert all("refund" not in rule["columns"]["obj"] for rule in of_close)
    risks = {rule["columns"]["risk"] for rule in of_close}
    assert "critical" in risks <= {"*", "critical"}


def test_rules_of_another_workspace_are_not_there(world: World, ada: Caller) -> None:
    assert not any("globex" in rule["text"] for rule in rules(ada))
    assert rules(ada, subject="user:gus") == []
    gus = rules(auditor(world, "globex"), subject="user:gus")
    assert [rule["columns"]["dom"] for rule in gus] == ["globex"]
    seen = {rule["columns"]["dom"] for rule in rules(auditor(world, "ops"))}
    assert seen == {"*", "acme", "globex"}


def test_pages_of_rules_add_up(ada: Caller) -> None:
    places = [(rule["file"], rule["line"]) for rule in rules(ada)]
    assert len(places) == len(set(places)) > 100
    last = ada.query("policyRuleList", "total items { line }", {"offset": 100_000})
    assert last == {"total": len(places), "items": []}


def test_roles_tell_what_they_inherit_and_who_names_them(ada: Caller) -> None:
    selection = "role inherits inheritedBy users rules approves"
    found = {one["role"]: one for one in everything(ada, "policyRoleList", selection, {})}
    assert found["admin"]["inherits"] == ["approver", "user"]
    assert found["user"]["inheritedBy"] == ["admin"]
    assert found["team-lead"] == {
        "role": "team-lead", "inherits": ["operator"], "inheritedBy": [],
        "users": 1, "rules": 0, "approves": 0,
    }  # fmt: skip
    assert found["planner"]["users"] == 1
    assert found["refunder"]["rules"] == 1
    assert found["approver"]["approves"] > 5
    assert found["approver"]["users"] == 0  # gina's belongs to globex
    only = ada.query("policyRoleList", "total items { role }", {"role": "auditor"})
    assert only == {"total": 1, "items": [{"role": "auditor"}]}


def test_assignments_are_those_of_the_workspace(world: World, ada: Caller) -> None:
    selection = "subject kind role workspace file line text"
    found = everything(ada, "policyAssignmentList", selection, {})
    assert ("user:alice", "USER", "planner", "acme") in [
        (one["subject"], one["kind"], one["role"], one["workspace"]) for one in found
    ]
    assert {one["workspace"] for one in found} == {"*", "acme"}
    assert all(one["text"].startswith("g,") and one["line"] > 0 for one in found)
    gina = {"subject": "user:gina"}
    assert everything(ada, "policyAssignmentList", selection, gina) == []
    ops = auditor(world, "ops")
    assert len(everything(ops, "policyAssignmentList", selection, gina)) == 1
    assert everything(ops, "policyAssignmentList", selection, {**gina, "workspace": "acme"}) == []


def test_permissions_say_what_somebody_may_do_and_why(ada: Caller) -> None:
    answer = ada.query(
        "policyPermissionsGet",
        "total roles { role via path } items { contract allowed reason verdict "
        "rule { file line text } hangsOn { when verdict rule { line } } }",
        {"subject": "tina", "type": "HUMAN", "roles": ["user"], "limit": 150},
    )
    held = {one["role"]: one for one in answer["roles"]}
    assert {name: one["via"] for name, one in held.items()} == {
        "anonymous": "EVERYBODY", "user": "CLAIM", "team-lead": "ASSIGNMENT",
        "operator": "INHERITANCE",
    }  # fmt: skip
    path = [step.partition(" (")[0] for step in held["operator"]["path"]]
    assert path == ["user:tina -> team-lead in acme", "team-lead -> operator in acme"]
    items = {one["contract"]: one for one in answer["items"]}
    assert len(items) == answer["total"]
    pause = items["controlPlane.execution.pause@1.0.0"]
    assert pause["allowed"] is True
    assert pause["verdict"] is None
    assert pause["rule"]["text"].startswith("p, operator,")
    assert items["policy.rule.list@1.0.0"]["allowed"] is False
    refund = items["support.refund.issue@1.0.0"]
    assert refund["verdict"] == "ASSIST"
    assert {(one["when"], one["verdict"]) for one in refund["hangsOn"]} == {
        ("amount <= 100", "AUTONOMOUS"),
        ("amount > 100", "ASSIST"),
    }


def test_permissions_are_what_the_subject_really_meets(world: World, ada: Caller) -> None:
    alice = world.gateway.caller("alice", "user")
    found = everything(
        ada, "policyPermissionsGet", "contract allowed", {"subject": "alice", "roles": ["user"]}
    )
    allowed = {one["contract"].partition("@")[0] for one in found if one["allowed"]}
    assert "controlPlane.plan.compile" in allowed
    for key, field in (
        ("controlPlane.execution.list", "controlPlaneExecutionList"),
        ("controlPlane.execution.mine", "controlPlaneExecutionMine"),
    ):
        answer = alice._call("query", field, "total", {}, None)
        assert ("errors" not in answer) is (key in allowed), key
    denied = everything(
        ada, "policyPermissionsGet", "contract", {"subject": "alice", "allowed": False}
    )
    assert "controlPlane.plan.compile@1.0.0" not in {one["contract"] for one in denied}


def test_who_may_call_is_found_with_the_way_in(world: World, ada: Caller) -> None:
    selection = "subject kind entrances { type role path verdict rule { text } }"
    pause = {"contract": "controlPlane.execution.pause"}
    found = {one["subject"]: one for one in everything(ada, "policyAccessSearch", selection, pause)}
    assert {"admin", "operator", "team-lead", "user:tina"} <= set(found)
    assert found.keys().isdisjoint({"user", "user:alice", "user:gus", "type:human"})
    tina = found["user:tina"]["entrances"]
    assert [one["type"] for one in tina] == ["HUMAN", "SERVICE", "TOOL"]  # a deny is for agents
    assert {one["role"] for one in tina} == {"operator"}
    assert len(tina[0]["path"]) == 2
    there = auditor(world, "globex")
    globex = {one["subject"] for one in everything(there, "policyAccessSearch", selection, pause)}
    assert "user:gus" in globex
    assert "user:tina" not in globex


def test_who_may_run_an_action_depends_on_type_and_arguments(ada: Caller) -> None:
    selection = "everybody items { subject entrances { type verdict approverRole quorum } }"
    asked = {"contract": "support.refund.issue", "kind": "ROLE", "limit": 200}

    def verdicts(**more: object) -> dict[str, dict[str, str]]:
        answer = ada.query("policyAccessSearch", selection, {**asked, **more})
        assert answer["everybody"] is False
        return {
            one["subject"]: {way["type"]: way["verdict"] for way in one["entrances"]}
            for one in answer["items"]
        }

    small = verdicts(arguments={"amount": 50})
    assert set(small["user"].values()) == {"AUTONOMOUS"}
    large = verdicts(arguments={"amount": 20_000})
    assert large["user"] == {
        "HUMAN": "ASSIST", "SERVICE": "BLOCKED", "AGENT": "BLOCKED", "TOOL": "BLOCKED",
    }  # fmt: skip
    assert verdicts()["user"]["HUMAN"] == "ASSIST"
    levels = ada.query("policyAccessSearch", "everybody", {"contract": "support.ticket.read"})
    assert levels == {"everybody": False}


def review(who: Caller, **value: object) -> tuple[str, list[JsonObject]]:
    """All pages of a review as one text, and the answers."""
    text, answers, offset = "", [], 0
    while True:
        answer = who.query(
            "policyAccessReview",
            "format parts digest rows subjects next policyVersion",
            {**value, "offset": offset},
        )
        page = "".join(answer["parts"])
        digest = hashlib.sha256(page.encode()).hexdigest()
        assert answer["digest"] == f"sha256:{digest}"
        text += page
        answers.append(answer)
        if answer["next"] is None:
            return text, answers
        assert answer["next"] > offset
        offset = answer["next"]


def test_an_access_review_is_a_table_of_all_who_may(ada: Caller) -> None:
    text, answers = review(ada)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == sum(answer["rows"] for answer in answers)
    assert all(None not in row and None not in row.values() for row in rows)
    mine = [row for row in rows if row["subject"] == "user:tina"]
    pause = next(row for row in mine if row["contract"] == "controlPlane.execution.pause@1.0.0")
    assert (pause["role"], pause["effect"], pause["kind"]) == ("operator", "allow", "user")
    assert pause["how"].startswith("user:tina -> team-lead in acme (access.csv:")
    denied = [row for row in rows if row["effect"] == "deny"]
    assert ("type:agent", "agent") in {(row["subject"], row["types"]) for row in denied}
    assert not any("globex" in value for row in rows for value in row.values())
    paged, pages = review(ada, limit=7)
    assert len(pages) > 3
    assert paged == text


def test_an_access_review_comes_as_json_too(ada: Caller) -> None:
    text, answers = review(ada, format="JSON")
    assert answers[0]["format"] == "JSON"
    rows = json.loads(text)
    assert len(rows) == answers[0]["rows"]
    as_csv = list(csv.DictReader(io.StringIO(review(ada)[0])))
    assert rows == as_csv


def test_what_a_review_says_is_what_the_search_says(ada: Caller) -> None:
    rows = list(csv.DictReader(io.StringIO(review(ada)[0])))
    for contract in ("controlPlane.execution.pause", "support.order.lookup"):
        found = everything(
            ada, "policyAccessSearch", "subject entrances { type }", {"contract": contract}
        )
        searched = {
            (one["subject"], way["type"].lower()) for one in found for way in one["entrances"]
        }
        reviewed = {
            (row["subject"], kind)
            for row in rows
            if row["contract"] == f"{contract}@1.0.0" and row["effect"] == "allow"
            for kind in row["types"].split()
        }
        assert searched == reviewed


@pytest.mark.parametrize("field", READS)
def test_reading_is_for_those_who_may(world: World, field: str) -> None:
    selection, value = READS[field]
    for who in (world.agent, world.fiona, world.gateway.caller("nina", "user")):
        assert who.refused(field, selection, value, kind="query")["code"] == "FORBIDDEN"
    anonymous = world.gateway.anonymous()
    assert anonymous.refused(field, selection, value, kind="query")["code"] == "UNAUTHENTICATED"
    for role in ("auditor", "policy-author", "policy-approver", "admin"):
        world.gateway.caller("rita", role).query(field, selection, value)


@pytest.mark.parametrize("field", READS)
def test_another_workspace_and_an_unknown_revision_are_not_there(
    world: World, ada: Caller, field: str
) -> None:
    selection, value = READS[field]
    unknown = {**value, "revision": "sha256:" + "0" * 64}
    assert ada.refused(field, selection, unknown, kind="query")["code"] == "NOT_FOUND"
    there = {**value, "workspace": "globex"}
    if field == "policyRuleList":  # a filter, which finds nothing
        assert ada.query(field, selection, there) == {"total": 0}
    else:
        assert ada.refused(field, selection, there, kind="query")["code"] == "NOT_FOUND"
    auditor(world, "ops").query(field, selection, there)
    head = ada.query("policyRuleList", "policyVersion", {})["policyVersion"]
    ada.query(field, selection, {**value, "revision": head})


@pytest.mark.parametrize(
    ("field", "value", "path"),
    [
        ("policyRuleList", {"limit": 201}, "/input/limit"),
        ("policyRoleList", {"limit": 0}, "/input/limit"),
        ("policyAssignmentList", {"offset": -1}, "/input/offset"),
        ("policyPermissionsGet", {"subject": "a", "roles": ["user:alice"]}, "/input/roles"),
        ("policyPermissionsGet", {"subject": "a", "roles": ["r"] * 101}, "/input/roles"),
        ("policyAccessReview", {"limit": 10_001}, "/input/limit"),
        ("policyAccessReview", {"offset": -1}, "/input/offset"),
        (
            "policyAccessSearch",
            {"contract": "support.ticket.read", "revision": "x", "changesetId": "y"},
            "/input/changesetId",
        ),
    ],
)
def test_what_does_not_fit_is_told_with_its_place(
    ada: Caller, field: str, value: JsonObject, path: str
) -> None:
    told = ada.refused(field, READS[field][0], value, kind="query")
    assert told["code"] == "VALIDATION_FAILED"
    assert [issue["path"] for issue in told["problem"]["issues"]] == [path]


def test_an_unknown_contract_is_not_found(ada: Caller) -> None:
    for field in ("policyRuleList", "policyAccessSearch"):
        told = ada.refused(field, "total", {"contract": "no.such.thing"}, kind="query")
        assert told["code"] == "NOT_FOUND"
