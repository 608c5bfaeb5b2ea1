"""The scalars of contracts as GraphQL scalars.

The gateway's own scalars let every JSON value through: whether a value is a date or an e-mail
address is checked once, by the pipeline, for every door alike.
"""

from math import isfinite

import strawberry
from strawberry.types.scalar import ScalarDefinition

from gateway.model.json import JsonValue
from gateway.model.types import SCALARS
from gateway.surfaces.graphql.limits import Limits

_BUILT_IN: dict[str, object] = {
    "String": str,
    "Int": int,
    "Float": float,
    "Boolean": bool,
    "ID": strawberry.ID,
}

_DESCRIPTIONS = {
    "JSON": "Any JSON value.",
    "JSONObject": "A JSON object.",
    "Date": "A calendar date, as RFC 3339 full-date: 2026-05-31.",
    "DateTime": "A moment with its offset, as RFC 3339: 2026-05-31T12:00:00Z.",
    "Time": "A time of day: 12:30:00.",
    "TimeZone": "A time zone of the IANA database: Europe/Lisbon.",
    "Locale": "A language tag, as BCP 47: pt-BR.",
    "CountryCode": "A country, as ISO 3166-1 alpha-2: PT.",
    "Currency": "A currency, as ISO 4217: EUR.",
    "EmailAddress": "An e-mail address, as RFC 5322 addr-spec.",
    "PhoneNumber": "A telephone number, as E.164: +351210000000.",
    "URL": "An absolute URL.",
    "NonEmptyString": "A string with at least one character that is not white space.",
    "Latitude": "Degrees north, from -90 to 90.",
    "Longitude": "Degrees east, from -180 to 180.",
}

_LIMITS = Limits()
_LARGEST = 10**_LIMITS.json_integer_digits


def json_input(value: JsonValue) -> JsonValue:
    """``value`` itself, if it is JSON that every reader keeps.

    Variables were checked when the body was read; this stops what only a literal in the
    document can hold: ``1e999``, endless integers and endless nesting.

    Raises:
        ValueError: a number or a nesting beyond the limits.
    """
    todo = [(value, 1)]
    while todo:
        item, depth = todo.pop()
        if isinstance(item, float) and not isfinite(item):
            raise ValueError("a number beyond a double")
        if isinstance(item, int) and abs(item) >= _LARGEST:
            raise ValueError(f"an integer of more than {_LIMITS.json_integer_digits} digits")
        if isinstance(item, dict | list):
            if depth > _LIMITS.json_depth:
                raise ValueError(f"nesting deeper than {_LIMITS.json_depth}")
            inner = item.values() if isinstance(item, dict) else item
            todo.extend((child, depth + 1) for child in inner)
    return value


# Strawberry finds a scalar by the Python type in an annotation; one empty class each will do.
_CUSTOM: dict[str, type] = {name: type(name, (), {}) for name in sorted(SCALARS - set(_BUILT_IN))}

SCALAR_TYPES: dict[str, object] = {**_BUILT_IN, **_CUSTOM}
"""The Python type that stands for each scalar in an annotation."""


def scalar_map() -> dict[object, ScalarDefinition]:
    """How Strawberry is to present the gateway's own scalars."""
    return {
        python_type: strawberry.scalar(
            name=name,
            description=_DESCRIPTIONS[name],
            serialize=lambda value: value,
            parse_value=json_input,
        )
        for name, python_type in _CUSTOM.items()
    }
