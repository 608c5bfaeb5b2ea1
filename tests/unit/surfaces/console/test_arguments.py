"""Arguments in rows: what is money, what is personal, what is masked, and the bounds."""

from decimal import Decimal
from typing import Any

import pytest

from gateway.surfaces.console.arguments import MAX_ROWS, Kind, money, rows_of


def shown(value: dict[str, Any], *pii: str) -> list[tuple[str, str, str]]:
    return [(row.name, row.text, row.kind.value) for row in rows_of(value, pii)]


def test_an_amount_is_told_with_its_currency() -> None:
    assert shown({"amount": 1250.5, "currency": "EUR", "orderId": "o-1"}) == [
        ("amount", "1,250.50 EUR", "money"),
        ("orderId", "o-1", "plain"),
    ]


def test_each_object_has_its_own_currency() -> None:
    value = {"fees": [{"fee": 1, "currency": "EUR"}, {"fee": 2, "currency": "USD"}], "total": 3}
    assert shown(value) == [
        ("fees[0].fee", "1.00 EUR", "money"),
        ("fees[1].fee", "2.00 USD", "money"),
        ("total", "3.00", "money"),
    ]


def test_amounts_inside_are_in_the_currency_that_stands_around_them() -> None:
    lines = [{"price": 1, "tax": {"fee": 2}}, {"price": 3, "currency": "USD"}]
    assert shown({"currency": "EUR", "lines": lines}) == [
        ("currency", "EUR", "plain"),
        ("lines[0].price", "1.00 EUR", "money"),
        ("lines[0].tax.fee", "2.00 EUR", "money"),
        ("lines[1].price", "3.00 USD", "money"),
    ]


def test_of_two_currencies_around_an_amount_none_is_taken() -> None:
    value = {"fromCurrency": "EUR", "toCurrency": "USD", "lines": [{"price": 1}]}
    assert shown(value)[-1] == ("lines[0].price", "1.00", "money")


@pytest.mark.parametrize("order", [1, -1])
def test_an_amount_among_several_currencies_is_in_the_one_of_its_name(order: int) -> None:
    value = {"amount": 250, "currency": "EUR", "feeAmount": 2, "feeCurrency": "USD"}
    rows = shown(dict(list(value.items())[::order]))
    assert sorted(rows) == [
        ("amount", "250.00 EUR", "money"),
        ("currency", "EUR", "plain"),
        ("feeAmount", "2.00 USD", "money"),
        ("feeCurrency", "USD", "plain"),
    ]
    unnamed = {"sourceCurrency": "JPY", "targetCurrency": "KWD", "amount": 250}
    assert shown(unnamed)[-1] == ("amount", "250.00", "money")
    twice = {"amount": 250, "currency": "EUR", "Currency": "JPY"}
    assert shown(twice)[0] == ("amount", "250.00", "money")


@pytest.mark.parametrize("value", [True, "12", None])
def test_what_is_no_number_is_no_money(value: object) -> None:
    assert rows_of({"amount": value})[0].kind is Kind.PLAIN


def test_a_currency_without_an_amount_is_shown() -> None:
    assert shown({"currency": "EUR"}) == [("currency", "EUR", "plain")]
    assert shown({"amount": 1, "currency": "euros"})[1] == ("currency", "euros", "plain")


@pytest.mark.parametrize(
    ("amount", "said"),
    [("0", "0.00 EUR"), ("0.1", "0.10 EUR"), ("-5", "-5.00 EUR"), ("1E+3", "1,000.00 EUR"),
     ("0.000001", "0.000001 EUR"), ("12.3456", "12.3456 EUR")],
)  # fmt: skip
def test_an_amount_is_told_exactly(amount: str, said: str) -> None:
    assert money(Decimal(amount), "EUR") == said


def test_personal_data_is_marked_in_lists_and_objects_too() -> None:
    value = {"people": [{"email": "a@b.example", "id": 1}], "who": {"name": "Ada"}}
    assert shown(value, "people.email", "who") == [
        ("people[0].email", "a@b.example", "person"),
        ("people[0].id", "1", "plain"),
        ("who.name", "Ada", "person"),
    ]


@pytest.mark.parametrize(
    ("text", "masked"), [("•••@•••", True), ("hash:12ab", True), ("plain", False), ("", False)]
)
def test_a_mask_is_told_as_one(text: str, masked: bool) -> None:
    assert rows_of({"x": text})[0].masked is masked


def test_what_comes_from_another_step_says_so() -> None:
    assert shown({"to": {"$from": "order.customerEmail"}}) == [
        ("to", "from order.customerEmail", "flows")
    ]


def test_nothing_and_emptiness_are_told() -> None:
    assert rows_of(None) == rows_of({}) == []
    assert [row.text for row in rows_of({"a": None, "b": [], "c": {}, "d": False})] == [
        "nothing", "empty", "empty", "no",
    ]  # fmt: skip


def test_much_is_cut_and_says_so() -> None:
    (long,) = rows_of({"x": "y" * 1_000})
    assert (len(long.text), long.rest) == (400, 600)
    many = rows_of({str(n): n for n in range(500)})
    assert len(many) == MAX_ROWS + 1
    assert "More than" in many[-1].text
    deep: dict[str, Any] = {"x": 1}
    for _ in range(200):
        deep = {"x": deep}
    assert rows_of(deep)[0].text == "…"
