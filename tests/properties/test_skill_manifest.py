"""Signed bytes do not depend on the order of keys, and every changed byte breaks a signature."""

import base64
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.skills import manifest_digest, signed_bytes
from gateway.skills.signatures import make_signature, public_half, read_signature
from tests.unit.skills.skill_kit import ed25519, manifest, rsa, signed

ED, RSA = ed25519(), rsa()

texts = st.text(st.characters(codec="utf-8"), max_size=12)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(-(2.0**50), 2.0**50)
    | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=6),
    max_leaves=20,
)
manifests = st.dictionaries(texts, values, max_size=8)


def shuffled(value: Any, draw: Any) -> Any:
    """The same value with the keys of every object in another order."""
    if isinstance(value, list):
        return [shuffled(item, draw) for item in value]
    if isinstance(value, dict):
        keys = draw(st.permutations(list(value)))
        return {key: shuffled(value[key], draw) for key in keys}
    return value


@settings(max_examples=60, deadline=None)
@given(manifests, st.data())
def test_the_signed_bytes_are_those_of_any_order_of_keys(
    body: dict[str, Any], data: st.DataObject
) -> None:
    again = shuffled(body, data.draw)
    assert signed_bytes(again) == signed_bytes(body)
    assert manifest_digest(again) == manifest_digest(body)


@settings(max_examples=60, deadline=None)
@given(manifests)
def test_the_signed_bytes_are_json_of_everything_but_the_signature(body: dict[str, Any]) -> None:
    content = signed_bytes({**body, "signature": {"any": "thing"}})
    expected = {key: value for key, value in body.items() if key != "signature"}
    assert json.loads(content) == expected
    assert signed_bytes(json.loads(content)) == content


@settings(max_examples=40, deadline=None)
@given(manifests, st.sampled_from([ED, RSA]), st.data())
def test_any_changed_byte_breaks_the_signature(
    body: dict[str, Any], key: Any, data: st.DataObject
) -> None:
    content = signed_bytes(body)
    raw = read_signature(make_signature(key, content))
    assert raw is not None
    public = public_half(key)
    assert public.verifies(raw, content)
    for what in (content, raw):
        at = data.draw(st.integers(0, len(what) - 1))
        flipped = bytes([what[at] ^ data.draw(st.integers(1, 255))])
        other = what[:at] + flipped + what[at + 1 :]
        assert not public.verifies(*((raw, other) if what is content else (other, content)))


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(texts, values, max_size=5), texts, values)
def test_what_is_added_or_changed_changes_the_digest(
    metadata: dict[str, Any], key: str, value: Any
) -> None:
    before = manifest(metadata=metadata)
    after = manifest(metadata={**metadata, key: value})
    same = json.dumps(metadata, sort_keys=True) == json.dumps(after["metadata"], sort_keys=True)
    if same:
        assert manifest_digest(before) == manifest_digest(after)
    if key not in metadata:
        assert manifest_digest(before) != manifest_digest(after)
    assert manifest_digest(signed(before, ED)) == manifest_digest(before)


def test_a_signature_is_padded_base64() -> None:
    text = signed(manifest(), ED)["signature"]["signature"]
    assert len(base64.b64decode(text, validate=True)) == 64
