"""Copies of PII in literals: found whatever they were disguised as, and nothing else is taken for
one."""

from collections.abc import Callable, Iterator

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gateway.model.contract import AuthLevel, ContractPolicy, Kind, Meta, OperationContract
from gateway.model.json import JsonObject, JsonValue
from gateway.model.pii import PiiClass, PiiClasses
from gateway.model.plan import PlanStep
from gateway.model.types import parse_type
from gateway.runtime.pii_copies import copies
from gateway.runtime.pii_read import PiiRead

MODEST = settings(max_examples=200, deadline=None)

READ = {
    "name": PiiClass.CONTACT,
    "email": PiiClass.CONTACT,
    "phone": PiiClass.CONTACT,
    "iban": PiiClass.FINANCIAL,
    "body": PiiClass.FREE_TEXT,
}
WRITTEN = {"note": "String", "meta": "JSON", "mail": "EmailAddress", "words": "[String!]"}


def contract(
    key: str,
    given: dict[str, str],
    answered: dict[str, str],
    pii: dict[str, PiiClasses],
) -> OperationContract:
    return OperationContract(
        Meta(f"shop.{key}", "1.0.0", key, key, "shop"),
        Kind.COMMAND,
        {name: parse_type(text) for name, text in given.items()},
        {name: parse_type(text) for name, text in answered.items()},
        ContractPolicy(AuthLevel.USER, tuple(pii), pii_classes=pii),
        "0" * 64,
    )


LOOKUP = contract(
    "lookup",
    {},
    {**dict.fromkeys(READ, "String"), "plan": "String"},
    {name: frozenset({cls}) for name, cls in READ.items()},
)
SEND = contract("send", WRITTEN, {"id": "ID"}, {"mail": frozenset({PiiClass.CONTACT})})


def reasons(output: JsonObject, value: JsonObject, target: OperationContract = SEND) -> list[str]:
    step = PlanStep("step_1", "send", target.ref, "0" * 64, value, ("lookup",))
    return list(copies(step, target, [PiiRead.of("lookup", LOOKUP, output)]))


letters = st.text(alphabet="abcdefghijklmnopqrstuvwxyzäöüéß", min_size=4, max_size=10)
names = st.builds(lambda first, last: f"{first} {last}".title(), letters, letters)
hosts = st.sampled_from(("acme.io", "mail.example.com", "post.ch"))
emails = st.builds(
    lambda local, host: f"{local}@{host}", st.from_regex(r"[a-z]{3,8}", fullmatch=True), hosts
)
digits = st.text(alphabet="0123456789", min_size=9, max_size=11)
phones = digits.map(lambda text: f"+4{text}")
ibans = st.text(alphabet="0123456789", min_size=19, max_size=19).map(lambda text: f"CH9{text}")
bodies = st.lists(letters, min_size=7, max_size=20).map(" ".join)


def spread(text: str) -> str:
    """In groups of three, as people write numbers."""
    return " ".join(text[at : at + 3] for at in range(0, len(text), 3))


def full_width(text: str) -> str:
    return "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text)


def arabic_digits(text: str) -> str:
    return "".join(chr(0x660 + int(char)) if char in "0123456789" else char for char in text)


def as_it_is(text: str) -> str:
    return text


Disguise = Callable[[str], str]
DISGUISES: tuple[Disguise, ...] = (
    as_it_is,
    str.upper,
    str.lower,
    full_width,
    arabic_digits,
    lambda text: text.replace(" ", " \t\n  "),
    lambda text: text.replace(" ", "\u00a0"),
    lambda text: "\u200b".join(text),
    lambda text: f"**{text}**!",
    lambda text: f"({text}),",
)
disguised = st.lists(st.sampled_from(DISGUISES), max_size=3)
NUMBERS: tuple[Disguise, ...] = (
    spread,
    lambda text: spread(text).replace(" ", "-"),
    lambda text: spread(text).replace(" ", "."),
)
around = st.sampled_from(("{}", "Please note {} today", "about:\n{}", "re {} (again)"))
Plant = Callable[[str], JsonObject]
PLACES: tuple[Plant, ...] = (
    lambda text: {"note": text},
    lambda text: {"meta": text},
    lambda text: {"meta": {"a": [{"b": ["x", text]}]}},
    lambda text: {"meta": {text: 1}},
    lambda text: {"meta": [{"x": {text: "y"}}]},
    lambda text: {"words": ["x", text]},
)
places = st.sampled_from(PLACES)


@st.composite
def planted(draw: st.DrawFn) -> tuple[str, str, str]:
    """A field that was read, its value, and the text of a literal in which it stands."""
    values = {"name": names, "email": emails, "phone": phones, "iban": ibans, "body": bodies}
    field = draw(st.sampled_from(sorted(values)))
    value = draw(values[field])
    text = value
    if field in ("phone", "iban"):
        text = draw(st.sampled_from((*NUMBERS, as_it_is)))(text)
    if field == "body":
        words = text.split()
        begin = draw(st.integers(0, len(words) - 6))
        text = " ".join(words[begin : begin + draw(st.integers(6, len(words)))])
    for disguise in draw(disguised):
        text = disguise(text)
    return field, value, draw(around).format(text)


@MODEST
@given(planted(), places)
def test_a_copy_is_found_whatever_it_is_disguised_as(
    planted: tuple[str, str, str], place: Plant
) -> None:
    field, value, text = planted
    found = reasons({field: value}, place(text))
    assert len(found) >= 1
    assert f"lookup.{field}" in found[0]
    assert all(value not in reason and text not in reason for reason in found)


WORDS = (
    *("please", "issue", "the", "refund", "for", "order", "because", "it", "arrived", "late"),
    *("customer", "asked", "twice", "thank", "you", "very", "much", "priority", "high", "ord-1001"),
    *("EUR", "2026-03-01T09:30:00Z", "250.00", "https://example.com/orders/1001", "v1.0.0"),
)
unrelated = st.lists(st.sampled_from(WORDS), min_size=1, max_size=12).map(" ".join)
people = st.sampled_from(("Ada Lovelace", "Grace Hopper", "Li Na", "Bo", "Jürg Ågren"))
read_outputs = st.fixed_dictionaries(
    {
        "name": people,
        "email": st.sampled_from(("ada@acme.io", "grace.hopper@navy.mil")),
        "phone": st.sampled_from(("+41 79 555 12 34", "+1 (555) 010-9999")),
        "iban": st.just("CH93 0076 2011 6238 5295 7"),
        "body": st.sampled_from(
            (
                "My parcel came broken. Please send me another one, I need it on Friday.",
                "Refund?",
                "Order ord-1001 never came, call me at +41 79 555 12 34 or write ada@acme.io.",
            )
        ),
    }
)


@MODEST
@given(read_outputs, unrelated, unrelated, st.integers(0, 10**9))
def test_nothing_else_is_taken_for_a_copy(
    output: JsonObject, one: str, other: str, number: int
) -> None:
    assume(not str(output["phone"]).replace(" ", "").endswith(str(number)))
    assume(str(output["body"]).casefold().strip(" .!?") not in (one.casefold(), other.casefold()))
    value: JsonObject = {"note": one, "meta": {"why": [other, number], "key": {"x": other}}}
    assert reasons(output, value) == []


@MODEST
@given(emails, names)
def test_a_value_may_stand_where_its_class_is_declared(email: str, name: str) -> None:
    output = {"email": email, "name": name, "body": f"Write to {email}, says {name}"}
    assert reasons(output, {"mail": email}) == []
    assert reasons(output, {"note": email}) != []


@MODEST
@given(emails)
def test_an_address_is_known_as_a_whole_and_not_as_a_part_of_another(email: str) -> None:
    assert reasons({"email": email}, {"note": f"x{email}"}) == []
    assert reasons({"email": email}, {"note": f"{email}.example"}) == []
    assert reasons({"email": email}, {"note": f"<mailto:{email}>."}) != []


@pytest.mark.parametrize(
    ("output", "note", "found"),
    [
        ({"name": "Li"}, "ask Li about it", True),
        ({"name": "Li"}, "listen", False),
        ({"name": "Anna"}, "the annals", False),
        ({"name": "Ada Lovelace"}, "adalovelace-2026", True),
        ({"name": "12"}, "12 items", False),
        ({"phone": "+41 79 555 12 34"}, "0041795551234", True),
        ({"phone": "+41 79 555 12 34"}, "079 555 12 34", True),
        ({"phone": "+41 79 555 12 34"}, "5551234", True),
        ({"phone": "+41 79 555 12 34"}, "551234", False),
        ({"phone": 41795551234}, "call +41 79 555 12 34", True),
        ({"body": "Call me at 079 555 12 34."}, "0795551234", True),
        ({"body": "My order is 1234567."}, "order 1234567", False),
        ({"body": "Write to ada@acme.io"}, "to: ada@acme.io", True),
        ({"body": "My parcel broke. I am sad."}, "they say: my parcel broke", True),
        ({"body": "Refund"}, "a refund is due", False),
        ({"body": "Refund"}, "refund", True),
        ({"body": ""}, "", False),
        ({"plan": "Ada Lovelace"}, "Ada Lovelace", False),
        ({}, "Ada Lovelace", False),
    ],
)
def test_what_counts_as_a_copy(output: JsonObject, note: str, found: bool) -> None:
    assert bool(reasons(output, {"note": note})) is found


def test_a_long_number_is_found_where_a_literal_is_one() -> None:
    assert reasons({"phone": "+41 79 555 12 34"}, {"meta": {"n": 41795551234}})


def test_the_place_is_told_as_far_as_the_contract_names_it() -> None:
    (reason,) = reasons({"name": "Ada Lovelace"}, {"meta": {"Ada Lovelace": "x"}})
    assert "the literal at meta repeats lookup.name (contact)" in reason
    assert "Lovelace" not in reason
    (reason,) = reasons({"name": "Ada Lovelace"}, {"words": ["x", "Ada Lovelace"]})
    assert "the literal at words.1 repeats" in reason


def test_a_reference_is_no_literal() -> None:
    value: JsonValue = {"$from": "lookup.name"}
    assert reasons({"name": "lookup name"}, {"note": value}) == []


def grown(size: int) -> Iterator[str]:
    return (f"word{number}" for number in range(size))


def test_of_more_than_is_compared_the_end_of_the_longest_text_is_left_out() -> None:
    output = {"body": " ".join(grown(100_000)), "name": "Ada Lovelace"}
    assert reasons(output, {"note": "Ada Lovelace"})
    assert reasons(output, {"note": "word1 word2 word3 word4 word5 word6"})
    last = " ".join(f"word{number}" for number in range(99_990, 100_000))
    assert reasons(output, {"note": last}) == []


def test_a_step_with_too_many_texts_to_compare_may_not_run() -> None:
    many: JsonObject = {"meta": ["x"] * 10_001}
    (reason,) = reasons({"name": "Ada Lovelace"}, many)
    assert "Split the step" in reason
    assert reasons({"plan": "gold"}, many) == []
