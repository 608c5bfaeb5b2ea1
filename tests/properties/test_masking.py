"""Masking, over any value: nothing readable is left, the shape stays, and it never fails."""

import hmac
import json
import re
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model.decision import Treatment
from gateway.model.json import JsonValue
from gateway.policy import is_shown_as, mask_value

MARKS = "@•"
MODEST = settings(max_examples=150, deadline=None)

texts = st.text(max_size=30)
emails = st.builds(lambda local, host: f"{local}@{host}", texts, texts)
marked = st.builds(lambda text: f"••••{text}", st.text(max_size=6)) | st.from_regex(
    r"hash:[0-9a-f]{24}", fullmatch=True
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts | emails | marked | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
treatments = st.sampled_from(Treatment)
hidden = treatments.filter(lambda one: one is not Treatment.RAW)


def keyed(key: bytes, value: JsonValue) -> str:
    return hmac.digest(key, json.dumps(value).encode(), "sha256").hex()


ours, theirs = partial(keyed, b"acme"), partial(keyed, b"other")


def show(value: JsonValue, treatment: Treatment = Treatment.MASK) -> JsonValue:
    return mask_value(value, treatment, ours)


@MODEST
@given(values, treatments)
def test_showing_what_is_shown_so_already_changes_nothing(
    value: JsonValue, treatment: Treatment
) -> None:
    shown = show(value, treatment)
    assert repr(show(shown, treatment)) == repr(shown)


@MODEST
@given(values, hidden)
def test_whoever_has_no_key_can_tell_that_no_more_is_shown(
    value: JsonValue, treatment: Treatment
) -> None:
    assert is_shown_as(show(value, treatment), treatment)


@MODEST
@given(st.text(alphabet="abcdefgh 0123456789@.", min_size=1, max_size=30), hidden)
def test_a_raw_text_is_told_from_a_shown_one(text: str, treatment: Treatment) -> None:
    """No raw text of this alphabet looks like what any treatment leaves."""
    assert not is_shown_as(text, treatment)
    assert is_shown_as(text, Treatment.RAW)


@MODEST
@given(texts | emails)
def test_of_a_text_at_most_its_first_character_is_left(text: str) -> None:
    masked = show(text)
    shapes = {f"{left}•••{mail}" for left in ("", text[:1]) for mail in ("", "@•••")}
    assert masked in shapes
    assert ("@" in masked[1:]) == ("@" in text[1:])


@MODEST
@given(texts | emails)
def test_no_two_characters_in_a_row_are_left(text: str) -> None:
    masked = show(text)
    pairs = {text[at : at + 2] for at in range(len(text) - 1)}
    assert not [pair for pair in pairs if pair in masked and not set(pair) <= set(MARKS)]


@MODEST
@given(texts, texts)
def test_texts_that_differ_after_the_first_character_look_the_same(one: str, other: str) -> None:
    assert show(f"xyz!{one}@acme") == show(f"xyz!{other}@example")
    if "@" not in one + other:
        assert show(f"xyz!{one}") == show(f"xyz!{other}")


@MODEST
@given(texts | emails | marked)
def test_in_part_at_most_four_characters_and_half_of_the_text_are_left(text: str) -> None:
    shown = show(text, Treatment.PARTIAL)
    assert isinstance(shown, str)
    kept = shown.removeprefix("••••")
    assert shown.startswith("••••")
    assert len(kept) in (0, 4)
    assert len(kept) * 2 <= len(text)
    assert "".join(filter(str.isalnum, text)).endswith(kept)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("CH93 0076 2011 6238 5295 7", "••••2957"),
        ("+41 79 555 12 34", "••••1234"),
        ("4242-4242", "••••4242"),
        ("1234567", "••••"),
        ("", "••••"),
        ("••••4242", "••••4242"),
        ("••••42", "••••"),
    ],
)
def test_in_part_the_last_four_letters_and_digits_are_left(text: str, shown: str) -> None:
    assert show(text, Treatment.PARTIAL) == shown


@MODEST
@given(values, values)
def test_in_full_nothing_of_a_value_is_left_but_its_kind(one: JsonValue, other: JsonValue) -> None:
    shown = show(one, Treatment.FULL)
    assert shown in ("[hidden]", [], None)
    if type(one) is type(other):
        assert show(other, Treatment.FULL) == shown


@MODEST
@given(texts | emails, texts | emails)
def test_hashes_are_equal_where_texts_are_and_in_one_workspace(one: str, other: str) -> None:
    first, second = show(one, Treatment.HASH), show(other, Treatment.HASH)
    assert (first == second) == (one == other)
    assert first != mask_value(one, Treatment.HASH, theirs)


@MODEST
@given(marked)
def test_a_text_that_looks_like_a_hash_is_hashed_unless_it_is_one_of_ours(text: str) -> None:
    assert show(text, Treatment.HASH) != text
    shown = mask_value(text, Treatment.HASH, theirs)
    assert show(shown, Treatment.HASH) != shown


def shape(value: JsonValue, treatment: Treatment) -> JsonValue:
    """What is left of a value but its texts: of keys, those that are names of fields."""
    if isinstance(value, list):
        return [shape(item, treatment) for item in value]
    if isinstance(value, dict):
        names = {key: key if is_name(key) else show(key, treatment) for key in value}
        return {names[key]: shape(item, treatment) for key, item in value.items()}
    return isinstance(value, str)


def is_name(key: str) -> bool:
    return re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", key) is not None


@pytest.mark.parametrize("treatment", [Treatment.PARTIAL, Treatment.MASK, Treatment.HASH])
def test_keys_that_are_no_names_of_fields_are_hidden(treatment: Treatment) -> None:
    shown = show({"name": {"ada@acme.io": 1, "+41 79 555 12 34": "x", "Ada L": [{}]}}, treatment)
    assert isinstance(shown, dict)
    assert set(shown) == {"name"}
    told = json.dumps(shown, ensure_ascii=False)
    assert not [part for part in ("acme", "555", "Ada L") if part in told]


@MODEST
@given(values, st.sampled_from((Treatment.PARTIAL, Treatment.MASK, Treatment.HASH)))
def test_lists_and_objects_keep_their_shape_and_scalars_vanish(
    value: JsonValue, treatment: Treatment
) -> None:
    assert shape(show(value, treatment), treatment) == shape(value, treatment)


@settings(max_examples=50, deadline=None)
@given(values, treatments)
def test_the_value_itself_is_never_altered(value: JsonValue, treatment: Treatment) -> None:
    before = repr(value)
    show(value, treatment)
    assert repr(value) == before
    assert show(value, Treatment.RAW) is value
    assert show(value, Treatment.DROP) is None


@pytest.mark.parametrize("treatment", [one for one in Treatment if one is not Treatment.RAW])
def test_a_value_of_any_depth_is_hidden(treatment: Treatment) -> None:
    deep: JsonValue = "Lovelace"
    for _ in range(5_000):
        deep = [deep]
    assert "Lovelace" not in repr(show(deep, treatment))


def test_strictness_has_one_order() -> None:
    said = ["raw", "partial", "mask", "hash", "full", "drop"]
    assert [one.value for one in sorted(Treatment, key=lambda one: one.rank)] == said
