"""The bytes of a manifest that are signed, and their digest.

They are those that ``JSON.stringify`` gives in a browser for the manifest without its signature,
with the keys sorted by ``localeCompare`` at every depth, so that a publisher can sign there.
Strings and numbers are written alike in ECMAScript and in RFC 8785 (section 3.2.2), whose
implementation is used for them; only the order of keys differs.
"""

import hashlib
import re
from collections.abc import Iterable

from gateway.model.json import JsonObject, JsonValue, canonical

_SPACES = "\t\n\x0b\x0c\r "
_SIGNS = "_-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$"
_ORDER = {sign: weight for weight, sign in enumerate(f"{_SPACES}{_SIGNS}0123456789", 1)}
_FIRST_LETTER = len(_ORDER) + 1
_ORDER |= {letter: _FIRST_LETTER + at for at, letter in enumerate("abcdefghijklmnopqrstuvwxyz")}
_BEYOND_ASCII = 1_000

_INDEX = re.compile(r"0|[1-9][0-9]{0,9}")
_MAX_INDEX = 2**32 - 2

_SortKey = tuple[tuple[int, ...], tuple[bool, ...], str]


def signed_bytes(manifest: JsonObject) -> bytes:
    """What a signature over ``manifest`` covers: everything but its ``signature``.

    Absent members are left out; a member that is null is there, as null.

    Raises:
        ValueError: it holds a number that ECMAScript does not keep exactly, or text that is not
            valid Unicode.
    """
    unsigned = {key: value for key, value in manifest.items() if key != "signature"}
    return _written(unsigned).encode()


def manifest_digest(manifest: JsonObject) -> str:
    """SHA-256 of the signed bytes, in hex.

    Raises:
        ValueError: as ``signed_bytes``.
    """
    return hashlib.sha256(signed_bytes(manifest)).hexdigest()


def _written(value: JsonValue) -> str:
    if isinstance(value, dict):
        members = (f"{_written(key)}:{_written(value[key])}" for key in in_order(value))
        return f"{{{','.join(members)}}}"
    if isinstance(value, list):
        return f"[{','.join(map(_written, value))}]"
    return canonical(value).decode()


def in_order(keys: Iterable[str]) -> list[str]:
    """Keys in the order in which a browser writes an object that was built in collation order.

    Keys that are array indexes (``0`` to ``4294967294``) come first, by number, whatever was
    sorted: ECMAScript keeps them so (OrdinaryOwnPropertyKeys). The others follow by the root
    collation of CLDR, as ``localeCompare`` has it for English: white space, punctuation, symbols,
    digits, letters whatever their case; of keys that differ in case alone, the one whose first
    differing letter is lower case. That is covered for printable ASCII and white space.

    What is not covered: the other control characters weigh nothing in the collation and come
    before everything here; characters beyond ASCII come after it, by code point. A publisher who
    uses them in keys may have to sign with this gateway's command.
    """
    found = list(keys)
    indexes = [key for key in found if _is_index(key)]
    return sorted(indexes, key=int) + sorted(set(found).difference(indexes), key=_collated)


def _is_index(key: str) -> bool:
    return _INDEX.fullmatch(key) is not None and int(key) <= _MAX_INDEX


def _collated(key: str) -> _SortKey:
    return tuple(map(_weight, key)), tuple(character.isupper() for character in key), key


def _weight(character: str) -> int:
    if not character.isascii():
        return _BEYOND_ASCII + ord(character)
    return _ORDER.get(character.lower(), 0)
