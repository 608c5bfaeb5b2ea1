"""The signed bytes are those of a browser; the vectors were made with node and its ICU."""

import hashlib

import pytest

from gateway.skills import manifest_digest, signed_bytes
from gateway.skills.canonical import in_order


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (["b", "A", "a", "B"], ["a", "A", "b", "B"]),
        (
            ["b", "AB", "Ab", "aB", "ab", "Aa", "aA", "aa", "A", "a", "$a", "_a"],
            ["_a", "$a", "a", "A", "aa", "aA", "Aa", "ab", "aB", "Ab", "AB", "b"],
        ),
        (["a2", "a10", "a1", "a-b", "a_b", "a b"], ["a b", "a_b", "a-b", "a1", "a10", "a2"]),
        (["x.y", "x/y", "x:y", "x@y", "xy"], ["x:y", "x.y", "x@y", "x/y", "xy"]),
        (["keyId", "key", "keyIDs", "Key"], ["key", "Key", "keyId", "keyIDs"]),
        (["a", "10", "9", "0", "01", "-1"], ["0", "9", "10", "-1", "01", "a"]),
        (["4294967295", "4294967294"], ["4294967294", "4294967295"]),
        (["é", "z", "日"], ["z", "é", "日"]),
    ],
)
def test_keys_stand_in_the_order_of_a_browser(keys: list[str], expected: list[str]) -> None:
    assert in_order(keys) == expected
    assert in_order(reversed(keys)) == expected


def test_every_printable_ascii_sign_has_its_place() -> None:
    order = " _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$"
    assert in_order(sorted(order)) == list(order)


def test_the_bytes_are_those_of_json_stringify() -> None:
    manifest = {
        "signature": {"anything": 1},
        "schemaVersion": "1.0.0",
        "metadata": {
            "zeta": [1.0, -0.0, 0.1, 1e21, 1e-7, True, None],
            "Alpha": 'a"\\/\b\f\n\r\t\u0001\u2028é',
            "alpha": {"b": 1, "B": 2, "2": 3, "10": 4},
        },
    }
    expected = (
        '{"metadata":{"alpha":{"2":3,"10":4,"b":1,"B":2},'
        '"Alpha":"a\\"\\\\/\\b\\f\\n\\r\\t\\u0001\u2028é",'
        '"zeta":[1,0,0.1,1e+21,1e-7,true,null]},"schemaVersion":"1.0.0"}'
    )
    assert signed_bytes(manifest).decode() == expected
    assert manifest_digest(manifest) == hashlib.sha256(expected.encode()).hexdigest()


@pytest.mark.parametrize("value", [2**53, float("nan"), float("inf"), "\ud800"])
def test_what_ecmascript_does_not_keep_cannot_be_signed(value: object) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        signed_bytes({"metadata": {"it": value}})
