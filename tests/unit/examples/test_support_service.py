"""The example service as a real process, called through the shipped contracts."""

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.actions import ActionRunner, HttpActions, PythonActions, check_handlers
from gateway.contracts import Registry, pii_of
from gateway.model.action import ActionCall, Answered, Declined, Unknown
from gateway.model.contract import Risk
from tests.forking import Forked
from tests.loaded import load_contracts
from tests.processes import HTTP

ROOT = Path(__file__).resolve().parents[3]
TLS = httpx.create_ssl_context()
REFUND = {"amount": 10.0, "currency": "EUR", "customerEmail": "bob@example.com"}


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_contracts([ROOT / "schema" / "support"])


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    db = tmp_path_factory.mktemp("support") / "support.db"
    command = [sys.executable, "-m", "examples.support_service", "--port", "0", "--db", str(db)]
    process = Forked(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    said, _, url = line.rpartition(" ")
    assert said == "support service listening on"
    assert url.startswith("http://127.0.0.1:")
    yield url
    process.terminate()
    process.wait(10)
    process.stdout.close()


class Desk:
    """Calls contracts at the service, and asks it what has happened."""

    def __init__(self, registry: Registry, url: str) -> None:
        self.registry = registry
        self.url = url

    def call(self, key: str, given: dict[str, Any], idempotency_key: str = "", **more: Any) -> Any:
        contract = self.registry.resolve(key)
        assert contract is not None
        checked = self.registry.input_of(contract).check(given)

        async def scenario() -> Any:
            origins = {"http://support.internal": self.url}
            http = HttpActions(hosts=["127.0.0.1:*"], origins=origins, tls=TLS)
            runner = ActionRunner(http, PythonActions())
            assert check_handlers(self.registry.operations.values(), runner) == []
            timeout = more.get("timeout", 60.0)
            call = ActionCall(contract, checked, idempotency_key or "fresh", timeout)
            try:
                return await runner.perform(call)
            finally:
                await runner.close()

        return asyncio.run(scenario())

    def answer(self, key: str, given: dict[str, Any], idempotency_key: str = "") -> Any:
        outcome = self.call(key, given, idempotency_key)
        assert isinstance(outcome, Answered)
        contract = self.registry.resolve(key)
        assert contract is not None
        return self.registry.output_of(contract).check(outcome.output)

    def effects(self, kind: str) -> list[Any]:
        found: list[Any] = HTTP.get(f"{self.url}/effects", params={"kind": kind}).json()["effects"]
        return found

    def fault(self, path: str, mode: str, **more: Any) -> None:
        body = {"path": path, "mode": mode, **more}
        HTTP.post(f"{self.url}/_faults", json=body).raise_for_status()

    def clear(self) -> None:
        HTTP.delete(f"{self.url}/_faults").raise_for_status()


@pytest.fixture
def desk(registry: Registry, service: str) -> Iterator[Desk]:
    made = Desk(registry, service)
    yield made
    made.clear()


def test_the_support_contracts_say_what_the_design_asks(registry: Registry) -> None:
    risks = {key.removeprefix("support."): c.risk for key, c in by_key(registry).items()}
    assert risks == {
        "account.close": Risk.CRITICAL,
        "customer.reply": Risk.LOW,
        "order.lookup": Risk.LOW,
        "refund.issue": Risk.HIGH,
        "refund.reverse": Risk.HIGH,
        "subscription.cancel": Risk.MEDIUM,
        "subscription.reactivate": Risk.MEDIUM,
        "ticket.read": Risk.LOW,
    }
    assert not by_key(registry)["support.customer.reply"].repeatable
    assert by_key(registry)["support.refund.issue"].repeatable
    assert "customerEmail" in pii_of(by_key(registry)["support.ticket.read"], "output")
    assert all(contract.meta.goal and contract.meta.context for contract in all_of(registry))


def by_key(registry: Registry) -> dict[str, Any]:
    return {contract.key: contract for contract in registry.operations.values()}


def all_of(registry: Registry) -> list[Any]:
    return [*registry.operations.values(), *registry.events.values()]


def test_tickets_and_orders_are_read(desk: Desk) -> None:
    ticket = desk.answer("support.ticket.read", {"ticketId": "t-1"})
    assert ticket["orderId"] == "o-1001"
    assert ticket["customerEmail"] == "alice@example.com"
    order = desk.answer("support.order.lookup", {"orderId": ticket["orderId"]})
    assert (order["amount"], order["currency"], order["refunded"]) == (250.0, "EUR", 0.0)


def test_a_ticket_may_have_neither_order_nor_address(desk: Desk) -> None:
    ticket = desk.answer("support.ticket.read", {"ticketId": "t-3"})
    assert ticket.get("customerEmail") is None
    assert ticket.get("orderId") is None


@pytest.mark.parametrize(
    ("key", "given", "code", "status"),
    [
        ("support.ticket.read", {"ticketId": "t-0"}, "TICKET_NOT_FOUND", 404),
        ("support.order.lookup", {"orderId": "o/0"}, "ORDER_NOT_FOUND", 404),
        ("support.order.lookup", {"orderId": "o-0"}, "ORDER_NOT_FOUND", 404),
        ("support.refund.issue", {"orderId": "o-0", **REFUND}, "ORDER_NOT_FOUND", 404),
        (
            "support.refund.issue",
            {"orderId": "o-1002", **REFUND, "amount": 19.91},
            "REFUND_EXCEEDS_PAYMENT",
            409,
        ),
        (
            "support.refund.issue",
            {"orderId": "o-1002", **REFUND, "amount": -1},
            "REFUND_EXCEEDS_PAYMENT",
            409,
        ),
        (
            "support.refund.issue",
            {"orderId": "o-1002", **REFUND, "amount": 1e308},
            "REFUND_EXCEEDS_PAYMENT",
            409,
        ),
        ("support.refund.issue", {"orderId": "o-1003", **REFUND}, "CURRENCY_MISMATCH", 422),
        ("support.refund.reverse", {"refundId": "r-0"}, "REFUND_NOT_FOUND", 404),
        ("support.subscription.cancel", {"subscriptionId": "s-0"}, "SUBSCRIPTION_NOT_FOUND", 404),
    ],
)
def test_declared_errors_come_as_declared(
    desk: Desk, key: str, given: dict[str, Any], code: str, status: int
) -> None:
    before = len(desk.effects("refund"))
    outcome = desk.call(key, given)
    assert isinstance(outcome, Declined)
    assert (outcome.code, outcome.status) == (code, status)
    assert len(desk.effects("refund")) == before


def test_a_refund_of_one_key_happens_once_and_can_be_reversed(desk: Desk) -> None:
    before = len(desk.effects("refund"))
    given = {"orderId": "o-1004", **REFUND}
    first = desk.answer("support.refund.issue", given, "key-refund")
    assert first["status"] == "PAID"
    assert desk.answer("support.refund.issue", given, "key-refund") == first
    (effect,) = desk.effects("refund")[before:]
    assert (effect["key"], effect["payload"]["cents"]) == ("key-refund", 1000)

    headers = {"Idempotency-Key": "key-refund"}
    reused = HTTP.post(
        f"{desk.url}/orders/o-1004/refunds", json={**REFUND, "amount": 11.0}, headers=headers
    )
    assert (reused.status_code, reused.json()["code"]) == (409, "KEY_REUSED")
    assert len(desk.effects("refund")) == before + 1

    undo = {"refundId": first["refundId"]}
    assert desk.answer("support.refund.reverse", undo, "key-undo")["status"] == "REVERSED"
    assert desk.answer("support.order.lookup", {"orderId": "o-1004"})["refunded"] == 0.0


def test_refunds_of_different_keys_add_up_to_the_payment_at_most(desk: Desk) -> None:
    given = {"orderId": "o-1002", **REFUND, "amount": 15}
    refund = desk.answer("support.refund.issue", given, "key-part-1")
    assert desk.call("support.refund.issue", given, "key-part-2").code == "REFUND_EXCEEDS_PAYMENT"
    desk.answer("support.refund.reverse", {"refundId": refund["refundId"]}, "key-part-3")


def test_each_reply_is_one_more_message_even_with_the_same_key(desk: Desk) -> None:
    before = len(desk.effects("reply"))
    given = {"ticketId": "t-1", "body": "It is on its way."}
    first = desk.answer("support.customer.reply", given, "key-reply")
    second = desk.answer("support.customer.reply", given, "key-reply")
    assert first["replyId"] != second["replyId"]
    assert [effect["key"] for effect in desk.effects("reply")[before:]] == [None, None]


def test_subscriptions_and_accounts_change_once(desk: Desk) -> None:
    held = {"subscriptionId": "s-1"}
    for n in range(2):
        answer = desk.answer("support.subscription.cancel", held, f"key-cancel-{n}")
        assert answer["status"] == "CANCELLED"
    assert len(desk.effects("cancellation")) == 1
    answer = desk.answer("support.subscription.reactivate", held, "key-reactivate")
    assert answer["status"] == "ACTIVE"

    given = {"accountId": "c-3", "customerEmail": "x@example.com", "reason": "CUSTOMER_REQUEST"}
    closed = desk.answer("support.account.close", given, "key-close-1")
    assert desk.answer("support.account.close", given, "key-close-2") == closed
    assert len(desk.effects("closure")) == 1


@pytest.mark.parametrize("after_effect", [False, True])
@pytest.mark.parametrize("mode", ["500", "503", "cut", "garbage"])
def test_a_fault_leaves_the_outcome_unknown_and_the_key_keeps_the_effect_single(
    desk: Desk, mode: str, after_effect: bool
) -> None:
    before = len(desk.effects("refund"))
    key = f"key-{mode}-{after_effect}"
    given = {"orderId": "o-1004", **REFUND}
    desk.fault("/orders/*/refunds", mode, after_effect=after_effect)
    outcome = desk.call("support.refund.issue", given, key)
    # A success that cannot be read did happen; it is the caller who must not repeat it.
    assert outcome == Answered(None) if mode == "garbage" else isinstance(outcome, Unknown)
    assert len(desk.effects("refund")) == before + after_effect
    desk.answer("support.refund.issue", given, key)
    assert len(desk.effects("refund")) == before + 1


@pytest.mark.parametrize("after_effect", [False, True])
def test_a_slow_service_leaves_the_outcome_unknown(desk: Desk, after_effect: bool) -> None:
    before = len(desk.effects("reply"))
    given = {"ticketId": "t-2", "body": "Tomorrow."}
    for seconds in (0.15, 0.6, 2.4, 9.6):  # the first that is enough to send it
        desk.fault("/tickets/t-2/replies", "hold", after_effect=after_effect)
        outcome = desk.call("support.customer.reply", given, timeout=seconds)
        if not isinstance(outcome, Declined):
            break
        assert len(desk.effects("reply")) == before
        desk.clear()
    assert isinstance(outcome, Unknown)
    assert len(desk.effects("reply")) == before + after_effect


def test_a_request_that_arrives_twice_has_one_effect_only_with_a_key(desk: Desk) -> None:
    before = {kind: len(desk.effects(kind)) for kind in ("refund", "reply")}
    for path in ("/orders/*/refunds", "/tickets/*/replies"):
        desk.fault(path, "twice")
    desk.answer("support.refund.issue", {"orderId": "o-1004", **REFUND}, "key-twice")
    desk.answer("support.customer.reply", {"ticketId": "t-2", "body": "Hello."}, "key-twice-too")
    assert len(desk.effects("refund")) == before["refund"] + 1
    assert len(desk.effects("reply")) == before["reply"] + 2


def test_faults_end_after_their_times_and_can_be_cleared(desk: Desk) -> None:
    desk.fault("/orders/*", "500", times=2)
    statuses = [HTTP.get(f"{desk.url}/orders/o-1001").status_code for _ in range(3)]
    assert statuses == [500, 500, 200]
    desk.fault("/orders/*", "503", times=9)
    assert HTTP.get(f"{desk.url}/orders/o-1001").status_code == 503
    desk.clear()
    assert HTTP.get(f"{desk.url}/orders/o-1001").status_code == 200


@pytest.mark.parametrize("body", [b"", b"[]", b'{"mode": "500"}', b'{"path": "/", "mode": "odd"}'])
def test_a_malformed_fault_is_refused(service: str, body: bytes) -> None:
    assert HTTP.post(f"{service}/_faults", content=body).status_code == 400


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"amount": "x", "currency": "EUR"}'])
def test_a_malformed_request_is_refused_and_changes_nothing(desk: Desk, body: bytes) -> None:
    before = len(desk.effects("refund"))
    answer = HTTP.post(f"{desk.url}/orders/o-1004/refunds", content=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "BAD_REQUEST")
    assert len(desk.effects("refund")) == before


def test_effects_are_counted_by_kind(desk: Desk) -> None:
    desk.answer("support.customer.reply", {"ticketId": "t-1", "body": "Hello."})
    told = HTTP.get(f"{desk.url}/effects").json()
    assert told["count"] == len(told["effects"]) == sum(told["counts"].values())
    assert told["counts"]["reply"] == len(desk.effects("reply"))


def test_the_data_outlives_the_process(tmp_path: Path) -> None:
    from examples.support_service.store import Store

    file = tmp_path / "support.db"
    with Store(file) as store:
        store.record_effect("reply", None, {"a": 1})
    with Store(file) as store:
        assert len(store.all("SELECT * FROM effects")) == 1
        assert len(store.all("SELECT * FROM orders")) == 4
    with closing(sqlite3.connect(file)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
