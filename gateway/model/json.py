"""JSON values, their canonical form and their digests.

The canonical form is RFC 8785 (JSON Canonicalization Scheme), so a digest is the same on any
machine and for any order of keys. Digests are SHA-256 in lower-case hex; over anything that could
hold PII they are HMAC-SHA-256 under a key of the workspace, so that nobody can guess a value.
"""

import hashlib
import hmac
import json
import re
from functools import lru_cache
from typing import Any, TypeAlias

import orjson
import rfc8785

JsonValue: TypeAlias = Any
"""None, bool, int, float, str, or lists and string-keyed dicts of these."""
JsonObject: TypeAlias = dict[str, Any]

MAX_SAFE_INTEGER = 2**53 - 1
"""The largest integer that every JSON reader keeps exactly (RFC 7493)."""


def is_unicode(text: str) -> bool:
    """False for a text with lone surrogates, which cannot be written as UTF-8."""
    if text.isascii():  # known of each text, and true of most
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def unique_members(members: list[tuple[str, JsonValue]]) -> JsonObject:
    """The object of these members, as an ``object_pairs_hook`` of ``json``.

    Raises:
        ValueError: a key is there twice, of which readers take one or the other.
    """
    found = dict(members)
    if len(found) != len(members):
        raise ValueError("a key is there twice in one object")
    return found


def decode_unique(text: bytes) -> JsonValue:
    """The value of a JSON text that somebody else shows, in which no key is there twice.

    Raises:
        ValueError: it is no JSON, or a key is there twice; the message is a clause.
    """
    try:
        value = decode(text)
    except ValueError as error:
        raise ValueError("it is not JSON") from error
    try:
        json.loads(text, object_pairs_hook=unique_members)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
    return value


def canonical(value: JsonValue) -> bytes:
    """The RFC 8785 form of ``value``.

    Raises:
        ValueError: a number that no JSON reader keeps, or a string that is not valid Unicode.
    """
    if _is_plain(value):
        try:
            return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
        except orjson.JSONEncodeError as error:
            raise ValueError(f"it has no canonical form: {error}") from error
    return rfc8785.dumps(value)


def _is_plain(value: JsonValue) -> bool:
    """True where orjson with sorted keys writes the very RFC 8785 form, ten times as fast.

    The two differ in numbers that are not integers, in integers that RFC 8785 refuses, and in the
    order of keys beyond ASCII.
    """
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return True
    if kind is dict:
        for key, item in value.items():  # a generator would take twice as long
            if type(key) is not str or not key.isascii() or not _is_plain(item):
                return False
        return True
    if kind is list:
        return all(map(_is_plain, value))
    return kind is int and bool(-MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER)


def digest(value: JsonValue) -> str:
    """SHA-256 of the canonical form, in hex. Not for values that may hold PII."""
    return hashlib.sha256(canonical(value)).hexdigest()


def keyed_digest(key: bytes, value: JsonValue) -> str:
    """HMAC-SHA-256 of the canonical form under ``key``, in hex."""
    keyed = _keyed(key).copy()
    keyed.update(canonical(value))
    return keyed.hexdigest()


@lru_cache(maxsize=1024)
def _keyed(key: bytes) -> hmac.HMAC:
    """The hash of nothing under ``key``: to copy it costs half of what to key another one does."""
    return hmac.new(key, digestmod=hashlib.sha256)


def encode(value: JsonValue) -> str:
    """Compact JSON text with sorted keys: how values are stored (fast, not RFC 8785)."""
    return encoded(value).decode()


def encoded(value: JsonValue) -> bytes:
    """``encode`` as UTF-8."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def decode(text: str | bytes) -> JsonValue:
    """The value of stored JSON text."""
    return orjson.loads(text)


def pointer(*parts: str | int) -> str:
    """A JSON pointer (RFC 6901) to the value under ``parts``."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in parts)


_NAME = re.compile(r"[$A-Za-z_][A-Za-z0-9_]{0,99}")


def shown_name(part: str | int) -> str | int:
    """A step of a path as it may be sent back: a name of GraphQL or an operator, or an index.

    Callers choose the names of unknown fields and the keys of free JSON. Whatever is no plain name
    may be somebody's address or number, and is shown as ``?``.
    """
    return part if isinstance(part, int) or _NAME.fullmatch(part) else "?"
