"""Holes known of other systems in front of actions, each shown over HTTP not to exist here.

docs/known-failings.md lists them all with their tests.
"""

import json
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import jwt
import pytest

from gateway.contracts import load_contracts
from gateway.identity import LocalIssuer
from gateway.model.contract import OperationContract
from tests.acceptance import test_every_operation as operations
from tests.acceptance.drafts import approve, policies, refund, waiting, with_verdict_rule
from tests.acceptance.test_audit import altered, place
from tests.acceptance.test_evidence import bundle, files_of, verify, zipped
from tests.acceptance.test_skills import install, make
from tests.forking import run_to_end
from tests.processes import GATEWAY, ROOT, Caller, JsonObject
from tests.world import World, end_world, make_world

CONTRACT = """
key: holes.message.{name}
version: 1.0.0
kind: command
title: Send a message
description: The least harmful action that there is.
domain: holes
owners: [holes.team]
capability: holes.core@1.0.0
risk: low
tags: [{name}]
input: {{ticketId: ID!, body: NonEmptyString!, amount: Float}}
output: {{replyId: ID!, status: {enum}!}}
types: {{{enum}: [SENT]}}
policy: {{auth: {auth}{more}}}
handler: {{http: {{method: POST, url: "http://support.internal/tickets/{{ticketId}}/replies"}}}}
"""
CONTRACTS = {
    "open": ("user", ""),
    "guarded": ("user", ""),
    "admin": ("admin", ""),
    "asking": ("user", ", escalate: human_review"),
}
GUARD = "p, 50, *, *, tag:guarded, *, amount > 10000, blocked, -, -, -, -"
CODE = "__import__('pathlib').Path({marker!r}).touch() == 1"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world with a rule that blocks by an argument which a call may leave out."""
    folder = tmp_path_factory.mktemp("holes")
    rules = with_verdict_rule(folder / "policies", GUARD)
    made = make_world(folder, GATEWAY_SCHEMA_DIR=schema(folder), GATEWAY_POLICY_DIR=rules)
    yield made
    end_world(made)


def schema(folder: Path) -> str:
    own = folder / "schema"
    own.mkdir()
    for name, (auth, more) in CONTRACTS.items():
        text = CONTRACT.format(name=name, auth=auth, more=more, enum=f"{name.title()}Status")
        (own / f"{name}.yaml").write_text(text)
    return f"{ROOT / 'schema'}:{own}"


def field(name: str) -> tuple[str, str]:
    return (f"holesMessage{name.title()}", "replyId status")


def message(body: str, **more: object) -> JsonObject:
    return {"ticketId": "t-1", "body": body, **more}


def sent(world: World, body: str) -> int:
    """How often this very message was sent."""
    return sum(one["payload"]["body"] == body for one in world.service.effects("reply"))


# 1. A deny rule whose condition errors is skipped


def test_a_blocking_rule_that_cannot_be_evaluated_blocks_the_call(world: World) -> None:
    ulla = world.gateway.caller("ulla", "user")
    for given in ({}, {"amount": None}):
        told = ulla.refused(*field("guarded"), message("no amount", **given))
        assert told["code"] == "FORBIDDEN"
        assert "the argument amount is missing" in told["problem"]["detail"]
        assert world.execution(told["problem"]["executionId"])["status"] == "BLOCKED"
    assert sent(world, "no amount") == 0
    assert (
        ulla.refused(*field("guarded"), message("too much", amount=20_000))["code"] == "FORBIDDEN"
    )
    assert ulla.mutate(*field("guarded"), message("fine", amount=5))["status"] == "SENT"
    assert (sent(world, "too much"), sent(world, "fine")) == (0, 1)


def test_a_blocking_rule_that_cannot_be_evaluated_blocks_the_plan(world: World) -> None:
    step = {"key": "say", "contract": "holes.message.guarded", "input": message("in a plan")}
    planned = world.compile([step])
    told = world.verify(planned)
    assert told["verdict"] == "BLOCKED"
    assert "the argument amount is missing" in " ".join(told["blockedReasons"])
    value = {"executionId": planned["executionId"], "planId": planned["planId"]}
    refused = world.olga.refused("controlPlaneExecutionStart", "status", value)
    assert refused["code"] in ("CONFLICT", "FORBIDDEN", "PRECONDITION_FAILED")
    assert sent(world, "in a plan") == 0


# 2. Conditions that run arbitrary code


def test_rules_that_would_run_code_stop_the_start_and_are_not_run(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    code = CODE.format(marker=str(marker))
    row = f'p, 1, *, *, *, *, "{code}", autonomous, -, -, -, -'
    rules = with_verdict_rule(tmp_path / "policies", row)
    command = [*GATEWAY, "serve", "--port", "0", "--data-dir", str(tmp_path / "data")]
    served = run_to_end(
        command, cwd=ROOT, env={"GATEWAY_POLICY_DIR": rules, "PATH": "/usr/bin:/bin"}
    )
    assert served.returncode != 0
    assert "POLICY_CONDITION" in served.stderr
    assert "verdict.csv" in served.stderr
    assert "Traceback" not in served.stderr
    assert not marker.exists()


# 3. "admin" for whoever is signed in


@pytest.mark.parametrize("kind", ["human", "agent", "service", "tool"])
def test_what_is_for_admins_is_for_no_other_signed_in_caller(world: World, kind: str) -> None:
    before = world.service.effects()
    for roles in (("user",), ("user", "administrator", "admins"), ("nobody",)):
        who = world.gateway.caller("sam", *roles, kind=kind)
        assert who.refused(*field("admin"), message("for admins"))["code"] == "FORBIDDEN"
        listed = who.refused("controlPlaneExecutionList", "total", {}, kind="query")
        assert listed["code"] == "FORBIDDEN"
    assert world.service.effects() == before
    assert world.olga.mutate(*field("admin"), message("by an admin"))["status"] == "SENT"


# 4. Policy that is only consulted when a hook happens to be installed

REGISTRY = load_contracts([ROOT / "schema"])
PLAIN = {"NonEmptyString": "x", "EmailAddress": "a@example.com", "Currency": "EUR"}


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world whose rules speak of nobody and nothing."""
    folder = tmp_path_factory.mktemp("closed")
    rules = Path(policies(folder / "policies"))
    shutil.rmtree(rules / "cases")
    (rules / "access.csv").write_text("p, nobody, *, domain:none, call, deny\n")
    made = make_world(folder, GATEWAY_POLICY_DIR=str(rules))
    yield made
    end_world(made)


def test_without_rules_every_operation_is_denied_to_everybody(
    closed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is served asks policy: there is no field that answers without a rule."""
    for scalar, value in PLAIN.items():
        monkeypatch.setitem(operations.PLAIN, scalar, value)
    everything = closed.gateway.caller("olga", "admin", "user", "approver", "operator", "auditor")
    answered = {}
    for name, contract in REGISTRY.fields.items():
        for who, code in (
            (everything, "FORBIDDEN"),
            (closed.gateway.anonymous(), "UNAUTHENTICATED"),
        ):
            answer = call(who, name, contract)
            if operations.code_of(answer) != code:
                answered[contract.ref] = answer
    assert answered == {}
    assert closed.service.effects() == []
    with closing(sqlite3.connect(closed.gateway.data_dir / "gateway.db")) as database:
        kinds = {kind for (kind,) in database.execute("SELECT type FROM entry")}
    assert "call.denied" in kinds
    assert {kind for kind in kinds if not kind.startswith("policy.")} <= {
        "call.denied",
        "calls.denied",
    }


def call(who: Caller, name: str, contract: OperationContract) -> JsonObject:
    kind = "mutation" if contract.is_command else "query"
    if not contract.input:
        return who.send(f"{kind} {{ {name} {{ __typename }} }}").json()  # type: ignore[no-any-return]
    value = operations.filled(contract.input, dict(contract.types), {})
    title = name[0].upper() + name[1:]
    text = f"{kind} ($input: {title}Input!) {{ {name}(input: $input) {{ __typename }} }}"
    answer: JsonObject = who.send(text, {"input": value}).json()
    return answer


def test_what_a_skill_brings_is_decided_like_everything_else(tmp_path: Path) -> None:
    world = make(tmp_path)
    try:
        install(world, "acme.held")
        name, value = ("heldPlanStop", "__typename"), {"subscriptionId": "s-1"}
        before = world.service.effects()
        nobody = world.gateway.caller("nina", "nobody")
        assert nobody.refused(*name, value)["code"] == "FORBIDDEN"
        assert world.agent.refused(*name, value)["code"] == "APPROVAL_REQUIRED"
        assert world.service.effects() == before
    finally:
        end_world(world)


# 5. An escalation that is only advice


@pytest.mark.parametrize("kind", ["human", "agent", "service", "tool"])
def test_an_action_that_escalates_waits_for_a_human(world: World, kind: str) -> None:
    body = f"escalated by a {kind}"
    who = world.gateway.caller(f"{kind}-1", "user", "approver", kind=kind)
    told = who.refused(*field("asking"), message(body))
    assert told["code"] == "APPROVAL_REQUIRED"
    asked = told["problem"]
    time.sleep(0.3)
    assert sent(world, body) == 0
    vote = {"executionId": asked["executionId"], "stepId": asked["stepId"]}
    approving = ("controlPlaneExecutionApprove", "status")
    own = who.refused(*approving, {**vote, "approvedBy": f"{kind}-1"})
    robot = world.gateway.caller("robot", "user", "approver", kind="agent")
    other = robot.refused(*approving, {**vote, "approvedBy": "robot"})
    assert (own["code"], other["code"]) == ("FORBIDDEN", "FORBIDDEN")
    assert sent(world, body) == 0
    approve(world.fiona, "fiona", asked)
    assert world.wait(asked["executionId"], "COMPLETED", "FAILED")["status"] == "COMPLETED"
    assert sent(world, body) == 1


def test_an_action_that_escalates_waits_in_a_plan_too(world: World) -> None:
    step = {"key": "say", "contract": "holes.message.asking", "input": message("planned")}
    run = waiting(world, [step])
    assert sent(world, "planned") == 0
    value = {"executionId": run["executionId"], "stepId": run["stepId"], "rejectedBy": "fiona"}
    world.fiona.mutate("controlPlaneExecutionReject", "status", {**value, "reason": "No."})
    assert world.wait(run["executionId"], "REJECTED")["status"] == "REJECTED"
    assert sent(world, "planned") == 0


# 6. An actor whose id bypasses grants

MAGIC = (
    *("system", "gateway", "root", "admin", "anonymous", "*", "user:admin", "role:admin"),
    *("type:human", "system:gateway", "olga:admin", "user:*", "-"),
)


@pytest.mark.parametrize("name", MAGIC)
def test_no_name_opens_what_its_roles_do_not(world: World, name: str) -> None:
    before = world.service.effects()
    for kind in ("human", "agent", "service"):
        who = world.gateway.caller(name, "user", kind=kind)
        listed = who.refused("controlPlaneExecutionList", "total", {}, kind="query")
        assert listed["code"] == "FORBIDDEN"
        assert who.refused(*field("admin"), message("magic"))["code"] == "FORBIDDEN"
        asked = who.refused(*field("asking"), message("magic"))
        assert asked["code"] == "APPROVAL_REQUIRED"
        vote = {one: asked["problem"][one] for one in ("executionId", "stepId")}
        approved = who.refused(
            "controlPlaneExecutionApprove", "status", {**vote, "approvedBy": name}
        )
        assert approved["code"] == "FORBIDDEN"
    assert world.service.effects() == before


@pytest.mark.parametrize("name", ["", "\n", "a\x00b", None, 7, ["admin"]])
def test_a_token_without_a_proper_subject_is_nobodys(world: World, name: object) -> None:
    """Signed with the right key, which does not make it true."""
    issuer = LocalIssuer.open(world.gateway.key_dir)
    good = issuer.issue("olga", "human", ("admin",), "acme", 600)
    claims = jwt.decode(good, options={"verify_signature": False})
    headers = {"kid": jwt.get_unverified_header(good)["kid"]}
    claims["sub"] = name
    if name is None:
        del claims["sub"]
    token = jwt.api_jws.encode(json.dumps(claims).encode(), issuer._key, "EdDSA", headers)
    answer = Caller(world.gateway, token).send("{ __typename }")
    assert answer.status_code == 401, answer.text
    assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


# 7. A signature that covers the operator but not the decision


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A world that ran a step after an approval, exported the evidence and was stopped."""
    folder = tmp_path_factory.mktemp("recorded")
    made = make_world(folder)
    run = waiting(made, [refund(251)])
    approve(made.fiona, "fiona", run)
    made.wait(run["executionId"], "COMPLETED")
    made.gateway.caller("nina", "nobody").refused(
        "controlPlaneExecutionList", "total", {}, kind="query"
    )
    (folder / "bundle.zip").write_bytes(bundle(made.olga, "olga", run["runId"]))
    made.gateway.stop()
    end_world(made)
    return made


DECISIONS = {
    "what was decided": ("step.dispatched", '"verdict":"assist"', '"verdict":"autonomous"'),
    "by which rule": ("step.dispatched", "verdict.csv:", "verdict.csv:1"),
    "under which revision": ("step.dispatched", '"policyRevision":"sha', '"policyRevision":"sho'),
    "who may approve": ("approval.requested", '"approverRole":"approver"', '"approverRole":"user"'),
    "how many": ("approval.requested", '"quorum":1', '"quorum":0'),
    "that it was approved": ("approval.voted", '"approved":true', '"approved":false'),
    "that it was denied": ("call.denied", '"effect":"deny"', '"effect":"allow"'),
    "what was in force": ("policy.activated", '"revision":"sha', '"revision":"sho'),
}  # fmt: skip


@pytest.mark.parametrize("what", DECISIONS)
def test_a_recorded_decision_that_was_altered_is_found(
    recorded: World, tmp_path: Path, what: str
) -> None:
    kind, old, new = DECISIONS[what]
    copy = Path(shutil.copytree(recorded.gateway.data_dir, tmp_path / "copy"))
    chain, seq, position = place(copy, kind)
    change = "UPDATE entry SET body = replace(body, ?, ?) WHERE position = ? AND body LIKE ?"
    told = altered(copy, (change, (old, new, position, f"%{old}%")))
    assert f"CHANGED [chain={chain} seq={seq} position={position}]" in told


def test_an_untouched_bundle_verifies(recorded: World, tmp_path: Path) -> None:
    """What the tests below find is not found in an honest bundle that was packed as they are."""
    files = files_of((recorded.gateway.folder / "bundle.zip").read_bytes())
    assert verify(tmp_path / "whole", zipped(files)).returncode == 0


@pytest.mark.parametrize(
    "what", [one for one, (kind, *_) in DECISIONS.items() if kind[:4] in ("step", "appr")]
)
def test_a_decision_in_a_bundle_that_was_altered_is_found(
    recorded: World, tmp_path: Path, what: str
) -> None:
    kind, old, new = DECISIONS[what]
    files = files_of((recorded.gateway.folder / "bundle.zip").read_bytes())
    lines = files["entries.jsonl"].decode().splitlines()
    (at,) = [number for number, line in enumerate(lines) if f'"{kind}"' in line]
    as_text = [part.replace('"', '\\"') for part in (old, new)]
    forged = lines[at].replace(*as_text) if as_text[0] in lines[at] else lines[at].replace(old, new)
    assert forged != lines[at]
    lines[at] = forged
    changed = {**files, "entries.jsonl": ("\n".join(lines) + "\n").encode()}
    found = verify(tmp_path / "forged", zipped(changed))
    assert found.returncode == 1, found.stdout
    assert "CHANGED" in found.stdout
