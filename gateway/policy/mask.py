"""Masking: what is left of a PII value for those who may not see it."""

from gateway.model.decision import Treatment
from gateway.model.json import JsonValue

MASK = "•••"
"""What stands for the hidden part of a text."""

_SHORT = 3
_MAX_DEPTH = 64


def mask_value(value: JsonValue, treatment: Treatment) -> JsonValue:
    """``value`` as ``treatment`` shows it. Never raises and never alters ``value``.

    Raw leaves it as it is; drop gives None. Mask keeps the first character of a text of more than
    three (of an e-mail address: of the part before the @, and its shape), so that ``ada@acme.io``
    becomes ``•••@•••`` and ``Lovelace`` ``L•••``. Numbers, booleans and anything that is not JSON
    become None; lists and objects keep their shape and keys, down to 64 levels. Masking what is
    masked changes nothing.
    """
    if treatment is Treatment.RAW:
        return value
    if treatment is Treatment.MASK:
        return _mask(value, _MAX_DEPTH)
    return None


def _mask(value: JsonValue, depth: int) -> JsonValue:
    if isinstance(value, str):
        return _mask_text(value)
    if depth > 0 and isinstance(value, list):
        return [_mask(item, depth - 1) for item in value]
    if depth > 0 and isinstance(value, dict):
        return {key: _mask(item, depth - 1) for key, item in value.items()}
    return None


def _mask_text(text: str) -> str:
    local, at, _ = text.rpartition("@")
    return f"{_mask_word(local)}@{MASK}" if at and local else _mask_word(text)


def _mask_word(word: str) -> str:
    return MASK if len(word) <= _SHORT else word[0] + MASK
