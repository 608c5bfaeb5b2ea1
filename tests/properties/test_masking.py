"""Masking, over any value: nothing readable is left, the shape stays, and it never fails."""

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model.decision import Treatment
from gateway.model.json import JsonValue
from gateway.policy import mask_value

MARKS = "@•"

texts = st.text(max_size=30)
emails = st.builds(lambda local, host: f"{local}@{host}", texts, texts)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts | emails | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


def mask(value: JsonValue) -> JsonValue:
    return mask_value(value, Treatment.MASK)


@settings(max_examples=150, deadline=None)
@given(values)
def test_masking_what_is_masked_changes_nothing(value: JsonValue) -> None:
    masked = mask(value)
    assert mask(masked) == masked


@settings(max_examples=150, deadline=None)
@given(texts | emails)
def test_of_a_text_at_most_its_first_character_is_left(text: str) -> None:
    masked = mask(text)
    shapes = {f"{left}•••{mail}" for left in ("", text[:1]) for mail in ("", "@•••")}
    assert masked in shapes
    assert ("@" in masked[1:]) == ("@" in text[1:])


@settings(max_examples=150, deadline=None)
@given(texts | emails)
def test_no_two_characters_in_a_row_are_left(text: str) -> None:
    masked = mask(text)
    pairs = {text[at : at + 2] for at in range(len(text) - 1)}
    assert not [pair for pair in pairs if pair in masked and not set(pair) <= set(MARKS)]


@settings(max_examples=150, deadline=None)
@given(texts, texts)
def test_texts_that_differ_after_the_first_character_look_the_same(one: str, other: str) -> None:
    assert mask(f"xyz!{one}@acme") == mask(f"xyz!{other}@example")
    if "@" not in one + other:
        assert mask(f"xyz!{one}") == mask(f"xyz!{other}")


def shape(value: JsonValue) -> JsonValue:
    if isinstance(value, list):
        return [shape(item) for item in value]
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    return isinstance(value, str)


@settings(max_examples=150, deadline=None)
@given(values)
def test_lists_and_objects_keep_their_shape_and_scalars_vanish(value: JsonValue) -> None:
    assert shape(mask(value)) == shape(value)


@settings(max_examples=50, deadline=None)
@given(values)
def test_the_value_itself_is_never_altered(value: JsonValue) -> None:
    before = repr(value)
    mask(value)
    assert repr(value) == before
    assert mask_value(value, Treatment.RAW) is value
    assert mask_value(value, Treatment.DROP) is None


def test_a_value_of_any_depth_is_masked() -> None:
    deep: JsonValue = "Lovelace"
    for _ in range(5_000):
        deep = [deep]
    assert "Lovelace" not in repr(mask(deep))
