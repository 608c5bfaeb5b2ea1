"""Canaries: a value that nobody else has for each PII field, so that a hit says which one leaked.

Texts carry a mark that no other text has and a number; numbers and dates begin like no other number
or date does. What has too little in it to be unique (a boolean, a currency) is planted too, but
cannot be searched for.
"""

import json
from dataclasses import dataclass
from random import Random
from typing import Any

MARK = "qzcanary"
"""What every textual canary holds, followed by six letters and digits."""

_SIGNS = "0123456789abcdefghijkmnpqrstuvwx"
UNSEARCHABLE = frozenset({"Boolean", "TimeZone", "CountryCode", "Currency"})
"""Scalars whose values are too common to be told from others."""

PLAIN: dict[str, Any] = {
    "String": "plain",
    "ID": "id-1",
    "Int": 7,
    "Float": 7.5,
    "Boolean": True,
    "JSON": {"plain": [1]},
    "JSONObject": {"plain": 1},
    "Date": "2031-01-31",
    "DateTime": "2031-01-31T12:00:00Z",
    "Time": "12:00:00",
    "TimeZone": "Europe/Lisbon",
    "Locale": "pt",
    "CountryCode": "PT",
    "Currency": "EUR",
    "EmailAddress": "plain@example.com",
    "PhoneNumber": "+41446681800",
    "URL": "https://example.com/plain",
    "NonEmptyString": "plain",
    "Latitude": 1.5,
    "Longitude": 1.5,
}
"""Values that are no PII."""


@dataclass(frozen=True, slots=True)
class Canary:
    """A planted value: ``where`` says the field, ``needle`` what of it is searched for."""

    where: str
    scalar: str
    needle: str
    value: Any


class Canaries:
    """Mints values. The same ``seed`` gives the same ones in the same order."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311 - values to be repeated, not secrets
        self._count = 0
        self.planted: dict[str, Canary] = {}
        self.sent: list[tuple[str, Any]] = []

    def mint(self, scalar: str, where: str) -> Any:
        """A new value of a scalar for the field ``where``."""
        if scalar in UNSEARCHABLE:
            return PLAIN[scalar]
        self._count += 1
        needle, value = self._value(scalar, self._count)
        self.planted[needle] = Canary(where, scalar, needle, value)
        return value

    def send(self, where: str, value: Any) -> None:
        """Note a whole input, whose plain hash would be as telling as that of its parts."""
        self.sent.append((where, value))

    def text(self, where: str) -> str:
        """A new text."""
        return str(self.mint("String", where))

    def _value(self, scalar: str, number: int) -> tuple[str, Any]:
        if scalar in ("Int", "Float", "Latitude", "Longitude"):
            return self._number(scalar, number)
        if scalar in ("Date", "DateTime", "Time", "PhoneNumber"):
            return self._digits(scalar, number)
        sign = "".join(self._random.choices(_SIGNS, k=6))
        return sign, _text(scalar, sign)

    def _number(self, scalar: str, number: int) -> tuple[str, Any]:
        if scalar == "Int":
            return (text := f"19371{number:05d}"), int(text)
        if scalar == "Float":
            return (text := f"719371{number:07d}"), float(f"{text}.5")
        text = f"9.3719371{number:06d}1"
        return text, float(text)

    def _digits(self, scalar: str, number: int) -> tuple[str, str]:
        if scalar == "PhoneNumber":
            return (text := f"15193{number:06d}"), f"+49{text}"
        if scalar == "Time":
            return (text := f".719371{number % 1000:03d}"), f"12:34:56{text}"
        year, rest = divmod(number, 336)
        text = f"11{year:02d}-{rest // 28 + 1:02d}-{rest % 28 + 1:02d}"
        return text, text if scalar == "Date" else f"{text}T07:08:09Z"


def _text(scalar: str, sign: str) -> Any:
    token = MARK + sign
    match scalar:
        case "EmailAddress":
            return f"{token}@example.com"
        case "URL":
            return f"https://example.com/{token}?of={token}"
        case "Locale":
            return f"de-x-{MARK}-{sign}"
        case "ID":
            return token
        case "JSON":
            return [{"deep": [f"A {token}"], f"key {token}": 1}, token]
        case "JSONObject":
            return {"deep": {"list": [f"A {token}"]}, f"key {token}": None}
    return f'Ms {token.capitalize()} d\'Ünï "of" <{token}>/\\'


def spellings(canary: Canary) -> set[str]:
    """How a value may have been written before somebody hashed it."""
    value = canary.value
    written = json.dumps(value), json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    plain = value if isinstance(value, str) else written[1]
    return {plain, plain.lower(), plain.strip(), canary.needle, MARK + canary.needle, *written}
