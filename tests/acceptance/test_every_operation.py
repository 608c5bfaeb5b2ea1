"""Every built-in operation: who may not call it, what is malformed, and that ids of
another workspace are not there. What each does when all is well is shown with its topic."""

from pathlib import Path
from typing import Any

import pytest

from gateway.contracts import load_contracts
from gateway.model.contract import EnumType, NamedType, OperationContract
from gateway.model.types import TypeRef
from tests.acceptance.drafts import refund, waiting
from tests.processes import Caller, JsonObject
from tests.world import World

SCHEMA = Path(__file__).parents[2] / "schema"
BUILT_IN = ("control-plane", "policy-admin", "audit", "privacy")
REGISTRY = load_contracts([SCHEMA / name for name in BUILT_IN])
FIELDS = {contract.key: name for name, contract in REGISTRY.fields.items()}
KEYS = sorted(FIELDS)

PLAIN: dict[str, Any] = {
    "String": "x",
    "ID": "id_none",
    "Int": 1,
    "Float": 1.0,
    "Boolean": True,
    "JSON": {},
    "JSONObject": {},
    "DateTime": "2099-01-01T00:00:00Z",
    "URL": "https://example.com/x",
    "NonEmptyString": "x",
}
WITHOUT_IDS = {
    "audit.checkpoint.create",  # and all of checkpoints: the tree is one for all workspaces
    "audit.checkpoint.get",
    "audit.checkpoint.list",
    "audit.proof.consistency",
    "audit.contract.review",  # names a contract, and shows the workspace's own record
    "controlPlane.contract.execution.list",  # names a contract, and shows the workspace's own
    "controlPlane.contract.list",  # the contracts are those of every workspace
    "controlPlane.grant.issue",  # names a contract
    "controlPlane.health.get",
    "controlPlane.skill.install",  # brings its own skill
    "controlPlane.skill.verify",
    "policy.access.review",  # and what has no id: rules for everybody are seen by everybody
    "policy.assignment.list",
    "policy.changeset.draft",
    "policy.decision.evaluate",
    "policy.decision.search",
    "policy.revision.diff",
    "policy.revision.list",
    "policy.role.list",
    "policy.rule.list",
    "privacy.consent.record",  # a person has no id: the name means nobody elsewhere
    "privacy.retention.list",
}
DRAFT = {
    "title": "Let zed list runs",
    "reason": "He keeps the books.",
    "edits": [
        {
            "file": "access.csv",
            "add": "p, user:zed, acme, controlPlane.execution.list, call, allow",
        }
    ],
}


def sample(ref: TypeRef, types: dict[str, NamedType], name: str, known: JsonObject) -> Any:
    """A value that fits a type; fields that ``known`` names get what it says."""
    if name in known and ref.named != "DateTime":  # `from` is a revision, or a moment
        return known[name]
    if ref.items is not None:
        return [sample(ref.items, types, "", known)]
    if ref.name in PLAIN:
        return PLAIN[ref.name]
    named = types[ref.name]
    if isinstance(named, EnumType):
        return named.values[0]
    return filled(named.fields, types, known)


def filled(fields: Any, types: dict[str, NamedType], known: JsonObject) -> JsonObject:
    """An input with its required fields, and those that ``known`` names."""
    return {
        name: sample(ref, types, name, known)
        for name, ref in fields.items()
        if ref.required or name in known
    }


def input_for(contract: OperationContract, by: str, known: JsonObject) -> JsonObject:
    acting = {name: by for name in contract.input if name.endswith("By")}
    value = filled(contract.input, dict(contract.types), {**known, **acting})
    if contract.key == "controlPlane.evidence.attach":
        del value["runId"]  # it takes either the run or the execution, and something to attach
        value["uri"] = PLAIN["URL"]
    if contract.key == "audit.proof.inclusion":
        value["seq"] = 1  # it takes either an execution and a number, or a position
    if contract.capability != "policy.administration@1.0.0" and "changesetId" in value:
        value.pop("revision", None)  # a question is asked under the one or the other
    return value


def contract_of(key: str) -> OperationContract:
    found = REGISTRY.resolve(key)
    assert found is not None
    return found


def called(who: Caller, key: str, value: Any) -> JsonObject:
    """The whole answer to a call of this operation."""
    contract, field = contract_of(key), FIELDS[key]
    kind = "mutation" if contract.is_command else "query"
    if not contract.input:
        return who.send(f"{kind} {{ {field} {{ __typename }} }}").json()  # type: ignore[no-any-return]
    name = field[0].upper() + field[1:]
    text = f"{kind} ($input: {name}Input!) {{ {field}(input: $input) {{ __typename }} }}"
    answer: JsonObject = who.send(text, {"input": value}).json()
    return answer


def code_of(answer: JsonObject) -> str | None:
    errors = answer.get("errors")
    return str(errors[0]["extensions"]["code"]) if errors else None


@pytest.fixture(scope="module")
def known(world: World) -> JsonObject:
    """Ids of a run of the workspace acme that waits for an approval."""
    run = waiting(world, [refund(611)])
    names = ("executionId", "runId", "stepId", "planId", "intentId")
    drafted = world.olga.mutate("policyChangesetDraft", "changesetId base revision status", DRAFT)
    assert drafted["status"] == "CHECKED"
    petra, person = world.gateway.caller("petra", "privacy-officer"), {"subjectId": "ada@x.org"}
    asked = petra.mutate(
        "privacySubjectErase", "erasureId", {**person, "ground": "SUBJECT_REQUEST"}
    )
    held = petra.mutate("privacyHoldPlace", "holdId", {**person, "matter": "m", "reason": "r"})
    told = {**person, "purpose": "news", "evidence": "a form"}
    consent = petra.mutate("privacyConsentRecord", "consentId", told)
    return {
        **{name: run[name] for name in names},
        **asked,
        **held,
        **consent,
        "workspaceId": "acme",
        "laneKey": "clarify",
        "changesetId": drafted["changesetId"],
        "revision": drafted["revision"],
        "from": drafted["base"],
    }


@pytest.mark.parametrize("key", KEYS)
def test_it_is_denied_without_a_token_and_without_the_right(
    world: World, known: JsonObject, key: str
) -> None:
    value = input_for(contract_of(key), "nina", known)
    nina = world.gateway.caller("nina", "nobody")

    assert code_of(called(world.gateway.anonymous(), key, value)) == "UNAUTHENTICATED"
    assert code_of(called(nina, key, value)) == "FORBIDDEN"
    assert world.execution(known["executionId"])["status"] == "WAITING_APPROVAL"


@pytest.mark.parametrize("key", [key for key in KEYS if contract_of(key).input])
def test_it_refuses_what_is_malformed(world: World, known: JsonObject, key: str) -> None:
    contract = contract_of(key)
    value = input_for(contract, "olga", known)
    required = [name for name, ref in contract.input.items() if ref.required]
    text = next((name for name, ref in contract.input.items() if ref.named in ("String", "ID")), "")
    wrong: list[Any] = [1, [], "x", None, {**value, "noSuchField": 1}]
    wrong += [{name: given for name, given in value.items() if name != one} for one in required]
    wrong += [{**value, text: {"deep": [1]}}] if text else []
    for one in wrong:
        answer = called(world.olga, key, one)
        assert code_of(answer) == "VALIDATION_FAILED", (one, answer)
        problem = answer["errors"][0]["extensions"]["problem"]
        assert problem["issues"], one
        assert all(issue["path"] and issue["message"] for issue in problem["issues"])


@pytest.mark.parametrize("key", KEYS)
def test_ids_of_another_workspace_are_not_there(world: World, known: JsonObject, key: str) -> None:
    stranger = world.gateway.caller("olga", "admin", "break-glass", workspace="globex")
    value = input_for(contract_of(key), "olga", known)
    if "reason" in contract_of(key).input:
        value["reason"] = "a reason that is long enough"
    answer = called(stranger, key, value)
    if key in WITHOUT_IDS:
        assert code_of(answer) != "INTERNAL_ERROR"
    elif code_of(answer) is None:
        assert found_by(stranger, key, value) == [], key
    else:
        assert code_of(answer) == "NOT_FOUND", answer
    assert world.execution(known["executionId"])["status"] == "WAITING_APPROVAL"


def found_by(who: Caller, key: str, value: JsonObject) -> list[JsonObject]:
    """What a list holds, or what a bulk command did."""
    contract = contract_of(key)
    kind, members = ("mutation", "results") if contract.is_command else ("query", "items")
    shown = "decided" if contract.is_command else "__typename"
    answer = who._call(kind, FIELDS[key], f"{members} {{ {shown} }}", value, None)
    found: list[JsonObject] = answer["data"][FIELDS[key]][members]
    return [one for one in found if one.get("decided", True)]
