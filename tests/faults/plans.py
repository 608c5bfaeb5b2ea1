"""The plans that are played: five steps over the example domain, each effect of a unique mark.

Among them are a query, keyed commands (refunds), an idempotent one (ending a subscription) and one
whose service knows no keys (a reply); large refunds wait for an approver, and so do subscriptions
that an agent ends.
"""

from dataclasses import dataclass
from random import Random
from typing import Any

JsonObject = dict[str, Any]

LARGE = 10_100  # cents: above what goes out without an approval
SUBSCRIPTIONS = 2_000
"""How many subscriptions the service has for runs to end: ``sub-1`` and so on."""


@dataclass(frozen=True)
class Drafted:
    """A plan as it is sent, and what the checker must know of its steps."""

    steps: list[JsonObject]
    marks: list[JsonObject]


def draft(run: int, moments: Random) -> Drafted:
    """The plan of the run ``run``, of a random shape."""
    made = [_lookup(), _refund(run, large=False), _cancellation(run), _reply(run)]
    made.append(_refund(run, large=True) if moments.random() < 0.35 else _lookup("again"))
    moments.shuffle(made)
    steps: list[JsonObject] = []
    for step, _, _ in made:
        before = [earlier["key"] for earlier in steps if moments.random() < 0.4]
        steps.append({**step, **({"dependsOn": before} if before else {})})
    marks = [{"key": step["key"], "marker": mark, "keyed": keyed} for step, mark, keyed in made]
    return Drafted(steps, marks)


Made = tuple[JsonObject, str | None, bool]


def _step(key: str, contract: str, **value: object) -> JsonObject:
    return {"key": key, "contract": f"support.{contract}", "input": value}


def _lookup(key: str = "order") -> Made:
    return _step(key, "order.lookup", orderId="o-1004"), None, True


def _refund(run: int, *, large: bool) -> Made:
    cents = run + (LARGE if large else 1)
    key = "large" if large else "refund"
    money = {"orderId": "o-1004", "amount": cents / 100, "currency": "EUR"}
    return _step(key, "refund.issue", **money), f"refund:{cents}", True


def _cancellation(run: int) -> Made:
    subscription = f"sub-{run + 1}"
    step = _step("cancel", "subscription.cancel", subscriptionId=subscription)
    return step, f"cancellation:{subscription}", True


def _reply(run: int) -> Made:
    body = f"To run {run}"
    return _step("reply", "customer.reply", ticketId="t-1", body=body), f"reply:{body}", False


def output_of(effect: JsonObject) -> JsonObject:
    """What the service answered to an effect, as an operator reads it out of the service."""
    told = effect["payload"]
    if effect["kind"] == "refund":
        return {"refundId": told["refundId"], "status": "PAID"}
    if effect["kind"] == "reply":
        return {"replyId": f"m-{effect['id']}", "status": "SENT"}
    return {"subscriptionId": told["subscriptionId"], "plan": "monthly", "status": "CANCELLED"}
