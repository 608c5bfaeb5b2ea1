"""JSON that reads the same to everybody, quickly found to be so.

A reader that refuses what RFC 8259 and RFC 7493 leave open must look at each member. Most texts
have nothing of it, and orjson and a few counts show that. What they do not show needs the slow way.
"""

import re
from typing import Any

import orjson

from gateway.model.json import JsonObject

_EXACTLY = (
    orjson.OPT_STRICT_INTEGER
    | orjson.OPT_PASSTHROUGH_DATACLASS
    | orjson.OPT_PASSTHROUGH_DATETIME
    | orjson.OPT_PASSTHROUGH_SUBCLASS
)
_STRINGS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
MOST_DIGITS = 16
"""So many digits an integer of plain JSON may have: all of 53 bits."""

_UNUSUAL_NUMBER = re.compile(rb"[0-9.]{16}|[0-9][eE]")
"""A number that readers could take differently, or that orjson takes differently than others."""

_NESTING = frozenset({dict, list})


def plain_object(raw: bytes, deepest: int, most: int | None = None) -> JsonObject | None:
    """The object that ``raw`` is, nested at most ``deepest`` deep and with at most ``most`` arrays
    and objects in it; None where that is not plain.

    orjson refuses whatever is not strict JSON in UTF-8, but keeps the last of equal keys, and makes
    a float of an integer beyond 64 bits. A key is there twice where the text has more colons
    outside of strings than the object has members. What is written again as it came, as most is
    that JavaScript wrote, lost nothing.
    """
    containers = raw.count(b"{") + raw.count(b"[")  # or more, with those in strings
    if most is not None and containers > most:
        return None
    try:
        value = orjson.loads(raw)
        is_same = orjson.dumps(value, option=_EXACTLY) == raw
    except (orjson.JSONDecodeError, TypeError):
        return None
    if type(value) is not dict:
        return None
    if is_same and containers <= deepest:
        return value
    levels = _levels(value)
    if len(levels) > deepest:
        return None
    if not is_same:
        bare = _STRINGS.sub(b"", raw)
        members = sum(len(one) for level in levels for one in level if type(one) is dict)
        if _UNUSUAL_NUMBER.search(bare) or members != bare.count(b":"):
            return None
    return value


def is_exact(value: object) -> bool:
    """Whether a value can be written as JSON and nothing of it is lost then, but for tuples, which
    come back as lists, and numbers that are not finite."""
    try:
        orjson.dumps(value, option=_EXACTLY)
    except TypeError:
        return False
    return True


def plain_copy(value: object, deepest: int | None = None) -> Any:
    """``value`` written as JSON and read again, if it is the same then and nested at most
    ``deepest`` deep, or as deep as orjson writes; else None.

    What the writer changes (a tuple, a number that is not finite) does not come back as it was, and
    the rest it refuses: integers beyond 53 bits, unpaired surrogates, objects of Python.
    """
    try:
        copy = orjson.loads(orjson.dumps(value, option=_EXACTLY))
    except TypeError:
        return None
    if copy != value or (deepest is not None and len(_levels(copy)) > deepest):
        return None
    return copy


def _levels(value: Any) -> list[list[Any]]:
    """The arrays and objects of a value, by how deep they are nested."""
    levels = []
    level = [value] if type(value) in _NESTING else []
    while level:
        levels.append(level)
        level = [
            one
            for outer in level
            for one in (outer.values() if type(outer) is dict else outer)
            if type(one) in _NESTING
        ]
    return levels
