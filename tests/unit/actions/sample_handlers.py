"""Handlers in this process, as a deployment would write them."""

import asyncio
import sys
import threading
from typing import Any

from gateway.actions import ActionContext, ActionError, EventLimitError

NOT_CALLABLE = 7
started: list[str] = []
gate = threading.Event()


def in_thread(given: dict[str, Any], context: ActionContext) -> dict[str, Any]:
    given["changed"] = True
    return {"thread": threading.current_thread().name, "key": context.idempotency_key}


async def on_loop(given: dict[str, Any], context: ActionContext) -> dict[str, Any]:
    return {"given": given, "ids": [context.execution_id, context.step_id]}


class Callable:
    async def __call__(self, given: dict[str, Any], context: ActionContext) -> dict[str, Any]:
        return {"thread": threading.current_thread().name}


as_object = Callable()


def emits(given: dict[str, Any], context: ActionContext) -> dict[str, Any]:
    payload = {"id": "7"}
    context.emit("shop.order.placed@1.0.0", payload)
    payload["id"] = "changed later"
    return {}


def emits_as(given: dict[str, Any], context: ActionContext) -> dict[str, Any]:
    context.emit(given["ref"], {})
    return {}


def emits_many(given: dict[str, Any], context: ActionContext) -> dict[str, Any]:
    emitted = 0
    try:
        for _ in range(given["count"]):
            context.emit("shop.order.placed@1.0.0", {"id": given["text"]})
            emitted += 1
    except EventLimitError:
        if not given.get("looks_away"):
            raise
    return {"emitted": emitted}


kept: dict[str, Any] = {}


async def keeps(given: dict[str, Any], context: ActionContext) -> dict[str, Any]:
    kept["rows"] = [{"id": "7"}]
    return kept


def emits_and_fails(given: dict[str, Any], context: ActionContext) -> dict[str, Any]:
    context.emit("shop.order.placed@1.0.0", {})
    raise ActionError("OUT_OF_STOCK")


def declines(given: dict[str, Any], context: ActionContext) -> dict[str, Any]:
    raise ActionError(given["code"], given.get("detail", ""))


def fails(given: dict[str, Any], context: ActionContext) -> dict[str, Any]:
    raise RuntimeError("alice@example.com is unhappy")


async def fails_on_loop(given: dict[str, Any], context: ActionContext) -> dict[str, Any]:
    raise TimeoutError("alice@example.com took too long")


def finds_nothing(given: dict[str, Any], context: ActionContext) -> dict[str, Any]:
    return next(row for row in () if row)


class OutOfTeaError(ActionError):
    def __init__(self, leaves: int) -> None:
        self.leaves = leaves


def has_no_tea(given: dict[str, Any], context: ActionContext) -> dict[str, Any]:
    raise OutOfTeaError(0)


def leaves(given: dict[str, Any], context: ActionContext) -> dict[str, Any]:
    sys.exit(3)


async def leaves_on_loop(given: dict[str, Any], context: ActionContext) -> dict[str, Any]:
    sys.exit(3)


async def interrupts_on_loop(given: dict[str, Any], context: ActionContext) -> dict[str, Any]:
    raise KeyboardInterrupt


async def cancels_itself(given: dict[str, Any], context: ActionContext) -> dict[str, Any]:
    raise asyncio.CancelledError


def returns(given: dict[str, Any], context: ActionContext) -> Any:
    return {
        "none": None,
        "list": [1],
        "set": {"a": {1}},
        "nan": {"a": float("nan")},
        "key": {1: "a"},
        "big": {"a": 2**60},
        "surrogate": {"a": "\ud800"},
    }[given["what"]]


def waits(given: dict[str, Any], context: ActionContext) -> dict[str, Any]:
    """Until the test opens the gate."""
    started.append(context.step_id)
    assert gate.wait(100)
    return {}


async def waits_on_loop(given: dict[str, Any], context: ActionContext) -> dict[str, Any]:
    started.append(context.step_id)
    await asyncio.Event().wait()
    return {}


async def will_not_be_cancelled(given: dict[str, Any], context: ActionContext) -> dict[str, Any]:
    try:
        await asyncio.sleep(100)
    except asyncio.CancelledError:
        await asyncio.sleep(100)
    return {}
