"""The condition language: what it reads, what it decides, and what it refuses."""

import pytest

from gateway.policy.rules.conditions import Arguments, Failed, Outcome, Undecided
from gateway.policy.rules.grammar import ConditionSyntaxError, parse_condition

ARGUMENTS = {
    "amount": 100,
    "price": 9.5,
    "currency": "EUR",
    "express": True,
    "tags": ["vip", "old"],
    "customer": {"name": "Ada", "age": None},
    "note": None,
}


def outcome(text: str, *unknown: str) -> Outcome:
    return parse_condition(text).outcome(Arguments(ARGUMENTS, frozenset(unknown)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("true", True),
        ("false", False),
        ("amount > 99", True),
        ("amount >= 100", True),
        ("amount < 100", False),
        ("amount <= 100.0", True),
        ("amount != 100", False),
        ("100 == amount", True),
        ("-1 < amount", True),
        ("price < amount", True),
        ("currency == 'EUR'", True),
        ('currency == "USD"', False),
        ("currency in ['USD', 'EUR']", True),
        ("amount in [1, 2]", False),
        ("'vip' in tags", True),
        ("currency in tags", False),
        ("len(tags) == 2", True),
        ("len(currency) > 3", False),
        ("express", True),
        ("!express", False),
        ("!!express", True),
        ("express == true", True),
        ("customer.name == 'Ada'", True),
        ("startsWith(currency, 'E')", True),
        ("has(note)", False),
        ("has(customer.age)", False),
        ("has(customer.name)", True),
        ("has(nothing.at.all)", False),
        ("has(note) && note == 'x'", False),
        ("!has(note) || note == 'x'", True),
        ("amount > 1 && price > 1 && !express", False),
        ("amount > 500 || currency == 'EUR'", True),
        ("amount > 500 && currency == 'EUR' || express", True),
        ("amount > 500 && (currency == 'EUR' || express)", False),
        ("currency == 'a && b'", False),
    ],
)
def test_a_condition_on_known_arguments_is_true_or_false(text: str, expected: bool) -> None:
    assert outcome(text) is expected


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("missing > 1", "missing is missing"),
        ("note == 'x'", "note is missing"),
        ("customer.age > 1", "customer.age is missing"),
        ("currency > 1", "currency is no number"),
        ("amount == 'x'", "amount is no string"),
        ("express > 1", "express is no number"),
        ("amount", "amount is no boolean"),
        ("amount == currency", "currency is no number"),
        ("customer == 'x'", "customer is no string"),
        ("customer == tags", "customer is no number, string or boolean"),
        ("currency.code == 'x'", "currency.code does not lie in an object"),
        ("has(currency.code)", "currency.code does not lie in an object"),
        ("'x' in currency", "currency is no list"),
        ("amount in ['x']", "amount is no string"),
        ("len(amount) > 1", "amount is no string or list"),
        ("startsWith(amount, 'x')", "amount is no string"),
        ("!(missing > 1)", "missing is missing"),
        ("missing > 1 || express", "missing is missing"),
        ("express && missing > 1", "missing is missing"),
    ],
)
def test_an_argument_that_does_not_fit_fails_the_condition(text: str, names: str) -> None:
    found = outcome(text)
    assert isinstance(found, Failed)
    assert names in found.why


@pytest.mark.parametrize("number", [float("nan"), float("inf"), 10**400])
def test_a_number_that_json_does_not_have_is_never_silently_small(number: float) -> None:
    found = parse_condition("amount <= 1").outcome(Arguments({"amount": number}))
    assert found is False or isinstance(found, Failed)


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("amount > 1", ("amount",)),
        ("!(amount > 1)", ("amount",)),
        ("has(amount) && amount > 1", ("amount",)),
        ("amount > 1 && express", ("amount",)),
        ("!express || amount > 1", ("amount",)),
        ("customer.name == 'x'", ("customer.name",)),
        ("amount == customer.name", ("amount", "customer.name")),
        ("amount in tags", ("tags", "amount")),
        ("len(tags) > 1 || amount > 1", ("tags", "amount")),
    ],
)
def test_a_condition_that_needs_an_unknown_argument_is_undecided(
    text: str, paths: tuple[str, ...]
) -> None:
    found = outcome(text, "amount", "customer", "tags.0")
    assert found == Undecided(paths)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("amount > 1 && !express", False), ("amount > 1 || express", True), ("express", True)],
)
def test_an_unknown_argument_that_cannot_change_the_outcome_does_not_matter(
    text: str, expected: bool
) -> None:
    assert outcome(text, "amount") is expected


def test_whether_a_failure_is_reached_may_be_undecided() -> None:
    assert outcome("amount > 1 && missing > 1 && !express", "amount") == Undecided(("amount",))
    assert isinstance(outcome("missing > 1 && amount > 1", "amount"), Failed)
    assert isinstance(outcome("amount > missing", "amount"), Failed)


@pytest.mark.parametrize(
    ("text", "column", "says"),
    [
        ("", 1, "expected"),
        ("amount >", 9, "the condition ends"),
        ("amount > 1 &&", 14, "the condition ends"),
        ("amount = 1", 8, "'= 1' is not understood"),
        ("amount > 1 1", 12, "'&&', '||' or the end"),
        ("amount & 1", 8, "not understood"),
        ("(amount > 1", 12, "')'"),
        ("note == null", 9, "has(argument)"),
        ("amount > 'x'", 13, "a number cannot be compared with a string"),
        ("1 == 'x'", 9, "cannot be compared"),
        ("currency in []", 14, "expected"),
        ("currency in ['a', 1]", 21, "of one type"),
        ("currency in [amount]", 20, "a list holds"),
        ("1 in ['a']", 11, "cannot be in a list of strings"),
        ("'x'", 4, "a comparison"),
        ("currency == 'it\\'s'", 13, "not understood"),
        ("startsWith(currency, name)", 26, "a string in quotes"),
        ("__import__('os')", 11, "'&&', '||' or the end"),
        ("amount.__class__ > 1 ; x", 22, "not understood"),
        ("in > 1", 1, "expected"),
        ("1.2.3 > amount", 1, "not understood"),
    ],
)
def test_what_is_no_condition_is_refused_with_its_place(text: str, column: int, says: str) -> None:
    with pytest.raises(ConditionSyntaxError) as refused:
        parse_condition(text)
    assert says in str(refused.value)
    assert refused.value.column == column


@pytest.mark.parametrize(
    "text",
    ["(" * 40 + "true" + ")" * 40, "x" * 1_001, f"a > {'9' * 400}", f"a in [-{'9' * 400}.0]"],
)
def test_a_condition_beyond_the_limits_is_refused(text: str) -> None:
    with pytest.raises(ConditionSyntaxError, match="at most"):
        parse_condition(text)


def test_a_condition_tells_what_it_reads() -> None:
    condition = parse_condition("has(a.b) && a.b > 1 && len(c) > 1 && d in ['x'] && e == f")
    assert {path: set(kinds) for path, kinds in condition.reads.items()} == {
        "a.b": {"value", "number"},
        "c": {"string or list"},
        "d": {"string"},
        "e": {"number, string or boolean"},
        "f": {"number, string or boolean"},
    }
