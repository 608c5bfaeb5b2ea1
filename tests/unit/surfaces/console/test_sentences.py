"""Sentences say all that rows say, and rows that nobody has words for stand as they are."""

import html
import re
from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.surfaces.console.policies.rows import row_of
from gateway.surfaces.console.policies.sentences import (
    Sentence,
    gathered,
    sentence_about,
    sentence_of,
)
from gateway.surfaces.console.rendering import environment
from tests.processes import ROOT

FILES = ("access.csv", "verdict.csv", "pii.csv")
LETTERS = "abcxyz"
NAMES = st.text(LETTERS, min_size=1, max_size=4)
TYPES = ("human", "service", "agent", "tool", "anonymous")
SUBJECTS = st.one_of(
    st.just("*"), NAMES, NAMES.map("user:{}".format), st.sampled_from(TYPES).map("type:{}".format)
)
WORKSPACES = st.one_of(st.just("*"), NAMES)
CONTRACTS = st.one_of(
    st.sampled_from(["*", "a.*", "*.b", "auth:admin", "risk:high", "kind:command"]),
    NAMES,
    NAMES.map("{}?".format),
    NAMES.map("{}@1.0.0".format),
    st.tuples(st.sampled_from(["tag", "domain", "capability"]), NAMES).map(":".join),
)
PRIORITIES = st.integers(0, 20).map(str)
ROLES = st.one_of(st.just("-"), NAMES)
TIMES = st.tuples(st.integers(1, 30), st.sampled_from("smhd")).map(lambda one: f"{one[0]}{one[1]}")
CONDITIONS = st.one_of(
    st.just("true"),
    st.text("amount <>=&|!\"'<script>,[]", min_size=1, max_size=20).map(str.strip).filter(bool),
)
ACCESS = st.tuples(
    SUBJECTS, WORKSPACES, CONTRACTS, st.sampled_from(["call", "*"]),
    st.sampled_from(["allow", "deny"]),
)  # fmt: skip
VERDICT = st.tuples(
    PRIORITIES, SUBJECTS, WORKSPACES, CONTRACTS,
    st.sampled_from(["*", "low", "medium", "high", "critical"]), CONDITIONS,
    st.sampled_from(["autonomous", "assist", "blocked"]), ROLES,
    st.one_of(st.just("-"), st.integers(1, 99).map(str)), st.one_of(st.just("-"), TIMES),
    st.one_of(st.just("-"), st.tuples(TIMES, NAMES).map(":".join)),
)  # fmt: skip
PII = st.tuples(
    PRIORITIES, SUBJECTS, st.sampled_from(["*", *TYPES]), WORKSPACES, CONTRACTS,
    st.sampled_from(["*", "class:contact", "class:health", "input.a", "output.a", "input.*.b"]),
    st.sampled_from(["raw", "partial", "mask", "hash", "full", "drop"]),
)  # fmt: skip
MACROS = environment().get_template("policies/macros.html").module
RULES = {"access.csv": ACCESS, "verdict.csv": VERDICT, "pii.csv": PII}


def written(values: tuple[str, ...], kind: str = "p") -> str:
    """A row as files write it: what holds a comma or a quote stands in quotes."""
    fields = [kind, *values]
    return ", ".join(
        '"' + one.replace('"', '""') + '"' if {",", '"'} & set(one) else one for one in fields
    )


def text_of(sentence: Sentence) -> str:
    return "".join(f"`{piece.text}`" if piece.is_value else piece.text for piece in sentence)


@st.composite
def two_rules(draw: st.DrawFn) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """Two rules of one file that differ in one column or in many."""
    file = draw(st.sampled_from(FILES))
    one, other = draw(RULES[file]), draw(RULES[file])
    if draw(st.booleans()):
        at = draw(st.integers(0, len(one) - 1))
        other = (*one[:at], other[at], *one[at + 1 :])
    return file, one, other


@settings(deadline=None)  # other tests may run beside
@given(two_rules())
def test_rules_that_differ_have_different_sentences(
    rules: tuple[str, tuple[str, ...], tuple[str, ...]],
) -> None:
    file, one, other = rules
    first, second = sentence_of(file, written(one)), sentence_of(file, written(other))
    assert first is not None
    assert second is not None
    assert (text_of(first) == text_of(second)) is (one == other)


@settings(deadline=None)  # other tests may run beside
@given(VERDICT)
def test_a_condition_stands_in_its_sentence_to_the_letter(values: tuple[str, ...]) -> None:
    sentence = sentence_of("verdict.csv", written(values))
    assert sentence is not None
    when = values[5]
    assert (when == "true") or when in [piece.text for piece in sentence if piece.is_value]


@settings(deadline=None)  # other tests may run beside
@given(VERDICT)
def test_what_is_shown_of_a_row_is_escaped(values: tuple[str, ...]) -> None:
    sentence = sentence_of("verdict.csv", written(values))
    assert sentence is not None
    shown = str(MACROS.say(sentence, "the row"))  # type: ignore[attr-defined] # a macro of it
    assert set(re.findall(r"<[^>]*>", shown)) <= {"<code>", "</code>"}
    plain = html.unescape(re.sub(r"</?code>", "", shown))
    assert plain.strip() == "".join(piece.text for piece in sentence)


@settings(deadline=None)  # other tests may run beside
@given(st.sampled_from(FILES), st.text(max_size=80))
def test_any_text_has_a_sentence_or_none(file: str, text: str) -> None:
    sentence = sentence_of(file, text)
    assert sentence is None or all(piece.text for piece in sentence)


def test_each_shipped_rule_has_a_sentence() -> None:
    for file in FILES:
        for text in (ROOT / "policies" / file).read_text().splitlines():
            if text and not text.startswith("#"):
                assert sentence_of(file, text) is not None, text


def test_the_words_are_those_of_people() -> None:
    told: Mapping[str, tuple[str, str]] = {
        "p, type:agent, *, tag:money, call, deny": (
            "access.csv",
            "Agents must never call contracts tagged `money` in any workspace.",
        ),
        "g, user:alice, approver, acme": (
            "access.csv",
            "The user `alice` holds the role `approver` in the workspace `acme`.",
        ),
        "p, 300, *, acme, tag:money, high, true, assist, lead, 2, 8h, 2h:director": (
            "verdict.csv",
            (
                "When everybody calls contracts tagged `money` at `high` risk in the workspace "
                "`acme`, the call waits for 2 people of the role `lead`, at most 8 hours; after "
                "2 hours the role `director` may decide too. Priority 300."
            ),
        ),
        "p, 9, user, human, *, *, class:contact, partial": (
            "pii.csv",
            (
                "Holders of the role `user` of type people see every personal field of the class "
                "`contact` of every contract in any workspace by its last four characters. "
                "Priority 9."
            ),
        ),
    }
    for row, (file, expected) in told.items():
        sentence = sentence_of(file, row)
        assert sentence is not None
        assert text_of(sentence) == expected


def test_unknown_notation_has_no_sentence() -> None:
    for row, file in {
        "p, somebody, *, colour:red, call, allow": "access.csv",
        "p, somebody, *, a.b, call, perhaps": "access.csv",
        "p, robot:x, *, a.b, call, allow": "access.csv",
        "p, somebody, *, a.b, call": "access.csv",
        'p, "somebody, *, a.b, call, allow': "access.csv",
        "p, 1, user, alien, *, *, *, raw": "pii.csv",
        "p, 1, user, *, a.b, high, true, assist, lead, 1, a while, -": "verdict.csv",
        "roles: [a, b]": "separation.yaml",
    }.items():
        assert sentence_of(file, row) is None, row


def test_neighbours_are_one_sentence_where_it_can_tell_all() -> None:
    texts = [
        "p, type:agent, *, a.b, call, allow",
        "p, type:service, *, a.b, call, allow",
        "p, lead, *, a.b, call, allow",
        "p, lead, *, a.c, call, allow",
        "p, lead, *, a.d, call, deny",
        "p, lead, *, a.*, call, deny",
        "g, alice, lead, *",
        "g, user:bob, lead, *",
        "p, robot:x, *, a.b, call, deny",
        "p, lead, *, a.b, call, deny",
    ]
    rows = [row_of("access.csv", text) for text in texts]
    groups = gathered(rows)
    assert groups == [[0, 1, 2], [3], [4, 5], [6], [7], [8], [9]]
    told = []
    for group in (groups[0], groups[2]):
        sentence = sentence_about([row for index in group if (row := rows[index])])
        assert sentence is not None
        told.append(text_of(sentence))
    assert told == [
        "Agents, services and holders of the role `lead` may call `a.b` in any workspace.",
        (
            "Holders of the role `lead` must never call `a.d` and contracts named `a.*` in any "
            "workspace."
        ),
    ]
