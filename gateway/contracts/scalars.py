"""The scalars: what each of them accepts, checked for real.

Values are kept as they were written, except that an ``ID`` may come as an integer and becomes text.
Nothing is looked up over the network and no value is kept or repeated in a message.

The libraries that know addresses and phone numbers are imported by the functions that ask them:
loading their rules takes longer than most processes have values to hold to them.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Annotated, Any, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from gateway.contracts.codes import countries, currencies, languages, scripts, time_zones
from gateway.model.json import (
    MAX_SAFE_INTEGER,
    JsonValue,
    encoded,
    is_unicode,
    pointer,
    shown_name,
)
from gateway.model.pii import SEALED
from gateway.model.plain_json import plain_copy
from gateway.model.sealing import COMMITTED

MAX_TEXT = 65_536
"""The most characters that any text may have."""

RESERVED_KEYS = frozenset({SEALED, COMMITTED})
"""Keys that mark sealed and committed values in the record; nobody else may write them."""

MAX_JSON_DEPTH = 64
"""How deep the value of a JSON or JSONObject may be nested."""

_TEXTS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"')
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MINUTES = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"  # some versions of Python take 24:00, or +01:60
_CLOCK = rf"{_MINUTES}:[0-5][0-9](?:\.[0-9]{{1,9}})?"
_OFFSET = rf"(?:[Zz]|[+-]{_MINUTES})"
_TIME = re.compile(rf"{_CLOCK}{_OFFSET}?")
_DATE_TIME = re.compile(rf"{_DATE.pattern}[Tt]{_CLOCK}{_OFFSET}")
_PHONE = re.compile(r"\+[0-9][0-9 ().-]{3,30}")
_NOT_IN_URL = re.compile(r"[\x00-\x20\x7f-\xa0\\<>\"^`{|}\u2028\u2029]")
_LOCALE = re.compile(
    r"(?P<language>[A-Za-z]{2,3})(?:-(?P<script>[A-Za-z]{4}))?(?:-(?P<region>[A-Za-z]{2}|[0-9]{3}))?"
    r"(?:-(?:[A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3})){0,4}"
    r"(?:-[A-WY-Za-wy-z0-9](?:-[A-Za-z0-9]{2,8}){1,4}){0,2}(?:-[xX](?:-[A-Za-z0-9]{1,8}){1,4})?"
)

TextCheck: TypeAlias = Callable[[str], object]
"""Raises ValueError for a text that the scalar does not accept."""


def _require(accepted: object) -> None:
    if not accepted:
        raise ValueError("not accepted")


def check_date(value: str) -> None:
    """A calendar date of RFC 3339 (full-date)."""
    _require(_DATE.fullmatch(value))
    date.fromisoformat(value)


def check_time(value: str) -> None:
    """A time of day of RFC 3339 (partial-time or full-time); leap seconds are not accepted."""
    _require(_TIME.fullmatch(value))
    time.fromisoformat(value.upper())


def check_date_time(value: str) -> None:
    """A moment of RFC 3339 (date-time), with its offset; leap seconds are not accepted."""
    _require(_DATE_TIME.fullmatch(value))
    datetime.fromisoformat(value.upper())


def check_time_zone(value: str) -> None:
    """A name of the IANA time zone database."""
    _require(value in time_zones())


def check_locale(value: str) -> None:
    """A language tag of BCP 47 (RFC 5646) whose language, script and region exist."""
    match = _LOCALE.fullmatch(value)
    if match is None:
        raise ValueError("not accepted")
    _require(match["language"].lower() in languages())
    _require(match["script"] is None or match["script"].title() in scripts())
    region = match["region"]
    _require(region is None or region.isdigit() or region.upper() in countries())


def check_country_code(value: str) -> None:
    """A country code of ISO 3166-1 alpha-2."""
    _require(value in countries())


def check_currency(value: str) -> None:
    """A currency code of ISO 4217."""
    _require(value in currencies())


def check_email(value: str) -> None:
    """An address of RFC 5321 and RFC 6531; whether its domain exists is not looked up."""
    from email_validator import validate_email

    validate_email(value, check_deliverability=False)


def check_phone(value: str) -> None:
    """A phone number in international form, E.164 or spaced, that its country could give out."""
    import phonenumbers

    _require(_PHONE.fullmatch(value))
    try:
        number = phonenumbers.parse(value, None)
    except phonenumbers.NumberParseException as error:
        raise ValueError("not accepted") from error
    _require(phonenumbers.is_valid_number(number))


def check_url(value: str) -> None:
    """An absolute http or https URL of RFC 3986 without credentials."""
    _require(not _NOT_IN_URL.search(value))
    parts = urlsplit(value)
    _require(parts.scheme.lower() in ("http", "https") and parts.hostname)
    _require("@" not in parts.netloc)
    _require(parts.port is None or parts.port > 0)


def check_not_blank(value: str) -> None:
    """A text with something in it besides white space."""
    _require(value.strip())


def check_json(value: JsonValue) -> JsonValue:
    """A JSON value that every reader keeps as it is (RFC 7493), nested at most 64 deep.

    Raises:
        PydanticCustomError: with the issue's code as its type and, in ``inner``, a JSON pointer to
            what is not accepted.
    """
    if value is None:
        raise PydanticCustomError("WRONG_TYPE", "a value is expected", {"inner": ""})
    if not _is_surely_kept(value):
        _walk(value, [])
    return value


def check_json_object(value: JsonValue) -> JsonValue:
    """As ``check_json``, and the value is an object."""
    if not isinstance(value, dict):
        raise PydanticCustomError("WRONG_TYPE", "an object is expected", {"inner": ""})
    return check_json(value)


def _is_surely_kept(value: JsonValue) -> bool:
    """True where all is in order, which is quick to see; False says nothing."""
    if plain_copy(value, MAX_JSON_DEPTH) is None:
        return False
    raw = encoded(value)
    if any(key.encode() in raw for key in RESERVED_KEYS):
        return False
    texts = () if len(raw) <= MAX_TEXT else _TEXTS.findall(raw)
    return max(map(len, texts), default=0) <= MAX_TEXT


def _walk(value: JsonValue, path: list[str | int]) -> None:
    """Look at every value by itself, to tell which is wrong; ``path`` is that of ``value``."""
    if isinstance(value, str):
        _check_text(value, path)
    elif isinstance(value, (dict, list)):
        _walk_members(value, path)
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise _refused("OUT_OF_RANGE", path, "not a finite number: send a finite one")
    elif isinstance(value, int):
        if abs(value) > MAX_SAFE_INTEGER:
            raise _refused("OUT_OF_RANGE", path, "too large to be kept exactly: send it as text")
    elif value is not None:
        raise _refused("WRONG_TYPE", path, "not a JSON value: send JSON")


def _walk_members(value: dict[Any, Any] | list[Any], path: list[str | int]) -> None:
    if len(path) >= MAX_JSON_DEPTH:
        raise _refused("TOO_DEEP", path, f"nested more than {MAX_JSON_DEPTH} deep: flatten it")
    members = value.items() if isinstance(value, dict) else enumerate(value)
    for step, member in members:
        if isinstance(value, dict):
            _check_key(step, path)
        path.append(step)  # one path for all: a tuple for each value costs more than all else
        _walk(member, path)
        path.pop()


def _check_key(key: Any, path: Sequence[str | int]) -> None:
    _check_text(key, path)
    if key in RESERVED_KEYS:
        raise _refused("NOT_ALLOWED", path, f"the key {key} is the gateway's own: rename it")


def _check_text(text: Any, path: Sequence[str | int]) -> None:
    if not isinstance(text, str):
        raise _refused("WRONG_TYPE", path, "a key that is not text: send JSON")
    if len(text) > MAX_TEXT:
        raise _refused("TOO_LONG", path, f"longer than {MAX_TEXT} characters: shorten it")
    if not is_unicode(text):
        raise _refused(
            "INVALID_FORMAT", path, "not valid Unicode (a lone surrogate): mend the text"
        )


def _refused(code: str, path: Sequence[str | int], what: str) -> PydanticCustomError:
    inner = pointer(*(shown_name(part) for part in path))
    return PydanticCustomError(code, "{what}", {"inner": inner, "what": what})


def _id_text(value: Any) -> Any:
    return str(value) if type(value) is int and abs(value) <= MAX_SAFE_INTEGER else value


def _kept(check: TextCheck) -> AfterValidator:
    """A validator that keeps the text as it is if ``check`` accepts it."""

    def keep(value: str) -> str:
        check(value)
        return value

    return AfterValidator(keep)


@dataclass(frozen=True, slots=True)
class ScalarType:
    """A scalar: ``expected`` says in words what it accepts, ``annotation`` is what pydantic
    validates with."""

    expected: str
    annotation: Any


_TEXT = Annotated[str, Field(max_length=MAX_TEXT)]


def _text(expected: str, check: TextCheck, longest: int = MAX_TEXT) -> ScalarType:
    return ScalarType(expected, Annotated[str, Field(max_length=longest), _kept(check)])


def _number(expected: str, bound: float) -> ScalarType:
    annotation = Annotated[float, Field(ge=-bound, le=bound, allow_inf_nan=False)]
    return ScalarType(expected, annotation)


SCALAR_TYPES: Mapping[str, ScalarType] = {
    "String": ScalarType("text", _TEXT),
    "ID": ScalarType("an id (text or a whole number)", Annotated[_TEXT, BeforeValidator(_id_text)]),
    "Int": ScalarType(
        "a whole number of 32 bits", Annotated[int, Field(ge=-(2**31), le=2**31 - 1)]
    ),
    "Float": ScalarType("a finite number", Annotated[float, Field(allow_inf_nan=False)]),
    "Boolean": ScalarType("true or false", bool),
    "JSON": ScalarType("a JSON value", Annotated[Any, AfterValidator(check_json)]),
    "JSONObject": ScalarType("a JSON object", Annotated[Any, AfterValidator(check_json_object)]),
    "Date": _text("a date such as 2026-01-31", check_date, 10),
    "DateTime": _text(
        "a date and time with offset such as 2026-01-31T12:00:00Z", check_date_time, 40
    ),
    "Time": _text("a time such as 12:00:00 or 12:00:00Z", check_time, 30),
    "TimeZone": _text("an IANA time zone such as Europe/Berlin", check_time_zone, 64),
    "Locale": _text("a language tag such as de-CH", check_locale, 128),
    "CountryCode": _text("an ISO 3166-1 country code such as CH", check_country_code, 2),
    "Currency": _text("an ISO 4217 currency code such as EUR", check_currency, 3),
    "EmailAddress": _text("an e-mail address such as ada@example.com", check_email, 320),
    "PhoneNumber": _text("an international phone number such as +41446681800", check_phone, 40),
    "URL": _text("an absolute http or https URL without credentials", check_url, 4096),
    "NonEmptyString": _text("text that is not blank", check_not_blank),
    "Latitude": _number("a latitude from -90 to 90", 90),
    "Longitude": _number("a longitude from -180 to 180", 180),
}
"""Every scalar by its name."""
