"""Deciding only reads: arguments and rules stay as they were, whatever is asked in which order."""

import copy
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.contracts import Registry
from gateway.model.contract import AuthLevel, ContractPolicy, Kind, Meta, OperationContract
from gateway.model.principal import Principal, PrincipalType
from gateway.policy import PolicyRevision, build_revision, read_content
from gateway.policy.rules.conditions import Arguments, Failed, Undecided
from gateway.policy.rules.grammar import ConditionSyntaxError, parse_condition

SHIPPED = Path(__file__).parents[2] / "policies"
PAY = OperationContract(
    meta=Meta("shop.pay", "1.0.0", "A title", "A text", "shop"),
    kind=Kind.COMMAND,
    input={},
    output={},
    policy=ContractPolicy(AuthLevel.USER),
    digest="0",
)
WHO = Principal(PrincipalType.AGENT, "agent-7", "acme", frozenset({"user"}))

CONDITIONS = (
    "amount > 100",
    "!(amount <= 100)",
    "has(amount) && amount >= 100",
    "has(deep.amount) && deep.amount in [1, 2, 3]",
    "len(items) > 2",
    "'x' in items",
    "has(text) && startsWith(text, 'a')",
    "flag",
    "!flag || text == 'b'",
    "amount == deep.amount",
)

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-200, 200)
    | st.floats(allow_nan=False)
    | st.text("abx"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["amount", "x"]), inner, max_size=2)
    ),
    max_leaves=4,
)
ARGUMENTS = st.dictionaries(
    st.sampled_from(["amount", "deep", "items", "text", "flag", "__class__"]), VALUES, max_size=5
)
UNKNOWN = st.frozensets(st.sampled_from(["amount", "deep", "deep.amount", "items"]), max_size=2)


@cache
def revision() -> PolicyRevision:
    rows = [
        f'p, {number}, *, *, *, *, "{condition}", assist, approver, 1, 1h, -'
        for number, condition in enumerate(CONDITIONS)
    ]
    rows.append("p, 900, *, *, *, *, true, autonomous, -, -, -, -")
    content = read_content(SHIPPED).replaced({"verdict.csv": "\n".join(rows)})
    return build_revision(content, Registry([PAY]), SHIPPED)


def told(arguments: dict[str, Any], unknown: frozenset[str]) -> tuple[object, ...]:
    """A verdict without the id that makes it unique."""
    decided = revision().verdict(WHO, PAY, arguments, unknown)
    return decided.verdict, decided.reasons, decided.rules, decided.approver_role, decided.quorum


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(ARGUMENTS, UNKNOWN), min_size=1, max_size=4))
def test_a_decision_changes_neither_its_arguments_nor_any_later_decision(
    asked: list[tuple[dict[str, Any], frozenset[str]]],
) -> None:
    before = copy.deepcopy(asked)
    book = revision().book
    first = [told(*one) for one in asked]
    again = [told(*one) for one in reversed(asked)]
    assert asked == before
    shown = [[repr(arguments) for arguments, _ in one] for one in (asked, before)]
    assert shown[0] == shown[1]  # True is not 1 here
    assert again == first[::-1]
    assert revision().book is book


FITTING = st.fixed_dictionaries(
    {},
    optional={
        "amount": st.integers(0, 200),
        "deep": st.fixed_dictionaries({"amount": st.integers(0, 6)}),
        "items": st.lists(st.sampled_from(["x", "a"]), max_size=4),
        "text": st.sampled_from(["a", "b", "x"]),
        "flag": st.booleans(),
    },
)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(CONDITIONS), st.lists(FITTING | ARGUMENTS, min_size=1, max_size=4))
def test_a_condition_remembers_nothing_of_what_it_was_asked(
    text: str, asked: list[dict[str, Any]]
) -> None:
    condition = parse_condition(text)
    for arguments in (*asked, *asked):
        given_ = Arguments(arguments)
        assert condition.outcome(given_) == parse_condition(text).outcome(given_)


SIGNS = (
    *("amount", "deep.amount", "items", "__class__", "true", "'x'", "1", "-2.5", "has", "len"),
    *(
        "in",
        "startsWith",
        "eval",
        "lambda",
        "import",
        "(",
        ")",
        "[",
        "]",
        ",",
        ".",
        "!",
        "&&",
        "||",
    ),
    *("==", ">", "<=", "=", ":", ";", "{", "}", "+", "*", "@", "\\", "\n", " "),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(SIGNS), max_size=9).map(" ".join), ARGUMENTS, UNKNOWN)
def test_whatever_parses_is_answered_and_raises_nothing(
    text: str, arguments: dict[str, Any], unknown: frozenset[str]
) -> None:
    try:
        condition = parse_condition(text)
    except ConditionSyntaxError:
        return
    before = copy.deepcopy(arguments)
    outcome = condition.outcome(Arguments(arguments, unknown))
    assert isinstance(outcome, bool | Undecided | Failed)
    assert arguments == before
    assert not set("=:;{}+*@\\").intersection(text.replace("==", "").replace("<=", ""))
