"""The support desk's HTTP interface.

An error is ``{code, detail}`` with its status. The commands answer a repeated ``Idempotency-Key``
with the first answer and do nothing again; only the reply to a customer does not know keys: each
request sends one more message.
"""

import json
from collections.abc import Callable
from math import isfinite

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from examples.support_service.faults import FaultInjection
from examples.support_service.store import Row, Store
from examples.support_service.traces import TraceLog

Handle = Callable[[Store, Request, Row], Row]


class RefusalError(Exception):
    """The service declines; nothing has happened."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(code)
        self.status = status
        self.body = {"code": code, "detail": detail}


def build_app(store: Store, slow: float = 0.0) -> FaultInjection:
    """The application over ``store``, with its fault switches; ``slow`` is how many seconds a
    request takes at most."""
    routes = [
        Route("/tickets/{id}", _endpoint(store, read_ticket)),
        Route("/orders/{id}", _endpoint(store, read_order)),
        Route("/effects", _endpoint(store, list_effects)),
        Route("/tickets/{id}/replies", _endpoint(store, reply), methods=["POST"]),
        Route("/orders/{id}/refunds", _endpoint(store, once(issue_refund)), methods=["POST"]),
        Route("/refunds/{id}/reversal", _endpoint(store, once(reverse_refund)), methods=["POST"]),
        Route("/accounts/{id}/closure", _endpoint(store, once(close_account)), methods=["POST"]),
        Route("/subscriptions/{id}/cancellation", _endpoint(store, once(cancel)), methods=["POST"]),
        Route(
            "/subscriptions/{id}/reactivation", _endpoint(store, once(reactivate)), methods=["POST"]
        ),
    ]
    return FaultInjection(TraceLog(Starlette(routes=routes)), slow)


# Reading


def read_ticket(store: Store, request: Request, _: Row) -> Row:
    ticket = _found(store, "tickets", "TICKET_NOT_FOUND", request)
    customer = _customer(store, ticket["customer"])
    return {
        "ticketId": ticket["id"],
        "subject": ticket["subject"],
        "body": ticket["body"],
        "status": ticket["status"],
        "orderId": ticket["order_id"],
        "customerName": customer["name"],
        "customerEmail": customer["email"],
    }


def read_order(store: Store, request: Request, _: Row) -> Row:
    order = _found(store, "orders", "ORDER_NOT_FOUND", request)
    customer = _customer(store, order["customer"])
    return {
        "orderId": order["id"],
        "amount": order["cents"] / 100,
        "currency": order["currency"],
        "refunded": _refunded(store, order["id"]) / 100,
        "customerName": customer["name"],
        "customerEmail": customer["email"],
    }


def list_effects(store: Store, request: Request, _: Row) -> Row:
    kind = request.query_params.get("kind")
    effects = store.all("SELECT * FROM effects WHERE kind = ? OR ? IS NULL ORDER BY id", kind, kind)
    for effect in effects:
        effect["payload"] = json.loads(effect["payload"])
    kinds = [effect["kind"] for effect in effects]
    return {
        "count": len(effects),
        "counts": {name: kinds.count(name) for name in sorted(set(kinds))},
        "effects": effects,
    }


# Acting


def reply(store: Store, request: Request, body: Row) -> Row:
    ticket = _found(store, "tickets", "TICKET_NOT_FOUND", request)
    _done(store, request, "reply", {"ticketId": ticket["id"], **body})
    sent = store.one("SELECT count(*) AS n FROM effects WHERE kind = 'reply'") or {}
    return {"replyId": f"m-{sent['n']}", "status": "SENT"}


def _cents(amount: float) -> int:
    """An amount in cents; none where it is beyond all that can be counted in them."""
    cents = amount * 100
    return round(cents) if isfinite(cents) else 0


def issue_refund(store: Store, request: Request, body: Row) -> Row:
    order = _found(store, "orders", "ORDER_NOT_FOUND", request)
    cents = _cents(float(body["amount"]))
    if body["currency"] != order["currency"]:
        raise RefusalError(422, "CURRENCY_MISMATCH", "The order was paid in another currency.")
    if cents <= 0 or cents + _refunded(store, order["id"]) > order["cents"]:
        raise RefusalError(409, "REFUND_EXCEEDS_PAYMENT", "The amount is more than what is left.")
    refund = store.next_id("r", "refunds")
    store.run("INSERT INTO refunds VALUES (?, ?, ?, 'PAID')", refund, order["id"], cents)
    _done(store, request, "refund", {"refundId": refund, "orderId": order["id"], "cents": cents})
    return {"refundId": refund, "status": "PAID"}


def reverse_refund(store: Store, request: Request, _: Row) -> Row:
    refund = _found(store, "refunds", "REFUND_NOT_FOUND", request)
    if refund["status"] != "REVERSED":
        store.run("UPDATE refunds SET status = 'REVERSED' WHERE id = ?", refund["id"])
        _done(store, request, "reversal", {"refundId": refund["id"]})
    return {"refundId": refund["id"], "status": "REVERSED"}


def close_account(store: Store, request: Request, _: Row) -> Row:
    account = _found(store, "customers", "ACCOUNT_NOT_FOUND", request)
    at = account["closed_at"]
    if account["status"] != "CLOSED":
        at = _done(store, request, "closure", {"accountId": account["id"]})
        sql = "UPDATE customers SET status = 'CLOSED', closed_at = ? WHERE id = ?"
        store.run(sql, at, account["id"])
    return {"accountId": account["id"], "status": "CLOSED", "closedAt": at}


def cancel(store: Store, request: Request, _: Row) -> Row:
    return _set_subscription(store, request, "cancellation", "CANCELLED")


def reactivate(store: Store, request: Request, _: Row) -> Row:
    return _set_subscription(store, request, "reactivation", "ACTIVE")


def _set_subscription(store: Store, request: Request, kind: str, status: str) -> Row:
    held = _found(store, "subscriptions", "SUBSCRIPTION_NOT_FOUND", request)
    if held["status"] != status:
        store.run("UPDATE subscriptions SET status = ? WHERE id = ?", status, held["id"])
        _done(store, request, kind, {"subscriptionId": held["id"]})
    return {"subscriptionId": held["id"], "plan": held["plan"], "status": status}


# What they share


def _endpoint(store: Store, handle: Handle) -> Callable[[Request], object]:
    """An endpoint whose every request is one transaction."""

    async def endpoint(request: Request) -> Response:
        try:
            body = await _body(request)
            with store:
                return JSONResponse(handle(store, request, body))
        except RefusalError as refusal:
            return JSONResponse(refusal.body, refusal.status)
        except (KeyError, TypeError, ValueError):
            told = {"code": "BAD_REQUEST", "detail": "A field is missing or of a wrong type."}
            return JSONResponse(told, 400)

    return endpoint


def once(handle: Handle) -> Handle:
    """Answer a known Idempotency-Key with its first answer.

    The effect and the stored answer are one transaction, so neither is there without the other.
    """

    def keyed(store: Store, request: Request, body: Row) -> Row:
        key = request.headers.get("idempotency-key")
        if key is None:
            return handle(store, request, body)
        asked = json.dumps([request.url.path, body], sort_keys=True)
        known = store.one("SELECT * FROM answers WHERE key = ?", key)
        if known and known["request"] != asked:
            raise RefusalError(409, "KEY_REUSED", "The key belongs to another request.")
        if known:
            return dict(json.loads(known["body"]))
        answer = handle(store, request, body)
        store.run("INSERT INTO answers VALUES (?, ?, ?)", key, asked, json.dumps(answer))
        return answer

    return keyed


async def _body(request: Request) -> Row:
    if request.method == "GET":
        return {}
    try:
        body = json.loads(await request.body())
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise RefusalError(400, "BAD_REQUEST", "Send a JSON object.")
    return body


def _found(store: Store, table: str, code: str, request: Request) -> Row:
    sql = f"SELECT * FROM {table} WHERE id = ?"  # noqa: S608 - a name of this code
    row = store.one(sql, request.path_params["id"])
    if row is None:
        raise RefusalError(404, code, "There is no such thing here.")
    return row


def _customer(store: Store, customer_id: str) -> Row:
    return store.one("SELECT * FROM customers WHERE id = ?", customer_id) or {}


def _refunded(store: Store, order_id: str) -> int:
    sql = "SELECT coalesce(sum(cents), 0) AS n FROM refunds WHERE order_id = ? AND status = 'PAID'"
    return int((store.one(sql, order_id) or {"n": 0})["n"])


def _done(store: Store, request: Request, kind: str, payload: Row) -> str:
    return store.record_effect(kind, request.headers.get("idempotency-key"), payload)
