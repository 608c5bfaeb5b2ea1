"""Global ids name what they were made of, and every other text is refused."""

from hypothesis import example, given
from hypothesis import strategies as st

from gateway.surfaces.graphql.schema.global_ids import MAX_ID, Named, global_id, named_by

NAMES = st.from_regex(r"[A-Z][A-Za-z0-9_]{0,30}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)
KEYS = st.lists(TEXTS | st.integers(-(2**31), 2**31), min_size=1, max_size=4).map(tuple)


@given(NAMES, KEYS)
def test_an_id_names_what_it_was_made_of(kind: str, key: tuple[str | int, ...]) -> None:
    made = global_id(kind, key)
    assert named_by(made) == Named(kind, key)
    assert made.isascii()
    assert made.replace("-", "").replace("_", "").isalnum()


@given(NAMES, KEYS, NAMES, KEYS)
def test_different_things_have_different_ids(
    kind: str, key: tuple[str | int, ...], other: str, others: tuple[str | int, ...]
) -> None:
    same = [kind, *map(repr, key)] == [other, *map(repr, others)]
    assert (global_id(kind, key) == global_id(other, others)) is same


ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@given(NAMES, KEYS, st.data())
def test_a_text_that_is_taken_is_the_id_of_what_it_names(
    kind: str, key: tuple[str | int, ...], data: st.DataObject
) -> None:
    made = list(global_id(kind, key))
    at = data.draw(st.integers(0, len(made) - 1))
    made[at] = data.draw(st.sampled_from(ALPHABET + "=+/ \n"))
    changed = "".join(made)
    try:
        named = named_by(changed)
    except ValueError:
        return
    assert global_id(named.type, named.key) == changed


@given(st.text(max_size=200) | st.text(ALPHABET, max_size=200).map("1".__add__))
@example("1" + "W" * MAX_ID)
@example("1" + "A" * (MAX_ID - 1))
def test_any_text_is_taken_or_refused_with_nothing_else(text: str) -> None:
    try:
        named = named_by(text)
    except ValueError:
        return
    assert global_id(named.type, named.key) == text
