"""Sealing holds for any value: it opens to the same, hides it, and commits to it by value."""

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model.json import MAX_SAFE_INTEGER, encode
from gateway.model.pii import Owner
from gateway.model.sealing import commit_paths, seal_paths, unseal_all
from gateway.privacy import Keyring, KeyringSealer

QUICK = settings(max_examples=60, deadline=None)
NAMES = st.sampled_from(["a", "b", "c", "$sealed", "$from", "$hmac"])
PATHS = st.lists(
    st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=3).map(".".join), max_size=4
)
TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-MAX_SAFE_INTEGER, MAX_SAFE_INTEGER)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=12,
)
OBJECTS = st.dictionaries(NAMES, VALUES, max_size=4)


def new_sealer() -> KeyringSealer:
    with tempfile.TemporaryDirectory() as folder:
        return KeyringSealer(Keyring.open(Path(folder)))


SEALER = new_sealer()


@QUICK
@given(value=VALUES, workspace=TEXT, contract=TEXT, field=TEXT)
def test_any_value_opens_to_the_same(value: Any, workspace: str, contract: str, field: str) -> None:
    envelope = SEALER.seal(Owner(workspace, "call/1"), contract, field, value)
    assert encode(SEALER.unseal(workspace, envelope)) == encode(value)


@QUICK
@given(value=OBJECTS, paths=PATHS)
def test_sealing_any_paths_of_any_value_is_undone_by_opening(
    value: dict[str, Any], paths: list[str]
) -> None:
    """Also where the value holds what looks like an envelope, a reference or a commitment."""
    sealed = seal_paths(SEALER, Owner("acme", "call/1"), "a.b@1.0.0", "input", value, paths)
    assert encode(unseal_all(SEALER, "acme", sealed)) == encode(value)


@QUICK
@given(secret=st.text("0123456789", min_size=8, max_size=40), paths=PATHS)
def test_a_sealed_value_nowhere_shows_what_it_holds(secret: str, paths: list[str]) -> None:
    value = {"a": {"b": {"c": secret}}, "b": [{"a": secret}], "c": secret}
    every = ["a.b.c", "b.a", "c", *paths]
    stored = encode(seal_paths(SEALER, Owner("acme", "call/1"), "x.y@1.0.0", "input", value, every))
    committed = encode(commit_paths(SEALER, "acme", value, every))
    assert f'"{secret}"' not in stored
    assert f'"{secret}"' not in committed


@QUICK
@given(one=VALUES, other=VALUES)
def test_commitments_are_equal_exactly_for_equal_values(one: Any, other: Any) -> None:
    equal = encode_as_numbers(one) == encode_as_numbers(other)
    assert (SEALER.commit("acme", one) == SEALER.commit("acme", other)) is equal


def encode_as_numbers(value: Any) -> str:
    """The value with 1.0 written as 1 and -0.0 as 0, as JSON numbers are compared."""
    if isinstance(value, float) and value.is_integer() and abs(value) <= MAX_SAFE_INTEGER:
        return encode(int(value))
    if isinstance(value, list):
        return f"[{','.join(map(encode_as_numbers, value))}]"
    if isinstance(value, dict):
        members = (f"{encode(key)}:{encode_as_numbers(value[key])}" for key in sorted(value))
        return f"{{{','.join(members)}}}"
    return encode(value)


@QUICK
@given(data=st.data(), value=VALUES)
def test_any_altered_byte_is_noticed(data: st.DataObject, value: Any) -> None:
    envelope = SEALER.seal(Owner("acme", "call/1"), "a.b@1.0.0", "input.x", value)
    text = envelope["$sealed"][4]
    place = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.characters(codec="utf-8").filter(lambda found: found != text[place]))
    envelope["$sealed"][4] = text[:place] + letter + text[place + 1 :]
    try:
        opened = SEALER.unseal("acme", envelope)
    except ValueError:
        return
    raise AssertionError(f"it opened to {opened!r}")
