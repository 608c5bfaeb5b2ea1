"""Problems are told and recorded without the PII of the call that they belong to."""

import json
from urllib.parse import quote

import pytest

from gateway.model import scrubbing
from gateway.model.json import JsonValue, shown_name
from gateway.model.problem import Issue, Problem, problem
from gateway.model.scrubbing import HIDDEN, scrub, values_at

EMAIL = "ada@acme.example"


def told(detail: str, *issues: Issue, **extra: object) -> Problem:
    return problem("CONFLICT", detail, issues=issues, extra=extra or None)


@pytest.mark.parametrize(
    "quoted",
    [EMAIL, EMAIL.upper(), "ada%40acme.example", f'"{EMAIL}"', f"<{EMAIL}>", f"x{EMAIL}x"],
)
def test_a_value_is_hidden_however_it_is_written(quoted: str) -> None:
    found = scrub(told(f"The address {quoted} is taken. Use another."), [EMAIL])
    assert "acme" not in found.detail.lower()
    assert found.detail.startswith("The address ")
    assert found.detail.endswith(" is taken. Use another.")
    assert (found.code, found.status, found.title) == ("CONFLICT", 409, told("").title)


def test_every_member_that_is_told_is_looked_at() -> None:
    value = {EMAIL: [{"age": 4711}, 'She said "no/yes"']}
    found = scrub(
        Problem(
            code="X",
            title=f"{EMAIL} is taken",
            status=409,
            detail='4711 and She said \\"no/yes\\"',
            category="state",
            issues=(Issue(f"/input/{EMAIL}/0", "TOO_DEEP", 'She said "no/yes" is too deep'),),
            extra={"who": [EMAIL], EMAIL: 1},
        ),
        [value],
    )
    assert "acme" not in str(found)
    assert "4711" not in str(found)
    assert "no/yes" not in str(found)
    assert found.issues == (Issue(f"/input/{HIDDEN}/0", "TOO_DEEP", f"{HIDDEN} is too deep"),)
    assert found.extra == {"who": [HIDDEN], HIDDEN: 1}


def test_the_longest_value_is_hidden_first() -> None:
    found = scrub(told("ada lovelace is taken"), ["ada", "ada lovelace"])
    assert found.detail == f"{HIDDEN} is taken"


def test_what_says_nothing_stays_as_it_is() -> None:
    same = told("A true value of 12 is not 7.")
    assert scrub(same, ["", "A", 7, True, None, 12, [], {}, EMAIL]) is same
    assert scrub(same, []) is same


def test_values_are_found_in_what_fits_no_contract() -> None:
    value = {"people": [{"email": EMAIL}, {"email": ["x@y.example"]}, 7], "note": None}
    assert values_at(value, ("people.email", "note", "gone.deep")) == [EMAIL, ["x@y.example"]]
    assert values_at("text", ("people.email",)) == []


@pytest.mark.parametrize(
    ("part", "shown"),
    [("customerEmail", "customerEmail"), (3, 3), (EMAIL, "?"), ("4711", "?"), ("Ada L", "?")],
)
def test_only_plain_names_are_sent_back(part: str | int, shown: str | int) -> None:
    assert shown_name(part) == shown


@pytest.mark.parametrize(
    ("values", "most"),
    [([1] * 5000, 0), ([f"value-{at}" for at in range(5000)], 0), (["not/plain"] * 5000, 1)],
    ids=["one number", "plain texts", "one text"],
)
def test_no_value_is_spelled_again_and_plain_ones_need_no_spelling(
    monkeypatch: pytest.MonkeyPatch, values: list[JsonValue], most: int
) -> None:
    spelled: list[str] = []
    monkeypatch.setattr(
        scrubbing, "quote", lambda text, **_: spelled.append(text) or quote(text, safe="")
    )
    found = scrub(told("Neither value-4999 nor not/plain is taken."), values)
    assert (found.detail.count(HIDDEN) == 0) is (values == [1] * 5000)
    assert len(spelled) <= most


@pytest.mark.parametrize("text", ["Az09_.-", "-1.5", "4711"])
def test_a_plain_text_is_written_alike_everywhere(text: str) -> None:
    assert set(scrubbing._spellings(text)) == {text}
    assert {quote(text, safe=""), json.dumps(text)[1:-1], repr(text)[1:-1]} == {text}
