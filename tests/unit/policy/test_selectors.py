"""Selectors: which contracts a rule speaks of."""

import time
from collections.abc import Callable

import pytest

from gateway.model.contract import AuthLevel, Kind, OperationContract, Risk
from gateway.policy.rules.selectors import glob, parse_selector

MakeContract = Callable[..., OperationContract]


@pytest.mark.parametrize(
    ("text", "selected"),
    [
        ("*", True),
        ("shop.refund.issue", True),
        ("shop.refund.issue?", True),
        ("shop.refund.issue@2.1.0", True),
        ("shop.refund.issue@2.0.0", False),
        ("shop.refund", False),
        ("shop.*", True),
        ("*.issue", True),
        ("shop.*.issue", True),
        ("shop.*@2.*", True),
        ("shop.*@1.*", False),
        ("sho.*", False),
        ("shopXrefund*", False),
        ("auth:admin", True),
        ("auth:user", False),
        ("tag:money", True),
        ("tag:mon", False),
        ("risk:high", True),
        ("risk:low", False),
        ("capability:shop.core", True),
        ("capability:shop.core@1.0.0", True),
        ("capability:shop.core@2.0.0", False),
        ("domain:shop", True),
        ("domain:support", False),
        ("kind:query", True),
        ("kind:command", False),
    ],
)
def test_a_selector_selects(contract: MakeContract, text: str, selected: bool) -> None:
    issue = contract(
        "shop.refund.issue",
        version="2.1.0",
        auth=AuthLevel.ADMIN,
        tags=["money"],
        risk=Risk.HIGH,
        kind=Kind.QUERY,
    )
    assert parse_selector(text).selects(issue) is selected


@pytest.mark.parametrize(
    "text",
    ["", "?", "auth:root", "risk:huge", "kind:event", "lvl:user", "tag:", "tag:a b", "a b", "x*?"],
)
def test_what_selects_nothing_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"none of|selects no contract|needs a plain name"):
        parse_selector(text)


def test_an_exact_selector_names_its_contract() -> None:
    plain, optional = parse_selector("a.b@1.0.0"), parse_selector("a.b?")
    assert (plain.exact, plain.optional) == ("a.b@1.0.0", False)
    assert (optional.exact, optional.optional) == ("a.b", True)
    assert parse_selector("a.*").exact == ""


def test_a_pattern_takes_everything_but_the_star_literally() -> None:
    assert glob("input.a.*")("input.a.b.c")
    assert not glob("input.a.*")("inputXa.b")
    assert not glob("a[bc]")("ab")


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("**", "", True),
        ("a**b", "ab", True),
        ("ab*ba", "aba", False),
        ("a*b*c", "a-b-b-c", True),
        ("a*b*c", "a-c-b", False),
        ("*b*b*", "abc", False),
        ("*b*b*", "abbc", True),
        ("a", "a\n", False),
    ],
)
def test_a_pattern_matches_the_whole_text(pattern: str, text: str, matches: bool) -> None:
    assert glob(pattern)(text) is matches


@pytest.mark.parametrize("pattern", ["*" * 400 + "!", "*a" * 200 + "!", "a*" * 200 + "!"])
def test_no_pattern_takes_long(pattern: str) -> None:
    """A pattern of many stars would take a naive match longer than anybody waits."""
    began = time.process_time()
    assert not glob(pattern)("a" * 400)
    assert time.process_time() - began < 0.5
