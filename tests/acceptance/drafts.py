"""Steps of drafts over the example domain, and callers' sentences that several files use."""

import shutil
from pathlib import Path
from typing import Any

from tests.processes import ROOT, Caller
from tests.world import World

JsonObject = dict[str, Any]

APPROVE = ("controlPlaneExecutionApprove", "executionId stepId status approvedAt")
REJECT = ("controlPlaneExecutionReject", "executionId stepId status rejectedAt")
CANCEL = ("controlPlaneExecutionCancel", "executionId status cancelledAt")
START = ("controlPlaneExecutionStart", "runId status startedAt")
COMPILE = ("controlPlanePlanCompile", "planId stepCount deterministicHash compiledAt")
VERIFY = ("controlPlanePlanVerify", "verdict requiresApproval blockedReasons verifiedAt")


def lookup(key: str = "order", order: str = "o-1001", **more: object) -> JsonObject:
    """Look up an order: a query."""
    return {
        "key": key,
        "contract": "support.order.lookup",
        "input": {"orderId": order},
        **more,
    }


def refund(amount: float, key: str = "refund", **more: object) -> JsonObject:
    """Refund part of the largest order: keyed, and up to 100 without an approval."""
    return {
        "key": key,
        "contract": "support.refund.issue",
        "input": {"orderId": "o-1004", "amount": amount, "currency": "EUR"},
        **more,
    }


def reply(body: str, key: str = "reply", **more: object) -> JsonObject:
    """Reply to a customer: the service knows no keys, so each request sends one message."""
    return {
        "key": key,
        "contract": "support.customer.reply",
        "input": {"ticketId": "t-1", "body": body},
        **more,
    }


def cancel_subscription(key: str = "cancel", **more: object) -> JsonObject:
    """Cancel a subscription: of medium risk, so an agent needs an approval."""
    return {
        "key": key,
        "contract": "support.subscription.cancel",
        "input": {"subscriptionId": "s-1"},
        **more,
    }


def ids(planned: JsonObject) -> JsonObject:
    """What verify and start take."""
    return {"executionId": planned["executionId"], "planId": planned["planId"]}


def verified(world: World, steps: list[JsonObject], **who: Caller) -> JsonObject:
    """A plan that was compiled and verified; returns its ids."""
    planned = world.compile(steps, **who)
    world.verify(planned)
    return planned


def waiting(world: World, steps: list[JsonObject] | None = None) -> JsonObject:
    """A run that waits for one approval; returns its ids with ``stepId``."""
    started = world.run(steps or [refund(250)])
    world.wait(started["executionId"], "WAITING_APPROVAL")
    (asked,) = world.approvals(started["executionId"])
    return {**started, "stepId": asked["stepId"]}


def step_of(run: JsonObject) -> JsonObject:
    """What approve and reject take, without the name of who acts."""
    return {"executionId": run["executionId"], "stepId": run["stepId"]}


def approve(who: Caller, name: str, run: JsonObject) -> JsonObject:
    """Approve the step that a run waits for."""
    return who.mutate(*APPROVE, {**step_of(run), "approvedBy": name})


def policies(folder: Path, *changes: tuple[str, str]) -> str:
    """A copy of the shipped policies with its verdict rules changed; returns its path."""
    if folder.exists():
        shutil.rmtree(folder)
    shutil.copytree(ROOT / "policies", folder)
    rules = folder / "verdict.csv"
    text = rules.read_text()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    rules.write_text(text)
    return str(folder)


def with_verdict_rule(folder: Path, row: str) -> str:
    """A copy of the shipped policies with one verdict rule more; returns its path."""
    path = policies(folder)
    with (folder / "verdict.csv").open("a") as rules:
        rules.write(f"{row}\n")
    return path


def patient(folder: Path) -> str:
    """A copy of the example's contracts whose actions may take a minute; returns its path."""
    shutil.copytree(ROOT / "schema" / "support", folder)
    for file in folder.glob("*.yaml"):
        file.write_text(file.read_text().replace("timeout: 5s", "timeout: 60s"))
    return str(folder)


def ended(world: World, started: JsonObject) -> str:
    """Wait for the end of a run; returns its status."""
    over = ("COMPLETED", "FAILED", "UNRESOLVED", "REJECTED", "EXPIRED", "CANCELLED")
    return str(world.wait(started["executionId"], *over)["status"])


def replies(world: World, body: str) -> int:
    """How often this very message was sent."""
    return sum(effect["payload"]["body"] == body for effect in world.service.effects("reply"))


def refunds(world: World, cents: int) -> list[JsonObject]:
    """The refunds of exactly this amount."""
    return [one for one in world.service.effects("refund") if one["payload"]["cents"] == cents]
