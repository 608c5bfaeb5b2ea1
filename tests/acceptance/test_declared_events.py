"""Every declared event of the control plane, driven and followed over HTTP, payload by payload."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.contracts import Registry, load_contracts
from tests.acceptance.drafts import (
    COMPILE,
    REJECT,
    approve,
    lookup,
    policies,
    refund,
    step_of,
    verified,
    waiting,
)
from tests.acceptance.test_subscriptions import following, listed, next_event
from tests.processes import ROOT
from tests.unit.skills.skill_kit import ed25519, manifest, signed, write_trust
from tests.world import World, end_world, make_world

JsonObject = dict[str, Any]
KEY, STRANGER = ed25519(), ed25519()
INSTALL = ("controlPlaneSkillInstall", "installationId manifestDigest installedAt")
MOMENTS = {
    "intent.received": "receivedAt",
    "plan.compiled": "compiledAt",
    "plan.rejected": "rejectedAt",
    "execution.step.started": "startedAt",
    "execution.step.blocked": "blockedAt",
    "execution.step.completed": "completedAt",
    "execution.completed": "completedAt",
    "execution.failed": "failedAt",
    "execution.override.used": "usedAt",
    "skill.installed": "installedAt",
    "skill.rejected": "rejectedAt",
}
"""Each declared event, and the member of its payload that says when it happened."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("events")
    chosen = folder / "policies"
    made = policies(chosen)
    write_trust(chosen, KEY)
    started = make_world(folder, GATEWAY_POLICY_DIR=made)
    yield started
    end_world(started)


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_contracts([ROOT / "schema" / "control-plane"])


@pytest.fixture(scope="module")
def story(world: World) -> JsonObject:
    """What was done, by name, in a world in which every event happened."""
    return {
        "approved": approved(world),
        "rejected": rejected(world),
        "overridden": overridden(world),
        "failed": failed(world),
        "uncompiled": uncompiled(world),
        "blocked": blocked(world),
        "skill": world.olga.mutate(*INSTALL, asked(signed(manifest("acme.told"), KEY))),
        "forged": world.olga.refused(*INSTALL, asked(signed(manifest("acme.forged"), STRANGER))),
    }


def approved(world: World) -> JsonObject:
    run = waiting(world, [refund(250)])
    approve(world.fiona, "fiona", run)
    world.wait(run["executionId"], "COMPLETED")
    return run


def rejected(world: World) -> JsonObject:
    run = waiting(world, [refund(251)])
    world.fiona.mutate(*REJECT, {**step_of(run), "rejectedBy": "fiona", "reason": "No receipt."})
    world.wait(run["executionId"], "REJECTED")
    return run


def overridden(world: World) -> JsonObject:
    run = waiting(world, [refund(252)])
    broken = {**step_of(run), "invokedBy": "betty", "reason": "The approvers are on a plane."}
    betty = world.gateway.caller("betty", "break-glass")
    betty.mutate("controlPlaneExecutionBreakGlass", "status", broken)
    world.wait(run["executionId"], "COMPLETED")
    return run


def failed(world: World) -> JsonObject:
    run = world.run([lookup(order="o-none")])
    world.wait(run["executionId"], "FAILED")
    return run


def uncompiled(world: World) -> JsonObject:
    value = {"workspaceId": "acme", "text": "Please", "channelKey": "mail"}
    intent = world.agent.mutate("controlPlaneIntentSubmit", "executionId intentId", value)
    draft = {"steps": [{"key": "a", "contract": "support.nothing", "input": {}}]}
    world.agent.refused(*COMPILE, {**intent, "draft": draft})
    return intent


def blocked(world: World) -> JsonObject:
    closing = {"accountId": "a-1", "customerEmail": "ada@example.com", "reason": "ABUSE"}
    step = {"key": "close", "contract": "support.account.close", "input": closing}
    return verified(world, [step])


def asked(body: JsonObject) -> JsonObject:
    """What an installation takes."""
    named = {"skillKey": body["skill"]["key"], "version": body["skill"]["version"]}
    return {**named, "artifactDigest": body["artifact"]["digest"], "manifest": body}


def events_of(world: World, kind: str, **payload: object) -> list[JsonObject]:
    """The events of a kind whose payloads hold these members, as they are listed."""
    return [
        event
        for event in listed(world)
        if event["type"] == f"controlPlane.{kind}"
        and payload.items() <= {**event["payload"]}.items()
    ]


def payload_of(world: World, kind: str, **payload: object) -> JsonObject:
    """The payload of the one such event, without its moment."""
    (event,) = events_of(world, kind, **payload)
    found: JsonObject = dict(event["payload"])
    assert found.pop(MOMENTS[kind]) == event["occurredAt"]
    return found


def test_every_declared_event_happens_and_its_payload_fits_its_contract(
    world: World, story: JsonObject, registry: Registry
) -> None:
    assert story
    own = {
        contract.meta.key: contract
        for contract in registry.events.values()
        if contract.meta.domain == "control-plane"
    }
    assert set(own) == {f"controlPlane.{kind}" for kind in MOMENTS}
    told = [event for event in listed(world) if event["type"] in own]
    for event in told:
        contract, payload = own[event["type"]], event["payload"]
        assert event["version"] == contract.meta.version
        assert registry.payload_of(contract).check(payload) == payload
        assert None not in payload.values()
        assert (
            payload[MOMENTS[contract.meta.key.removeprefix("controlPlane.")]]
            == (event["occurredAt"])
        )
    assert {event["type"] for event in told} == set(own)


def test_the_subscription_gives_each_of_them_as_the_list_does(
    world: World, story: JsonObject
) -> None:
    assert story
    expected = listed(world)
    with following(world, world.olga, after="0") as socket:
        assert [next_event(socket) for _ in expected] == expected


def test_what_is_told_of_executions_names_them(world: World, story: JsonObject) -> None:
    run, intent = story["approved"], story["uncompiled"]
    execution, step = {"executionId": run["executionId"]}, {"stepId": run["stepId"]}
    ran = {**execution, "runId": run["runId"]}
    received = payload_of(world, "intent.received", executionId=intent["executionId"])
    assert received == {**intent, "actorId": "agent-7", "channelKey": "mail"}
    assert payload_of(world, "plan.compiled", **execution) == {
        **execution,
        "planId": run["planId"],
        "stepCount": 1,
    }
    assert payload_of(world, "execution.step.blocked", **execution).keys() == {
        *("executionId", "runId", "stepId", "reason")
    }
    for kind in ("execution.step.started", "execution.step.completed"):
        assert payload_of(world, kind, **execution) == {**ran, **step}
    assert payload_of(world, "execution.completed", **execution) == {**ran, "outcome": "completed"}


def test_what_is_told_of_failures_says_why(world: World, story: JsonObject) -> None:
    run = story["failed"]
    told = payload_of(world, "execution.failed", executionId=run["executionId"])
    assert told["errorCode"] == told["problem"]["code"] == "ORDER_NOT_FOUND"
    assert told["errorMessage"] == told["problem"]["detail"]
    assert told["runId"] == run["runId"]
    run = story["rejected"]
    told = payload_of(world, "execution.failed", executionId=run["executionId"])
    assert told["runId"] == run["runId"]
    assert told["errorCode"]


def test_a_rejected_plan_says_why_with_and_without_a_plan(world: World, story: JsonObject) -> None:
    intent, plan = story["uncompiled"], story["blocked"]
    told = payload_of(world, "plan.rejected", executionId=intent["executionId"])
    assert told.keys() == {"executionId", "reasons"}
    assert told["reasons"][0].startswith("/input/draft/steps/0/contract: ")
    execution = {"executionId": plan["executionId"]}
    told = payload_of(world, "plan.rejected", **execution)
    assert told["planId"] == plan["planId"]
    assert told["reasons"]
    assert payload_of(world, "execution.step.blocked", **execution).keys() == {
        *("executionId", "stepId", "reason")
    }
    assert "runId" not in payload_of(world, "execution.failed", **execution)


def test_a_broken_glass_names_who_and_why(world: World, story: JsonObject) -> None:
    run = story["overridden"]
    told = payload_of(world, "execution.override.used", executionId=run["executionId"])
    approval = told.pop("approvalId")
    assert [one["approvalId"] for one in world.approvals(run["executionId"], "USED")] == [approval]
    assert told == {
        **{name: run[name] for name in ("executionId", "runId", "stepId")},
        "invokedBy": "betty",
        "reason": "The approvers are on a plane.",
    }


def test_what_is_told_of_skills_names_publisher_and_issues(world: World, story: JsonObject) -> None:
    done, provenance = story["skill"], "https://git.acme.example/skills/desk"
    (event,) = events_of(world, "skill.installed", skillKey="acme.told")
    assert event["payload"] == {
        "skillKey": "acme.told",
        "version": "1.0.0",
        "publisher": "acme",
        "provenance": provenance,
        **done,
    }
    told = payload_of(world, "skill.rejected", skillKey="acme.forged")
    problem = story["forged"]["problem"]
    assert [one["code"] for one in told["issues"]] == ["SIGNATURE_INVALID", "KEY_UNTRUSTED"]
    assert told["issues"] == [
        {"code": one["code"], "message": one["message"]} for one in problem["issues"]
    ]
    assert told["reason"] == told["issues"][0]["message"]
    assert told["provenance"] == provenance
    assert told["version"] == "1.0.0"
    assert len(told["manifestDigest"]) == 64


def test_no_event_tells_personal_data_that_was_handed_in(world: World, story: JsonObject) -> None:
    assert story
    assert "ada@example.com" not in json.dumps(
        [
            event
            for event in listed(world)
            if event["executionId"] == story["blocked"]["executionId"]
        ]
    )
