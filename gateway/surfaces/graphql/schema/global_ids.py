"""Global ids: one text that names an entity by its type and key (Relay, Object Identification).

An id is ``1`` (its version) and the JSON list of type and key, in base64url without padding. It is
opaque to callers, and says nothing but what it names: whoever makes one up is let through to
nothing, since what it names is loaded as any call loads it. Each entity has exactly one id.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import orjson

KeyValue: TypeAlias = str | int
"""A field of a key."""

MAX_ID = 8192
"""How long an id may be, in characters."""

_VERSION = "1"
_ID = re.compile(rf"{_VERSION}[A-Za-z0-9_-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Named:
    """What an id names: a GraphQL type, and the fields of its key in the order of their names."""

    type: str
    key: tuple[KeyValue, ...]


def global_id(kind: str, key: Sequence[KeyValue]) -> str:
    """The id of the entity of type ``kind`` with this key."""
    return _VERSION + urlsafe_b64encode(orjson.dumps([kind, *key])).rstrip(b"=").decode()


def named_by(text: str) -> Named:
    """What an id names.

    Raises:
        ValueError: it is none that ``global_id`` makes.
    """
    if len(text) > MAX_ID or not _ID.fullmatch(text):
        raise ValueError("no id of this form")
    encoded = text[len(_VERSION) :]
    told = orjson.loads(urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    if not isinstance(told, list) or any(type(value) not in (str, int) for value in told):
        raise ValueError("no type with a key")
    kind, *key = told or [0]
    if not isinstance(kind, str) or not key:
        raise ValueError("no type with a key")
    if global_id(kind, key) != text:
        raise ValueError("not written as it is made")
    return Named(kind, tuple(key))
