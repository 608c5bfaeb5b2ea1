"""Explaining decisions over HTTP: all of it to auditors, to others what a call would tell them."""

import json
from collections.abc import Iterator

import pytest

from tests.acceptance.drafts import waiting
from tests.acceptance.reading_world import auditor, everything, reading_world
from tests.acceptance.test_skills import install
from tests.acceptance.test_skills import make as skilled_world
from tests.processes import Caller, JsonObject
from tests.world import World, end_world

FIELD = "policyDecisionExplain"
ALL = (
    "decision verdict reasons policyVersion matchedAll roles { role via path } "
    "treatments { field treatment } "
    "matchedRules { model file line text revision effect decides field } "
    "nearest { model file line text revision effect "
    "gaps { kind wanted message arguments given } } "
    "required { model outcome needs { kind message name quorum "
    "bounds { atLeast above atMost below } } }"
)
REFUND = {"orderId": "o-1001", "currency": "EUR", "customerEmail": "ada@example.com"}
DETAILS = ("roles", "treatments", "matchedRules", "nearest", "required")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = reading_world(tmp_path_factory.mktemp("explaining"))
    yield made
    end_world(made)


@pytest.fixture
def ada(world: World) -> Caller:
    return auditor(world)


def explained(who: Caller, contract: str, **value: object) -> JsonObject:
    return who.query(FIELD, ALL, {"contract": contract, **value})


def somebody(kind: str, *roles: str, **more: object) -> JsonObject:
    return {"type": kind, "id": "somebody", "roles": list(roles), **more}


def needs(answer: JsonObject, model: str) -> list[list[tuple[str, str | None]]]:
    """What each way asks for."""
    return [
        [(need["kind"], need["name"]) for need in way["needs"]]
        for way in answer["required"]
        if way["model"] == model
    ]


def test_a_denial_names_the_nearest_rules_and_the_roles_that_would_do(ada: Caller) -> None:
    answer = explained(ada, "controlPlane.plan.compile", subject=somebody("HUMAN", "user"))
    assert answer["decision"] == "DENY"
    assert answer["verdict"] is None
    assert answer["matchedRules"] == []
    assert {near["gaps"][0]["wanted"] for near in answer["nearest"]} == {
        "admin", "planner", "refunder",
    }  # fmt: skip
    assert all(near["revision"] == answer["policyVersion"] for near in answer["nearest"])
    assert sorted(needs(answer, "ACCESS")) == [
        [("ROLE", "admin")],
        [("ROLE", "planner")],
        [("ROLE", "refunder")],
    ]


def test_what_is_needed_is_really_enough(world: World, ada: Caller) -> None:
    for contract, role in (("controlPlane.plan.compile", "planner"),):
        answer = explained(ada, contract, subject=somebody("HUMAN", "user"))
        assert [("ROLE", role)] in needs(answer, "ACCESS")
        after = explained(ada, contract, subject=somebody("HUMAN", "user", role))
        assert after["decision"] == "ALLOW"
        deciding = [rule for rule in after["matchedRules"] if rule["decides"]]
        assert [rule["text"].split(", ")[1] for rule in deciding] == [role]
        assert deciding == after["matchedRules"][:1]


def test_a_block_tells_the_bound_and_the_approval(ada: Caller) -> None:
    agent = somebody("AGENT", "user")
    answer = explained(
        ada, "support.refund.issue", subject=agent, arguments={**REFUND, "amount": 20_000}
    )
    assert (answer["decision"], answer["verdict"]) == ("ALLOW", "BLOCKED")
    assisted, alone, with_role = answer["required"]
    assert assisted["outcome"] == "assist"
    amount, approval = assisted["needs"]
    assert amount["bounds"] == {"atLeast": None, "above": 100, "atMost": 10_000, "below": None}
    assert (approval["name"], approval["quorum"]) == ("approver", 1)
    assert alone["outcome"] == "autonomous"
    assert [need["message"] for need in alone["needs"]] == ["amount at most 100"]
    assert [need["message"] for need in with_role["needs"]] == [
        "the role service-desk",
        "amount at most 500",
    ]
    gaps = [gap for near in answer["nearest"] for gap in near["gaps"]]
    failing = next(gap for gap in gaps if gap["wanted"] == "amount <= 100")
    assert (failing["kind"], failing["arguments"]) == ("CONDITION", ["amount"])
    assert failing["given"] == {"amount": 20_000}
    assert REFUND["customerEmail"] not in json.dumps(answer)
    for bound, verdict in ((10_000, "ASSIST"), (10_000.01, "BLOCKED"), (100, "AUTONOMOUS")):
        tried = {**REFUND, "amount": bound}
        after = explained(ada, "support.refund.issue", subject=agent, arguments=tried)
        assert after["verdict"] == verdict


def test_a_role_that_brings_a_better_verdict_is_named(ada: Caller) -> None:
    answer = explained(
        ada,
        "support.refund.issue",
        subject=somebody("HUMAN", "user"),
        arguments={**REFUND, "amount": 450},
    )
    assert answer["verdict"] == "ASSIST"
    assert needs(answer, "VERDICT") == [
        [("APPROVAL", "approver")],
        [("ARGUMENT", "amount")],
        [("ROLE", "service-desk")],
    ]
    assert {one["field"]: one["treatment"] for one in answer["treatments"]} == {
        "input.customerEmail": "MASK"
    }
    pii = [rule for rule in answer["matchedRules"] if rule["model"] == "PII"]
    assert [rule["decides"] for rule in pii] == [True, *([False] * (len(pii) - 1))]


def test_a_token_without_the_capability_is_told_so(ada: Caller) -> None:
    limited = somebody("HUMAN", "user", capabilities=["support.core"])
    answer = explained(ada, "controlPlane.plan.compile", subject=limited)
    assert [("CAPABILITY", "control-plane.core@1.0.0"), ("ROLE", "planner")] in needs(
        answer, "ACCESS"
    )
    assert {"ROLE", "CAPABILITY"} == {
        gap["kind"] for near in answer["nearest"] for gap in near["gaps"]
    }


def test_an_explicit_deny_outweighs_and_no_role_helps(ada: Caller) -> None:
    frozen = somebody("HUMAN", "user", "frozen")
    answer = explained(ada, "support.order.lookup", subject=frozen)
    assert answer["decision"] == "DENY"
    first = answer["matchedRules"][0]
    assert (first["effect"], first["decides"]) == ("deny", True)
    assert "allow" in {rule["effect"] for rule in answer["matchedRules"]}
    assert answer["nearest"][0]["gaps"][0]["kind"] == "OUTWEIGHED"
    assert needs(answer, "ACCESS") == [[("RULE", None)]]


def test_arguments_that_are_not_known_are_said_to_decide(ada: Caller) -> None:
    agent = somebody("AGENT", "user")
    answer = explained(ada, "support.refund.issue", subject=agent)
    assert answer["verdict"] == "ASSIST"
    assert any("once input.amount is known" in reason for reason in answer["reasons"])
    same = explained(ada, "support.refund.issue", subject=agent, arguments={}, unknown=["amount"])
    assert same["reasons"] == answer["reasons"]
    missing = explained(ada, "support.refund.issue", subject=agent, arguments={})
    assert missing["verdict"] == "BLOCKED"


def test_rules_of_another_workspace_are_never_named(world: World, ada: Caller) -> None:
    for contract in ("controlPlane.execution.pause", "support.refund.issue"):
        answer = explained(ada, contract, subject=somebody("HUMAN"), arguments={"amount": 50})
        assert "globex" not in str(answer)
    there = somebody("HUMAN", "user", workspace="globex")
    value = {"contract": "support.refund.issue", "subject": there}
    assert ada.refused(FIELD, ALL, value, kind="query")["code"] == "NOT_FOUND"
    ops = auditor(world, "ops")
    answer = explained(ops, "support.refund.issue", subject=there, arguments={"amount": 8})
    assert answer["verdict"] == "BLOCKED"
    decides = {rule["model"]: rule["text"] for rule in answer["matchedRules"] if rule["decides"]}
    assert "globex" in decides["VERDICT"]


def test_whoever_may_not_read_rules_is_told_what_the_call_would_tell(world: World) -> None:
    nina = world.gateway.caller("nina", "user")
    denied = explained(nina, "controlPlane.execution.pause")
    called = nina.refused(
        "controlPlaneExecutionPause",
        "status",
        {"runId": "run_none", "reason": "long enough", "pausedBy": "nina"},
    )
    assert denied["decision"] == "DENY"
    assert denied["reasons"] == [called["problem"]["detail"]]
    assert all(denied[name] == [] for name in DETAILS)
    allowed = explained(nina, "support.refund.issue")
    assert (allowed["decision"], allowed["verdict"]) == ("ALLOW", None)
    assert all(allowed[name] == [] for name in DETAILS)


def test_nobody_asks_about_others_or_about_rights_that_they_lack(world: World) -> None:
    nina = world.gateway.caller("nina", "user")
    contract = {"contract": "support.refund.issue"}
    refused: list[JsonObject] = [
        {"subject": somebody("HUMAN", "user")},
        {"subject": {"type": "AGENT", "id": "nina"}},
        {"subject": {"type": "HUMAN", "id": "nina", "roles": ["user", "admin"]}},
        {"subject": {"type": "HUMAN", "id": "nina", "roles": []}},
        {"subject": {"type": "HUMAN", "id": "nina", "workspace": "globex"}},
        {"subject": {"type": "HUMAN", "id": "nina", "capabilities": ["support.core"]}},
        {"unknown": ["amount"]},
        {"arguments": {**REFUND, "amount": 950}},
        {"arguments": {}},
        {"revision": "sha256:" + "0" * 64},
        {"changesetId": "id_none"},
    ]
    for more in refused:
        told = nina.refused(FIELD, ALL, {**contract, **more}, kind="query")
        assert told["code"] == "FORBIDDEN", more
    own = {"type": "HUMAN", "id": "nina", "roles": ["user"], "workspace": "acme"}
    assert explained(nina, "support.refund.issue", subject=own)["decision"] == "ALLOW"


def test_answers_without_audit_rights_do_not_tell_rules_apart(world: World) -> None:
    """What policy says of a refund differs by type, and so do the rules."""
    hidden = ("policyVersion",)
    answers = {}
    for kind in ("human", "agent", "tool", "service"):
        who = world.gateway.caller("nina", "user", kind=kind)
        answer = explained(who, "support.refund.issue")
        shown = {name: value for name, value in answer.items() if name not in hidden}
        article = "an" if kind == "agent" else "a"
        said = str(shown).replace(f"{article} {kind}", "somebody")
        answers[kind] = said
        for secret in ("verdict.csv", "access.csv", "100", "5000", "10000"):
            assert secret not in str(shown)
    assert len(set(answers.values())) == 1, answers


def test_unknown_contracts_and_those_of_other_workspaces_skills_answer_alike(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    made = skilled_world(tmp_path_factory.mktemp("skilled"))
    try:
        install(made, "acme.hidden")
        here = made.gateway.caller("nina", "user")
        assert explained(here, "hidden.plan.stop")["decision"] in ("ALLOW", "DENY")
        for role in ("user", "admin"):
            there = made.gateway.caller("nina", role, workspace="beta")
            answers = [
                there._call("query", FIELD, "decision", {"contract": contract}, None)
                for contract in ("hidden.plan.stop", "hidden.plan.stop@1.0.0", "no.such.thing")
            ]
            for answer in answers:
                answer["errors"][0]["extensions"]["problem"].pop("traceId", None)
                answer["errors"][0]["extensions"].pop("traceId", None)
            assert answers[0]["errors"][0]["extensions"]["code"] == "NOT_FOUND"
            assert answers[0] == answers[1] == answers[2]
    finally:
        end_world(made)


def test_explaining_needs_the_right_and_a_whole_question(world: World, ada: Caller) -> None:
    value = {"contract": "support.refund.issue"}
    nobody = world.gateway.caller("nina", "nobody")
    assert nobody.refused(FIELD, ALL, value, kind="query")["code"] == "FORBIDDEN"
    anonymous = world.gateway.anonymous()
    assert anonymous.refused(FIELD, ALL, value, kind="query")["code"] == "UNAUTHENTICATED"
    assert ada.refused(FIELD, ALL, {}, kind="query")["code"] in (
        "VALIDATION_FAILED", "GRAPHQL_VALIDATION_FAILED",
    )  # fmt: skip
    wrong = {**value, "subject": somebody("HUMAN", "user:olga")}
    told = ada.refused(FIELD, ALL, wrong, kind="query")
    assert [one["path"] for one in told["problem"]["issues"]] == ["/input/subject/roles"]
    both = {**value, "revision": "x", "changesetId": "y"}
    assert ada.refused(FIELD, ALL, both, kind="query")["code"] == "VALIDATION_FAILED"
    gone = {**value, "changesetId": "id_none"}
    assert ada.refused(FIELD, ALL, gone, kind="query")["code"] == "NOT_FOUND"


def test_the_explanation_of_a_plan_names_rules_to_auditors_alone(world: World, ada: Caller) -> None:
    run = waiting(world)
    asked = {"executionId": run["executionId"], "stepId": run["stepId"]}
    selection = "verdict riskTier reasons policyVersion"
    told = ada.query("controlPlanePolicyExplain", selection, asked)
    version = told["policyVersion"]
    assert any(
        reason.startswith("Rule verdict.csv:") and f" of {version}: p, " in reason
        for reason in told["reasons"]
    )
    reader = world.gateway.caller("eva", "explainer")
    plain = reader.query("controlPlanePolicyExplain", selection, asked)
    assert plain["verdict"] == told["verdict"]
    assert plain["reasons"]
    assert "csv" not in str(plain["reasons"])


def test_a_draft_is_explained_before_it_is_in_force(world: World, ada: Caller) -> None:
    author = world.gateway.caller("wanda", "user", "policy-author")
    added = {
        "file": "access.csv",
        "add": "p, newcomer, acme, controlPlane.plan.verify, call, allow",
    }
    changeset = author.mutate(
        "policyChangesetDraft",
        "changesetId revision",
        {"title": "Newcomers verify", "reason": "They asked for it.", "edits": [added]},
    )
    asked = {"subject": somebody("HUMAN", "newcomer")}
    key = "controlPlane.plan.verify"
    now = explained(ada, key, **asked)
    assert now["decision"] == "DENY"
    proposed = {"changesetId": changeset["changesetId"]}
    then = explained(ada, key, **asked, **proposed)
    assert then["decision"] == "ALLOW"
    assert then["policyVersion"] == changeset["revision"] != now["policyVersion"]
    assert {rule["revision"] for rule in then["matchedRules"]} == {changeset["revision"]}
    found = everything(
        ada, "policyAccessSearch", "subject", {"contract": key, "kind": "ROLE", **proposed}
    )
    assert {"subject": "newcomer"} in found
    mine = {"subject": "nora", "roles": ["newcomer"], "allowed": True}
    allowed = everything(ada, "policyPermissionsGet", "contract", {**mine, **proposed})
    assert f"{key}@1.0.0" in {one["contract"] for one in allowed}
    value = {"contract": key, **proposed}
    there = auditor(world, "globex")
    assert there.refused(FIELD, ALL, value, kind="query")["code"] == "NOT_FOUND"
    drafted = {"contract": key, "revision": changeset["revision"]}
    assert ada.refused(FIELD, ALL, drafted, kind="query")["code"] == "NOT_FOUND"


def test_whoever_may_call_an_action_and_have_none_run_is_told_so(world: World, ada: Caller) -> None:
    clerk = somebody("HUMAN", "clerk")
    told = {**REFUND, "amount": 20}
    answer = explained(ada, "support.refund.issue", subject=clerk, arguments=told)
    assert (answer["decision"], answer["verdict"]) == ("ALLOW", "BLOCKED")
    assert "Whoever has support.refund.issue run needs the role user." in answer["reasons"]
    assert needs(answer, "VERDICT") == [[("ROLE", "user")]]
    large = explained(ada, "support.refund.issue", subject=clerk, arguments={**told, "amount": 5e2})
    assert needs(large, "VERDICT")[0] == [("ROLE", "user"), ("APPROVAL", "approver")]
    field = ("supportRefundIssue", "__typename")
    refused = world.gateway.caller("carl", "clerk").refused(*field, told)
    assert refused["problem"]["detail"].removeprefix("call: ") in answer["reasons"]
    asked = {"subject": "carl", "roles": ["clerk"], "allowed": True}
    mine = everything(ada, "policyPermissionsGet", "contract verdict", asked)
    assert [one["verdict"] for one in mine if one["contract"] == "support.refund.issue@1.0.0"] == [
        "BLOCKED"
    ]
