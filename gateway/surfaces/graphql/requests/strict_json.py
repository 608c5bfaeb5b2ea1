"""JSON as RFC 8259 and RFC 7493 (I-JSON) have it: what readers could take differently is refused.

Refused are encodings other than UTF-8, a byte order mark, keys that appear twice, NaN and
Infinity, numbers beyond a double, endless integers, unpaired surrogates and deep nesting. All
findings of one text (up to the limit) are told at once, each with its place.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate, islice
from math import isfinite
from typing import NoReturn

from gateway.model.json import JsonValue, pointer, shown_name
from gateway.model.plain_json import MOST_DIGITS, plain_object
from gateway.model.problem import Issue, ProblemError, refuse
from gateway.surfaces.graphql.limits import Limits

_BRACKETS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{}]', re.DOTALL)
_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEPS = tuple(1 if byte in b"[{" else -1 for byte in range(256))
_ODD_NUMBER = re.compile(r"[0-9]{16}|[eE]\+?[0-9]{3}")
"""No number is too long or beyond a double in a text without these: it has fewer than 16 digits
in a row, and an exponent of two."""

_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class _Refused:
    """Stands in a parsed value for a part that is not accepted, until its place is known."""

    code: str
    message: str


def parse_json(text: bytes | str, where: str, base: str, limits: Limits) -> JsonValue:
    """The value of a JSON text from outside.

    ``where`` names the text in findings that have only a line and a column (``body``), ``base``
    is the JSON pointer under which values of the text are told.

    Raises:
        ProblemError: BAD_REQUEST with every finding.
    """
    raw = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    if limits.json_integer_digits >= MOST_DIGITS:
        plain = plain_object(raw, limits.json_depth, limits.json_containers)
        if plain is not None:
            return plain
    decoded = _decode(text, where) if isinstance(text, bytes) else text
    _check_nesting(decoded, where, limits)
    reader = _Reader(limits)
    try:
        value = reader.read(decoded)
    except json.JSONDecodeError as error:
        _refuse(where, [_syntax_issue(where, error)])
    if reader.refused or _SURROGATE_ESCAPE.search(decoded) or _SURROGATE.search(decoded):
        found = list(islice(_findings(value, base), limits.issues))
        if found:
            _refuse(where, found)
    return value


_CONSTANTS = {
    name: _Refused("OUT_OF_RANGE", f"{name} is not JSON; send a number or null")
    for name in ("NaN", "Infinity", "-Infinity")
}
"""Made once: a body has room for 65,000 of them."""


class _Reader:
    """The standard library's parser with hooks for what it would let through."""

    def __init__(self, limits: Limits) -> None:
        self.refused = False
        self._digits = limits.json_integer_digits

    def read(self, text: str) -> JsonValue:
        is_odd = _ODD_NUMBER.search(text) is not None  # else the parser's own reading is as strict
        return json.loads(
            text,
            object_pairs_hook=self._object,
            parse_constant=self._constant,
            parse_int=self._integer if is_odd else None,
            parse_float=self._float if is_odd else None,
        )

    def _refuse(self, code: str, message: str) -> _Refused:
        self.refused = True
        return _Refused(code, message)

    def _object(self, pairs: list[tuple[str, JsonValue]]) -> JsonValue:
        found = dict(pairs)
        if len(found) != len(pairs):
            return self._refuse("DUPLICATE_KEY", "a key appears twice in this object; keep one")
        return found

    def _constant(self, name: str) -> _Refused:
        self.refused = True
        return _CONSTANTS[name]

    def _integer(self, digits: str) -> int | _Refused:
        if len(digits.lstrip("-")) > self._digits:
            message = f"the integer has more than {self._digits} digits; send it as a string"
            return self._refuse("OUT_OF_RANGE", message)
        return int(digits)

    def _float(self, text: str) -> float | _Refused:
        number = float(text)
        if not isfinite(number):
            message = "the number is beyond a double; send a smaller one, or a string"
            return self._refuse("OUT_OF_RANGE", message)
        return number


def _decode(raw: bytes, where: str) -> str:
    if raw.startswith(b"\xef\xbb\xbf"):
        message = "the text starts with a byte order mark; send UTF-8 without one"
        _refuse(where, [Issue(f"{where}:1:1", "INVALID_JSON", message)])
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        message = f"byte {error.start} is not UTF-8; encode the text as UTF-8"
        _refuse(where, [Issue(where, "INVALID_JSON", message)])


def _check_nesting(text: str, where: str, limits: Limits) -> None:
    """Refuse deep nesting and very many arrays and objects before the parser ever sees them: it
    recurses, and takes far more memory and time for them than for their text."""
    most = min(limits.json_depth, limits.json_containers)
    if text.count("[") + text.count("{") <= most:
        return
    outside = _STRING.sub("", text)
    opened = outside.count("[") + outside.count("{")
    if opened > limits.json_containers:
        message = f"there are more than {limits.json_containers} arrays and objects; send fewer"
        _refuse(where, [Issue(where, "TOO_MANY", message)])
    if _depth(outside) > limits.json_depth:
        message = f"values are nested deeper than {limits.json_depth}; send a flatter value"
        _refuse(where, [Issue(_place_too_deep(text, where, limits), "TOO_DEEP", message)])


def _depth(outside: str) -> int:
    """How deep the brackets of a text without strings go, which is quick to see."""
    brackets = outside.encode("utf-8", "surrogatepass").translate(None, _NO_BRACKETS)
    return max(accumulate(map(_STEPS.__getitem__, brackets)), default=0)


def _place_too_deep(text: str, where: str, limits: Limits) -> str:
    depth = 0
    for token in _BRACKETS.finditer(text):
        mark = token[0]
        depth += (mark in "[{") - (mark in "]}")
        if depth > limits.json_depth:
            return _position(where, text, token.start())
    return where


def _position(where: str, text: str, index: int) -> str:
    line = text.count("\n", 0, index) + 1
    column = index - text.rfind("\n", 0, index)
    return f"{where}:{line}:{column}"


def _syntax_issue(where: str, error: json.JSONDecodeError) -> Issue:
    at = f"{where}:{error.lineno}:{error.colno}"
    said = error.msg.lower().removesuffix(" at").removesuffix(" starting")
    return Issue(at, "INVALID_JSON", f"{said}; send JSON as RFC 8259 has it")


def _findings(value: JsonValue, base: str) -> Iterator[Issue]:
    """Every refused part of ``value`` with its JSON pointer, in the order of the text."""
    todo: list[Iterator[tuple[JsonValue, str]]] = [iter([(value, base)])]
    while todo:
        found = next(todo[-1], None)
        if found is None:
            todo.pop()
            continue
        item, path = found
        if isinstance(item, _Refused):
            yield Issue(path, item.code, item.message)
        elif isinstance(item, str):
            if _SURROGATE.search(item):
                yield _surrogate(path, "the string")
        elif isinstance(item, list):
            todo.append(_parts(enumerate(item), path))
        elif isinstance(item, dict):
            if any(_SURROGATE.search(key) for key in item):
                yield _surrogate(path, "a key")
            else:
                todo.append(_parts(((shown_name(key), one) for key, one in item.items()), path))


def _parts(
    members: Iterable[tuple[str | int, JsonValue]], path: str
) -> Iterator[tuple[JsonValue, str]]:
    """Members with their pointers, made only as far as they are looked at."""
    return ((inner, path + pointer(name)) for name, inner in members)


def _surrogate(path: str, what: str) -> Issue:
    message = f"{what} holds half of a surrogate pair; send the whole character"
    return Issue(path, "INVALID_FORMAT", message)


def _refuse(where: str, issues: list[Issue]) -> NoReturn:
    first = issues[0]
    more = f" (and {len(issues) - 1} more)" if len(issues) > 1 else ""
    detail = f"The {where} is not JSON that the gateway accepts: {first.message}{more}."
    error: ProblemError = refuse("BAD_REQUEST", detail, issues=tuple(issues))
    raise error from None
