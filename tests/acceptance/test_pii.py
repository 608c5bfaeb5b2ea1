"""PII over HTTP and on disk: it reaches the service, and nobody else who may not see it."""

import json
from pathlib import Path

from tests.acceptance.drafts import approve, lookup, refund
from tests.processes import Caller, JsonObject
from tests.world import World

INTENT = "Canaryintent wants her money"
EMAIL = "canarymail.7731@example.com"
BODY = "Canarybody: we are sorry"
SERVED = ("Alice Martin", "alice@example.com", "The lamp came broken")
INVALID = "canaryinvalid.4410"
REJECTED = "Canaryrejected"
CANARIES = ("Canaryintent", "canarymail", "Canarybody", "canaryinvalid", REJECTED, *SERVED)


def steps() -> list[JsonObject]:
    ticket = {"key": "ticket", "contract": "support.ticket.read", "input": {"ticketId": "t-1"}}
    small = refund(31.07, key="small")
    small["input"]["customerEmail"] = EMAIL
    large = refund(310.07, key="large", dependsOn=["order"])
    large["input"]["customerEmail"] = EMAIL
    answer = {
        "key": "answer",
        "contract": "support.customer.reply",
        "input": {
            "ticketId": "t-1",
            "body": BODY,
            "customerEmail": {"$from": "ticket.customerEmail"},
        },
    }
    return [ticket, lookup(), small, large, answer]


def play(world: World) -> JsonObject:
    """A run with PII in intent, inputs, outputs, a rejected draft and direct calls."""
    intent = world.submit(text=INTENT)
    value = {"executionId": intent["executionId"], "intentId": intent["intentId"]}
    wrong = refund(1)
    wrong["input"]["customerEmail"] = INVALID
    wrong["input"]["currency"] = {"strange": REJECTED}
    compile_ = "controlPlanePlanCompile"
    world.agent.refused(compile_, "planId", {**value, "draft": {"steps": [wrong]}})
    plan = world.agent.mutate(compile_, "planId", {**value, "draft": {"steps": steps()}})
    planned = {**intent, **plan}
    world.verify(planned)
    world.olga.mutate(
        "controlPlaneExecutionStart", "runId",
        {"executionId": planned["executionId"], "planId": planned["planId"]},
    )  # fmt: skip
    world.wait(planned["executionId"], "WAITING_APPROVAL")
    sent = {"ticketId": "t-2", "body": BODY, "customerEmail": EMAIL}
    world.agent.mutate("supportCustomerReply", "replyId", sent, key="direct-canary")
    bad = {"orderId": "o-1004", "amount": 1, "currency": "EUR", "customerEmail": INVALID}
    world.agent.refused("supportRefundIssue", "status", bad)
    return planned


def seen_by(caller: Caller, run: JsonObject, fields: dict[str, str]) -> str:
    value = {"executionId": run["executionId"]}
    found = [caller.query(field, told, value) for field, told in fields.items()]
    return json.dumps(found, ensure_ascii=False)


def leaks(text: str) -> list[str]:
    return [canary for canary in CANARIES if canary in text]


def leaks_on_disk(folder: Path) -> list[tuple[str, str]]:
    files = [path for path in folder.rglob("*") if path.is_file() and "support" not in path.name]
    assert any(path.name == "gateway.db" for path in files)
    return [
        (path.name, canary)
        for path in files
        for canary in CANARIES
        if canary.encode() in path.read_bytes()
    ]


APPROVALS = {"controlPlaneApprovalList": "items { arguments reason }"}
READS = {
    "controlPlanePlanGet": "steps { key input output problem reasons attempts { problem } }",
    "controlPlanePolicyExplain": "reasons",
    "controlPlaneTraceReplay": "differences { message recorded replayed }",
}
MINE = {"controlPlaneExecutionMine": "items { problem steps { key output problem } }"}


def trace(caller: Caller, run: JsonObject) -> str:
    value = {"executionId": run["executionId"], "includePayloads": True}
    found = caller.query("controlPlaneTraceGet", "entries { metadata }", value)
    return json.dumps(found, ensure_ascii=False)


def test_pii_is_seen_by_nobody_but_its_readers(own_world: World) -> None:
    world = own_world
    run = play(world)
    for caller in (world.olga, world.gateway.caller("august", "auditor")):
        told = trace(caller, run) + seen_by(caller, run, {**READS, **APPROVALS})
        assert leaks(told) == []
        assert "$sealed" not in told
    assert "c•••@•••" in trace(world.olga, run)
    assert leaks(seen_by(world.fiona, run, APPROVALS)) == []
    assert leaks(seen_by(world.agent, run, MINE)) == []

    reader = world.gateway.caller("rita", "admin", "pii.reader")
    assert EMAIL in seen_by(reader, run, APPROVALS)
    shown = trace(reader, run) + seen_by(reader, run, READS)
    raw = set(leaks(shown))
    assert raw >= {"Canaryintent", "canarymail", "Canarybody", *SERVED}
    assert {"canaryinvalid", REJECTED}.isdisjoint(raw)

    (asked,) = world.approvals(run["executionId"])
    approve(world.fiona, "fiona", asked)
    assert world.wait(run["executionId"], "COMPLETED", "FAILED")["status"] == "COMPLETED"
    sent = [effect["payload"] for effect in world.service.effects("reply")]
    assert {"ticketId": "t-1", "body": BODY, "customerEmail": "alice@example.com"} in sent

    assert leaks_on_disk(world.gateway.folder) == []
    world.gateway.stop()
    assert leaks_on_disk(world.gateway.folder) == []
    assert leaks(world.gateway.log()) == []


def test_a_repeated_call_masks_what_it_opens(own_world: World) -> None:
    play(own_world)
    own_world.gateway.stop()
    own_world.gateway.start()
    sent = {"ticketId": "t-2", "body": BODY, "customerEmail": EMAIL}
    own_world.agent.mutate("supportCustomerReply", "replyId", sent, key="direct-canary")
    other = {**sent, "customerEmail": "other@example.com"}
    refused = own_world.agent.refused("supportCustomerReply", "replyId", other, key="direct-canary")
    assert refused["code"] == "CONFLICT"
    assert leaks(json.dumps(refused)) == []
