"""What explanations are made of: parts of conditions, numbers tried, the nearest rules, bounds."""

from dataclasses import replace

import pytest

from gateway.model.contract import PythonHandler
from gateway.model.decision import Verdict
from gateway.policy.engine.roles import ANYWHERE
from gateway.policy.explaining.bounds import compared, regions
from gateway.policy.explaining.condition_parts import parts_of
from gateway.policy.explaining.explain import explain
from gateway.policy.explaining.explanation import (
    MAX_MATCHED,
    MAX_NEAREST,
    Bounds,
    GapKind,
    NeedKind,
)
from gateway.policy.explaining.request import Request
from gateway.policy.rules.conditions import Arguments
from gateway.policy.rules.grammar import parse_condition
from gateway.policy.rules.rows import Row
from tests.unit.policy.conftest import SHIPPED, LoadWith, MakeContract, MakePrincipal

ACTION = PythonHandler("shop:ship")


def failing(
    text: str, values: dict[str, object], unknown: frozenset[str] = frozenset()
) -> list[str]:
    return [part.text for part, _ in parts_of(text).failing(Arguments(values, unknown))]


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("amount <= 100", {"amount": 250}, ["amount <= 100"]),
        (
            "amount <= 100 && currency == 'EUR'",
            {"amount": 250, "currency": "EUR"},
            ["amount <= 100"],
        ),
        (
            "has(note) && (amount <= 100 && !(currency in ['EUR', ')']))",
            {"amount": 250, "currency": "EUR"},
            ["has(note)", "amount <= 100", "!(currency in ['EUR', ')'])"],
        ),
        ("amount < 5 || amount > 9", {"amount": 7}, ["amount < 5 || amount > 9"]),
        ("startsWith(note, 'a && (b')", {"note": "x"}, ["startsWith(note, 'a && (b')"]),
        ("((amount != 1))", {"amount": 1}, ["amount != 1"]),
        ("amount <= 100", {}, ["amount <= 100"]),
        ("amount <= 100", {"amount": 3}, []),
    ],
)
def test_the_smallest_parts_that_fail_are_found(
    text: str, values: dict[str, object], expected: list[str]
) -> None:
    assert failing(text, values) == expected


@pytest.mark.parametrize(
    "text",
    [
        "true",
        "!!(a > 1)",
        "!" * 901 + "b",
        "!(!!(" * 8 + "! !b" + "))" * 8,
        "!(a > 1) && !b",
        "(a > 1) && (b)",
        "len(a) > 2 || (a in ['(', '||'])",
    ],
)
def test_a_condition_and_its_parts_say_the_same(text: str) -> None:
    part = parts_of(text)
    assert part.condition.reads == parse_condition(text).reads
    for values in ({"a": 3, "b": True}, {"a": 1, "b": False}, {"a": "xyz"}, {}):
        outcome = parse_condition(text).outcome(Arguments(values))
        assert part.condition.outcome(Arguments(values)) == outcome
        assert (failing(text, values) == []) is (outcome is True)


def test_numbers_that_arguments_are_compared_with_are_found() -> None:
    texts = ["a > 1 && (b.c <= 2.5 || !(3 == a))", "len(a) > 7", "a in [1, 2]", "-4 < b.c"]
    assert compared(texts) == {"a": {1.0, 3.0}, "b.c": {2.5, -4.0}}


def test_the_line_is_cut_where_something_may_change() -> None:
    samples = [one.sample for one in regions({1, 3}, whole=False)]
    assert samples == [0, 1, 2, 3, 4]
    whole = regions({1, 2, 2.5}, whole=True)
    assert [one.sample for one in whole] == [0, 1, 2, 3]  # none between 1 and 2, none at 2.5


def everybody(_: Row) -> bool:
    return True


RULES = """
g, admin, user, *
g, user:tina, clerk, acme
p, user, *, *, call, allow
"""


def test_bounds_say_what_really_changes_the_verdict(
    load_with: LoadWith, contract: MakeContract, principal: MakePrincipal
) -> None:
    ship = replace(contract(given={"amount": "Float!"}), handler=ACTION)
    rules = """
p, 10, *, *, *, *, amount >= 1000, blocked, -, -, -, -
p, 20, *, *, *, *, amount > 20 && amount < 30, autonomous, -, -, -, -
p, 30, *, *, *, *, true, assist, boss, 2, 1h, -
"""
    revision = load_with(ship, access_csv=RULES, verdict_csv=rules).current
    request = Request(revision, principal("user"), ship, {"amount": 1000})
    found = explain(request, everybody)
    assert found.verdict is not None
    assert found.verdict.verdict is Verdict.BLOCKED
    assisted, alone = found.required
    assert assisted.needs[0].bounds == Bounds(at_least=30, below=1000)
    assert (assisted.needs[1].name, assisted.needs[1].quorum) == ("boss", 2)
    assert alone.needs[0].bounds == Bounds(above=20, below=30)
    assert alone.needs[0].message == "amount above 20 and below 30"


def test_what_lacks_least_comes_first_and_it_stays_bounded(
    load_with: LoadWith, contract: MakeContract, principal: MakePrincipal
) -> None:
    ship = contract()
    far = "".join(f"p, far{n}, beta, shop.*, call, allow\n" for n in range(90))
    access = f"{far}p, near, acme, shop.*, call, allow\np, user:bob, *, shop.*, call, allow\n"
    revision = load_with(ship, access_csv=access).current
    found = explain(Request(revision, principal("user"), ship), everybody)
    assert len(found.nearest) == MAX_NEAREST
    assert [gap.kind for gap in found.nearest[0].gaps] == [GapKind.ROLE]
    assert [gap.kind for gap in found.nearest[1].gaps] == [GapKind.USER]
    assert [gap.kind for gap in found.nearest[2].gaps] == [GapKind.WORKSPACE, GapKind.ROLE]
    assert [need.name for way in found.required for need in way.needs] == ["near"]
    mine = explain(
        Request(revision, principal("user"), ship), lambda row: row["dom"] in (ANYWHERE, "acme")
    )
    assert [len(one.gaps) for one in mine.nearest] == [1, 1]


def test_many_matched_rules_are_cut_and_it_says_so(
    load_with: LoadWith, contract: MakeContract, principal: MakePrincipal
) -> None:
    ship = contract()
    many = "".join(f"p, role{n}, *, shop.*, call, allow\n" for n in range(80))
    revision = load_with(ship, access_csv=f"{many}p, last, *, *, call, deny\n").current
    who = principal("last", *(f"role{n}" for n in range(80)))
    found = explain(Request(revision, who, ship), everybody)
    assert not found.is_whole
    access = [one for one in found.matched if one.model == "access"]
    assert len(access) == MAX_MATCHED
    assert (access[0].effect, access[0].decides) == ("deny", True)
    assert [need.kind for way in found.required for need in way.needs] == [NeedKind.RULE]


def test_a_matcher_of_a_deployment_is_never_contradicted(
    load_with: LoadWith, contract: MakeContract, principal: MakePrincipal
) -> None:
    """Here rules of a workspace hold for everybody who is not of it, too, if the contract fits."""
    ship = contract()
    model = (SHIPPED / "access.conf").read_text()
    loose = model.replace("domain(r.dom, p.dom)", '(domain(r.dom, p.dom) || p.dom == "beta")')
    assert loose != model
    rules = "p, clerk, beta, shop.order.ship, call, allow\n"
    revision = load_with(ship, access_csv=rules, access_conf=loose).current
    found = explain(Request(revision, principal("clerk"), ship), everybody)
    assert found.access.allowed
    assert [one.rule for one in found.matched if one.decides] == [found.access.rule]


def test_values_are_shown_only_if_they_were_given_and_plain(
    load_with: LoadWith, contract: MakeContract, principal: MakePrincipal
) -> None:
    ship = replace(contract(given={"note": "String!", "tags": "[String!]!"}), handler=ACTION)
    rules = "p, 1, *, *, *, *, note == 'x' && len(tags) > 5, autonomous, -, -, -, -"
    revision = load_with(ship, access_csv=RULES, verdict_csv=rules).current
    values = {"note": "n" * 500, "tags": ["secret"], "other": "secret"}
    found = explain(Request(revision, principal("user"), ship, values), everybody)
    note, tags = found.nearest[0].gaps
    assert (note.arguments, tags.arguments) == (("note",), ("tags",))
    assert note.given == {"note": "n" * 200 + "..."}
    assert tags.given is None
    assert "secret" not in str(found.nearest)
