"""The two forms of JSON in a bundle, each of which has exactly one spelling for a value.

Signed files and entries are compact; views for people are indented. A file in any other spelling
was not written by an exporter: two readers might then understand it differently.
"""

from collections.abc import Callable

import orjson

from gateway.model.json import JsonValue, canonical, decode, encode

MAX_DEPTH = 200
"""How deep values in a bundle may be nested; contracts allow far less."""

MOST_CONTAINERS = 2_000_000
"""How many lists and objects one text may hold, which is far more than runs record. A thousand
bytes of empty ones take one byte of an archive, and each takes sixty in memory."""

Form = Callable[[JsonValue], bytes]


class FormError(ValueError):
    """A text is not in the form that it should have; the message says why."""


def indented(value: JsonValue) -> bytes:
    """JSON for people: sorted keys, two spaces, a newline at the end."""
    options = orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    return orjson.dumps(value, option=options)


def compact(value: JsonValue) -> bytes:
    """One line of JSON as the journal stores it, without a newline."""
    return encode(value).encode()


def signed(value: JsonValue) -> bytes:
    """The bytes that are signed: RFC 8785."""
    return canonical(value)


def read(text: bytes, form: Form) -> JsonValue:
    """The value of a text in this form.

    Raises:
        FormError: it is no JSON, holds too much, is nested too deep, or has another spelling.
    """
    if text.count(b"[") + text.count(b"{") > MOST_CONTAINERS:
        raise FormError(f"it holds more than {MOST_CONTAINERS} lists and objects")
    try:
        value = decode(text)
    except ValueError as error:
        raise FormError("it is not JSON") from error
    if is_too_deep(value):
        raise FormError(f"it is nested more than {MAX_DEPTH} deep")
    try:
        same = form(value) == text
    except (ValueError, TypeError):
        same = False
    if not same:
        raise FormError("it is not spelled as exporters spell it")
    return value


def is_too_deep(value: JsonValue) -> bool:
    """Whether a value is nested deeper than any value in a bundle."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for item in level for inner in _inside(item)]
        if not level:
            return False
    return True


def _inside(value: JsonValue) -> list[JsonValue]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
