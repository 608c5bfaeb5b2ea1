"""Masking: what is left of a PII value for those who may not see it.

This is the one place that knows how each treatment looks, both for every way out and for whoever
checks later, without any key, that no more was shown.
"""

import hmac
import re
from collections.abc import Callable, Mapping
from functools import partial

from gateway.model.decision import Treatment
from gateway.model.json import JsonValue
from gateway.model.sealing import Hashing

MASK = "•••"
"""What stands for the hidden part of a text."""

PARTIAL = "••••"
"""What stands before the last four letters or digits of a text, or alone for a short one."""

FULL = "[hidden]"
"""What stands for any text that is hidden in full."""

_SHORT = 3
_MAX_DEPTH = 64
_KEPT = 4
_SHOWN_IN_PART = re.compile(rf"{PARTIAL}[^\W_]{{0,{_KEPT}}}")
_HASH = re.compile(r"hash:[0-9a-f]{24}")
_DIGITS = 16
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

_Texts = Callable[[str], str]


def mask_value(value: JsonValue, treatment: Treatment, hashed: Hashing) -> JsonValue:
    """``value`` as ``treatment`` shows it. Never raises and never alters ``value``.

    ``hashed`` gives the keyed hash of a value in hex. Raw leaves the value as it is; drop gives
    None. Of a text the others leave:

    - mask: the first character, if it has more than three (of an e-mail address: of the part
      before the @, and its shape), so that ``ada@acme.io`` becomes ``•••@•••`` and ``Lovelace``
      ``L•••``;
    - partial: the last four letters and digits, if it has eight or more of them (``••••5957``);
    - hash: the same short text for equal texts of a workspace (``hash:`` and 24 hex digits);
    - full: a mark that is always the same.

    Numbers, booleans and anything that is not JSON become None. Lists and objects keep their shape,
    down to 64 levels, but for full, which leaves an empty list of a list and None of an object.
    Keys that are names, as those of fields, are kept; others, which only free JSON has, are shown
    as texts are. To show what is shown so already changes nothing.
    """
    if treatment is Treatment.RAW:
        return value
    if treatment is Treatment.DROP:
        return None
    if treatment is Treatment.FULL:
        return _full(value)
    if treatment is Treatment.HASH:
        return _each(value, partial(_hash, hashed=hashed), _MAX_DEPTH)
    return _each(value, _BY_TEXT[treatment], _MAX_DEPTH)


def is_shown_as(value: JsonValue, treatment: Treatment) -> bool:
    """True if ``value`` shows no more than ``treatment`` leaves, whatever it was before.

    It needs no key: of a hash it looks at the form alone.
    """
    if treatment is Treatment.HASH:
        shown = _each(value, lambda text: text if _HASH.fullmatch(text) else FULL, _MAX_DEPTH)
    else:
        shown = mask_value(value, treatment, _unkeyed)
    return bool(shown == value)


def _unkeyed(_: JsonValue) -> str:
    raise AssertionError("only a hash needs the key")


def _each(value: JsonValue, change: _Texts, depth: int) -> JsonValue:
    if isinstance(value, str):
        return change(value)
    if depth > 0 and isinstance(value, list):
        return [_each(item, change, depth - 1) for item in value]
    if depth > 0 and isinstance(value, dict):
        return {
            key if _NAME.fullmatch(key) else change(key): _each(item, change, depth - 1)
            for key, item in value.items()
        }
    return None


def _full(value: JsonValue) -> JsonValue:
    if isinstance(value, str):
        return FULL
    return [] if isinstance(value, list) else None


def _mask_text(text: str) -> str:
    local, at, _ = text.rpartition("@")
    return f"{_mask_word(local)}@{MASK}" if at and local else _mask_word(text)


def _mask_word(word: str) -> str:
    return MASK if len(word) <= _SHORT else word[0] + MASK


def _partial_text(text: str) -> str:
    if _SHOWN_IN_PART.fullmatch(text):
        return text if len(text) in (len(PARTIAL), len(PARTIAL) + _KEPT) else PARTIAL
    said = [char for char in text if char.isalnum()]
    return PARTIAL + ("".join(said[-_KEPT:]) if len(said) >= 2 * _KEPT else "")


_BY_TEXT: Mapping[Treatment, _Texts] = {
    Treatment.MASK: _mask_text,
    Treatment.PARTIAL: _partial_text,
}


def _hash(text: str, hashed: Hashing) -> str:
    """The keyed hash with a keyed check of itself behind it: so nobody can write a text that is
    taken for a hash of ours and shown as it is."""
    if _HASH.fullmatch(text) and hmac.compare_digest(text, _checked(text[5:][:_DIGITS], hashed)):
        return text
    return _checked(hashed(["shown", text])[:_DIGITS], hashed)


def _checked(digits: str, hashed: Hashing) -> str:
    return f"hash:{digits}{hashed(['shown', 'check', digits])[: 24 - _DIGITS]}"
