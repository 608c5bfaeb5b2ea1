"""The money of several requests, added up before they are decided together."""

from gateway.model.json import JsonObject
from gateway.surfaces.console.arguments import rows_of
from gateway.surfaces.console.contracts_in_brief import ContractInBrief
from gateway.surfaces.console.inbox.requests import Request
from gateway.surfaces.console.inbox.sums import sums_of


def asking(number: int, arguments: JsonObject) -> Request:
    named = {"executionId": f"exec_{number}", "stepId": "pay", "approvalId": f"apr_{number}"}
    asked = {**named, "arguments": arguments}
    contract = ContractInBrief("shop.pay@1.0.0", "Pay")
    return Request(asked, contract, rows_of(arguments), rules=(), around=None, hurries=False)


def added(*arguments: JsonObject) -> list[tuple[str, str, int]]:
    requests = [asking(number, one) for number, one in enumerate(arguments)]
    return [(one.name, one.text, one.requests) for one in sums_of(requests)]


def test_what_is_paid_is_not_added_to_what_it_is_paid_of() -> None:
    paid = {"amount": 10, "orderTotal": 900, "currency": "EUR"}
    assert added(paid, {**paid, "amount": 2.5}) == [
        ("amount", "12.50 EUR", 2),
        ("orderTotal", "1,800.00 EUR", 2),
    ]


def test_each_currency_stands_by_itself() -> None:
    euros, dollars = ({"amount": 10, "currency": code} for code in ("EUR", "USD"))
    assert added(euros, dollars, euros) == [("amount", "20.00 EUR", 2), ("amount", "10.00 USD", 1)]


def test_no_amount_below_zero_hides_how_much_the_others_are() -> None:
    much, back, little = ({"amount": n, "currency": "EUR"} for n in (5000, -4900, 1))
    assert added(much, back, little) == [
        ("amount", "5,001.00 EUR", 2),
        ("amount", "-4,900.00 EUR", 1),
    ]


def test_the_amounts_of_a_list_are_those_of_one_argument() -> None:
    assert added({"lines": [{"price": 1}, {"price": 2}]}) == [("lines.price", "3.00", 1)]


def test_requests_whose_amount_nobody_sees_are_not_counted() -> None:
    unseen: list[JsonObject] = [{"amount": {"$from": "look.amount"}}, {"amount": "•••"}]
    assert added({"amount": 5}, *unseen) == [("amount", "5.00", 1)]


def test_amounts_are_added_up_that_no_page_has_room_for() -> None:
    lines = [{"name": f"n-{n}", "iban": f"i-{n}", "amount": 10} for n in range(50)]
    assert added({"payments": lines}) == [("payments.amount", "500.00", 1)]


def test_amounts_in_a_list_are_in_the_currency_that_stands_beside_the_list() -> None:
    euros, dollars = ({"currency": code, "lines": [{"amount": 10}]} for code in ("EUR", "USD"))
    assert added(euros, dollars, euros) == [
        ("lines.amount", "20.00 EUR", 2),
        ("lines.amount", "10.00 USD", 1),
    ]
