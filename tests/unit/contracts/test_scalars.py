# ruff: noqa: E501 - one row of a table stays on one line
import math

import pytest

from gateway.contracts.io import Io
from gateway.contracts.scalars import MAX_TEXT, SCALAR_TYPES
from gateway.model.problem import ProblemError
from gateway.model.types import SCALARS, parse_type


def deep(levels):
    value = []
    for _ in range(levels - 1):
        value = [value]
    return value


ACCEPTED = {
    "String": ["", "a", "😀", "x" * MAX_TEXT, "a\nb"],
    "NonEmptyString": ["a", " a "],
    "ID": ["a", 7, "", -3],
    "Int": [0, 2**31 - 1, -(2**31)],
    "Float": [0, 1.5, -1e300, 2**70],
    "Boolean": [True, False],
    "JSON": [1, "a", True, [None, {"a": 1.5}], {}, 2**53 - 1, deep(64)],
    "JSONObject": [{}, {"a": {"b": [1, None]}}],
    "Date": ["2026-01-31", "2024-02-29"],
    "DateTime": [
        *("2026-01-31T12:00:00Z", "2026-01-31t12:00:00z", "2026-01-31T12:00:00.123456789+05:30"),
        "0001-01-01T00:00:00-12:00",
    ],
    "Time": ["12:00:00", "23:59:59.5", "12:00:00Z", "12:00:00+01:00"],
    "TimeZone": ["Europe/Berlin", "UTC", "America/Argentina/Buenos_Aires", "Etc/GMT+3"],
    "Locale": ["de", "de-CH", "zh-Hant-TW", "es-419", "sl-rozaj", "de-DE-u-co-phonebk", "EN-us", "gsw"],
    "CountryCode": ["CH", "US", "DE"],
    "Currency": ["EUR", "JPY", "CHF"],
    "EmailAddress": ["ada@example.com", "a.b+c@sub.example.org", "jürgen@müller.de"],
    "PhoneNumber": ["+41446681800", "+1 202-555-0123", "+44 20 7946 0958"],
    "URL": [
        *("https://example.com", "http://localhost:8000/a?b=c#d", "https://[::1]/", "HTTPS://a.b/"),
        "https://example.com/%20",
    ],
    "Latitude": [0, -90, 90.0, 47.3],
    "Longitude": [0, -180, 180.0, 8.5],
}  # fmt: skip

REFUSED = {
    "String": [1, True, ["a"], "x" * (MAX_TEXT + 1), "\ud800", b"a"],
    "NonEmptyString": ["", "  \t\n", "\u2003"],
    "ID": [True, 1.0, None, [], {}, 2**60],
    "Int": [2**31, -(2**31) - 1, True, "1", 1.0, 10**400],
    "Float": [True, "1", math.nan, math.inf, 10**400],
    "Boolean": [0, 1, "true", None],
    "JSON": [math.nan, 2**53, [math.inf], {"a": "\ud800"}, {1: 2}, {"\ud800": 1}, {1, 2}, deep(65), None],
    "JSONObject": [[], "a", 1, None, {"a": deep(64)}],
    "Date": ["2026-02-29", "2026-1-1", "20260101", "2026-01-01T00:00:00Z", "٢٠٢٦-01-01", "2026-W01-1"],
    "DateTime": [
        *("2026-01-31T12:00:00", "2026-01-31", "2026-01-31 12:00:00Z", "2026-01-31T24:00:00Z"),
        *("2026-01-31T12:00:00+24:00", "2026-01-31T12:00:00-01:60", "2026-01-31T12:00:00+0100", "2026-13-01T00:00:00Z"),
        *("2026-01-31T12:00:60Z", "2026-01-31T12:00:00.Z", "2026-01-31T12:00Z", "0000-01-01T00:00:00Z"),
    ],
    "Time": ["12:00", "24:00:00", "12:00:00+1", "1:00:00", "", "12:00:00+01:60", "12:60:00"],
    "TimeZone": ["Mars/Base", "europe/berlin", "../etc/passwd", "", "CEST"],
    "Locale": ["de_CH", "xx", "de-XX", "de-Zzzy", "deutsch-CH", "", "de-", "-de", "de-CH-1901-1901-1901-1901-1901"],
    "CountryCode": ["ch", "XX", "CHE", "UK", ""],
    "Currency": ["eur", "XYZ", "EURO", "€"],
    "EmailAddress": ["ada", "ada@", "@example.com", "a b@example.com", "a@localhost", "a@b@c.de", "a@-x.de", "\ud800@a.de", "Ada <ada@example.com>"],
    "PhoneNumber": ["0446681800", "+41", "+999123456789", "+1-800-FLOWERS", "tel:+41446681800", "+1 202-555-0123 ext. 5"],
    "URL": [
        *("example.com", "ftp://example.com", "//example.com", "https://", "https:///a", "javascript:alert(1)"),
        *("https://a:b@example.com", "https://a@example.com", "https://exa mple.com", "https://a\n.com"),
        *("https://a.com:99999", "https://a.com:x", "https://[::1", "https://a.com\\@b.com", "https://a.com/\x00"),
        *("https://a.com:0", "https://a.com/" + "x" * 5000),
    ],
    "Latitude": [90.1, -90.1, "47", True, math.nan],
    "Longitude": [180.1, -180.1, math.inf],
}  # fmt: skip


def io_of(name):
    return Io("Sample", {"value": parse_type(f"{name}!")}, {})


def cases(table):
    return [
        pytest.param(name, value, id=f"{name}-{index}")
        for name, values in table.items()
        for index, value in enumerate(values)
    ]


def test_every_scalar_of_the_notation_is_here_and_sampled():
    assert set(SCALAR_TYPES) == set(SCALARS) == set(ACCEPTED) == set(REFUSED)


@pytest.mark.parametrize(("name", "value"), cases(ACCEPTED))
def test_accepted_values_are_kept_as_written(name, value):
    checked = io_of(name).check({"value": value})
    assert checked == {"value": str(value) if name == "ID" else value}


@pytest.mark.parametrize(("name", "value"), cases(REFUSED))
def test_refused_values_get_one_issue_at_their_place(name, value):
    with pytest.raises(ProblemError) as refused:
        io_of(name).check({"value": value}, "/input")
    (issue,) = refused.value.problem.issues
    assert issue.path.startswith("/input/value")
    assert issue.code in {
        "REQUIRED",
        "WRONG_TYPE",
        "INVALID_FORMAT",
        "OUT_OF_RANGE",
        "TOO_LONG",
        "TOO_DEEP",
    }
    refused.value.problem.detail.encode()
    issue.path.encode()
