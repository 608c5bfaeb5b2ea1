"""Rate limits over HTTP: whose calls count together, what a refusal says, what it leaves behind."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.acceptance.drafts import ended, with_verdict_rule
from tests.processes import ROOT, Caller
from tests.world import World, end_world, make_world

JsonObject = dict[str, Any]

RPM = 3
QUICK = 12
"""A limit for what waits: once spent, there is a call more every five seconds. A slow machine has
as long to spend it."""

CONTRACT = """
key: limits.{name}
version: 1.0.0
kind: {kind}
title: A limited {kind}
description: At most so many calls a minute.
domain: limits
owners: [limits.team]
capability: limits.core@1.0.0
risk: low
"""
SEND = """
input: {{ticketId: ID!, body: NonEmptyString!}}
output: {{replyId: ID!, status: SendStatus!}}
types: {{SendStatus: [SENT]}}
policy: {{auth: {auth}, rateLimit: {{rpm: {rpm}, key: {key}}}}}
handler: {{http: {{method: POST, url: "http://support.internal/tickets/{{ticketId}}/replies"}}}}
"""
LOOK = """
input: {{orderId: ID!}}
output:
  {{orderId: ID!, amount: Float!, currency: Currency!, refunded: Float!, customerName: String!,
    customerEmail: EmailAddress}}
policy: {{auth: {auth}, pii: [customerName, customerEmail], rateLimit: {{rpm: {rpm}, key: {key}}}}}
handler: {{http: {{method: GET, url: "http://support.internal/orders/{{orderId}}"}}}}
"""


def contract(name: str, body: str, key: str, rpm: int = RPM, auth: str = "user") -> str:
    kind = "query" if body is LOOK else "command"
    if body is SEND:  # enums are named within their domain
        body = body.replace("SendStatus", "".join(part.title() for part in name.split(".")))
    return CONTRACT.format(name=name, kind=kind) + body.format(rpm=rpm, key=key, auth=auth)


CONTRACTS = {
    **{f"send.{key}": contract(f"send.{key}", SEND, key) for key in ("user", "org", "global")},
    **{f"look.{key}": contract(f"look.{key}", LOOK, key) for key in ("user", "org", "global")},
    "send.again": contract("send.again", SEND, "user"),
    "send.apart": contract("send.apart", SEND, "org"),
    "send.key": contract("send.key", SEND, "user", rpm=QUICK),
    "send.admin": contract("send.admin", SEND, "org", auth="admin"),
    "look.open": contract("look.open", LOOK, "user", auth="anonymous"),
    "look.step": contract("look.step", LOOK, "user", rpm=QUICK),
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("limits")
    schema = folder / "schema"
    schema.mkdir()
    for name, text in CONTRACTS.items():
        (schema / f"{name}.yaml").write_text(text)
    opened = "p, 800, *, *, limits.look.open, low, true, autonomous, -, -, -, -"
    rules = with_verdict_rule(folder / "policies", opened)
    made = make_world(
        folder, GATEWAY_SCHEMA_DIR=f"{ROOT / 'schema'}:{schema}", GATEWAY_POLICY_DIR=rules
    )
    yield made
    end_world(made)


def sent(body: str) -> JsonObject:
    return {"ticketId": "t-1", "body": body}


ORDER = {"orderId": "o-1001"}


def through(who: Caller, name: str, times: int, body: str = "hello") -> int:
    """How many of so many calls get through."""
    command = name.startswith("send")
    value = sent(body) if command else ORDER
    field = "limits" + "".join(part.title() for part in name.split("."))
    done = 0
    for _ in range(times):
        kind = "mutation" if command else "query"
        answer = who._call(kind, field, "replyId" if command else "currency", value, None)
        told = [entry["extensions"]["code"] for entry in answer.get("errors", [])]
        assert told in ([], ["RATE_LIMITED"]), answer
        done += not told
    return done


def entries(world: World) -> list[str]:
    """The types of all entries so far."""
    with closing(sqlite3.connect(world.gateway.data_dir / "gateway.db")) as database:
        return [kind for (kind,) in database.execute("SELECT type FROM entry ORDER BY position")]


@pytest.mark.parametrize("what", ["send", "look"])
@pytest.mark.parametrize(
    ("key", "same_workspace", "elsewhere"),
    [("user", RPM, RPM), ("org", 0, RPM), ("global", 0, 0)],
)
def test_who_shares_a_limit(
    world: World, what: str, key: str, same_workspace: int, elsewhere: int
) -> None:
    ulla = world.gateway.caller("ulla", "user")
    ulf = world.gateway.caller("ulf", "user")
    stranger = world.gateway.caller("ulla", "user", workspace="globex")
    assert through(ulla, f"{what}.{key}", RPM + 1) == RPM
    assert through(ulf, f"{what}.{key}", RPM) == same_workspace
    assert through(stranger, f"{what}.{key}", RPM) == elsewhere


def test_another_token_of_the_same_subject_has_no_budget_of_its_own(world: World) -> None:
    assert through(world.gateway.caller("ugo", "user"), "send.again", RPM) == RPM
    for again in (("user",), ("user", "auditor")):
        assert through(world.gateway.caller("ugo", *again), "send.again", 1) == 0
    assert through(world.gateway.caller("ugo", "user", kind="agent"), "send.again", 1) == 0


def test_a_refusal_says_when_to_come_back_in_the_body_and_in_the_header(world: World) -> None:
    uma = world.gateway.caller("uma", "user")
    assert through(uma, "look.user", RPM) == RPM
    answer = uma.send('{ limitsLookUser(input: {orderId: "o-1001"}) { currency } }')
    (error,) = answer.json()["errors"]
    told = error["extensions"]["problem"]
    assert error["extensions"]["code"] == told["code"] == "RATE_LIMITED"
    assert error["extensions"]["http"]["status"] == told["status"] == 429
    assert told["retryable"] is True
    assert told["category"] == "policy"
    assert told["operation"] == {"key": "limits.look.user", "version": "1.0.0", "kind": "query"}
    assert 0 < told["retryAfter"] <= 60 / RPM
    assert "3 times a minute by each user" in told["detail"]
    assert f"Try again in {told['retryAfter']:g} s." in told["detail"]
    assert answer.headers["retry-after"] == str(int(answer.headers["retry-after"]))
    assert told["retryAfter"] <= int(answer.headers["retry-after"]) < told["retryAfter"] + 1
    page = (ROOT / "docs" / "errors" / "RATE_LIMITED.md").read_text()
    assert "Retry-After" in page


def test_an_answer_that_was_not_limited_has_no_such_header(world: World) -> None:
    answer = world.olga.send('{ supportOrderLookup(input: {orderId: "o-none"}) { currency } }')
    assert answer.json()["errors"][0]["extensions"]["code"] == "ORDER_NOT_FOUND"
    assert "retry-after" not in answer.headers
    fine = world.olga.send('{ supportOrderLookup(input: {orderId: "o-1001"}) { currency } }')
    assert "errors" not in fine.json()
    assert "retry-after" not in fine.headers


def test_of_several_refused_fields_the_longest_wait_is_in_the_header(world: World) -> None:
    udo = world.gateway.caller("udo", "user")
    look = 'limitsLookUser(input: {orderId: "o-1001"}) { currency }'
    step = 'limitsLookStep(input: {orderId: "o-1001"}) { currency }'
    assert through(udo, "look.user", RPM) == RPM
    assert through(udo, "look.step", QUICK) == QUICK
    answer = udo.send(f"{{ a: {step} b: {look} c: {look} }}")
    waits = [one["extensions"]["problem"]["retryAfter"] for one in answer.json()["errors"]]
    assert len(waits) == 3
    assert max(waits) <= int(answer.headers["retry-after"]) < max(waits) + 1


def test_a_limited_call_has_no_effect_and_leaves_no_entry(world: World) -> None:
    ute = world.gateway.caller("ute", "user")
    assert through(ute, "send.user", RPM, body="counted") == RPM
    before, recorded = world.service.effects(), entries(world)
    assert through(ute, "send.user", 5, body="never sent") == 0
    assert world.service.effects() == before
    assert "never sent" not in str(world.service.effects())
    assert entries(world) == recorded


def test_a_limited_call_does_not_use_up_its_idempotency_key(world: World) -> None:
    uwe = world.gateway.caller("uwe", "user")
    assert through(uwe, "send.key", QUICK) == QUICK
    field = ("limitsSendKey", "replyId status")
    told = uwe.refused(*field, sent("once, later"), key="later")
    assert told["code"] == "RATE_LIMITED"
    time.sleep(told["problem"]["retryAfter"])
    uwe.mutate(*field, sent("once, later"), key="later")
    again = uwe.refused(*field, sent("once, later"), key="later")
    assert again["code"] == "RATE_LIMITED"  # a repetition is a call as well
    bodies = [one["payload"]["body"] for one in world.service.effects("reply")]
    assert bodies.count("once, later") == 1


def test_what_is_refused_before_is_not_counted(world: World) -> None:
    """Neither invalid input nor those without the right eat the budget of a workspace."""
    mallory = world.gateway.caller("mallory", "user")
    admin = world.gateway.caller("amy", "admin")
    field = ("limitsSendAdmin", "replyId")
    for _ in range(RPM + 2):
        assert mallory.refused(*field, sent("not mine"))["code"] == "FORBIDDEN"
        assert admin.refused(*field, {"ticketId": "t-1", "body": ""})["code"] == "VALIDATION_FAILED"
        anonymous = world.gateway.anonymous()
        assert anonymous.refused(*field, sent("nobody"))["code"] == "UNAUTHENTICATED"
    assert through(admin, "send.admin", RPM + 1) == RPM


def test_whoever_has_no_token_shares_one_budget_and_spends_no_other(world: World) -> None:
    first, second = world.gateway.anonymous(), world.gateway.anonymous()
    assert through(first, "look.open", RPM) + through(second, "look.open", RPM) == RPM
    named = world.gateway.caller("anonymous", "user")
    assert through(named, "look.open", RPM) == RPM


def test_one_contract_at_its_limit_leaves_the_others_alone(world: World) -> None:
    una = world.gateway.caller("una", "user", workspace="initech")
    assert through(una, "send.org", RPM + 1) == RPM
    assert through(una, "send.apart", RPM + 1) == RPM


def test_steps_of_plans_count_too_and_wait_instead_of_failing(world: World) -> None:
    assert through(world.agent, "look.step", QUICK) == QUICK
    spent = time.monotonic()
    steps = [
        {"key": key, "contract": "limits.look.step", "input": ORDER, **after}
        for key, after in (("one", {}), ("two", {"dependsOn": ["one"]}))
    ]
    run = world.run(steps)
    assert ended(world, run) == "COMPLETED"
    assert time.monotonic() - spent > 60 / QUICK
    kept = world.plan(run["executionId"])["steps"]
    assert [(one["status"], one["attempt"]) for one in kept] == [("COMPLETED", 1)] * 2
    held = [
        one["metadata"]["problem"]
        for one in world.trace(run["executionId"], payloads=True)
        if (one["metadata"] or {}).get("problem")
    ]
    assert {one["code"] for one in held} == {"RATE_LIMITED"}
    assert (
        world.agent.refused("limitsLookStep", "currency", ORDER, kind="query")["code"]
        == "RATE_LIMITED"
    )
