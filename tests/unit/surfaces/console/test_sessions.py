"""The session cookie, and what proves that a form is of a session."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import Response

from gateway.surfaces.console import sessions

tokens = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=60)


def request(scheme: str = "http", host: str = "gw.example:8000", **headers: str) -> Request:
    told = {"host": host, **{name.replace("_", "-"): value for name, value in headers.items()}}
    scope: dict[str, Any] = {
        "type": "http",
        "scheme": scheme,
        "method": "POST",
        "path": "/console/inbox",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in told.items()],
    }
    return Request(scope)


@given(tokens, tokens)
def test_a_form_is_of_the_session_that_it_was_made_for_and_of_no_other(
    token: str, other: str
) -> None:
    form = {sessions.CSRF: sessions.csrf_of(token)}
    assert sessions.is_of_session(form, token)
    assert sessions.is_of_session(form, other) is (token == other)
    assert token not in sessions.csrf_of(token) or len(token) < 5


@pytest.mark.parametrize("value", [None, "", "x", "é"])
def test_a_form_without_its_proof_is_of_no_session(value: str | None) -> None:
    form = {} if value is None else {sessions.CSRF: value}
    assert not sessions.is_of_session(form, "token")


@pytest.mark.parametrize(
    ("headers", "public_url", "is_own"),
    [
        ({}, None, True),
        ({"origin": "http://gw.example:8000"}, None, True),
        ({"origin": "http://gw.example:8000", "sec_fetch_site": "same-origin"}, None, True),
        ({"origin": "https://console.example"}, "https://console.example", True),
        ({"origin": "http://gw.example"}, None, False),
        ({"origin": "https://gw.example:8000"}, None, False),
        ({"origin": "null"}, None, False),
        ({"origin": ""}, None, False),
        ({"sec_fetch_site": "cross-site"}, None, False),
        ({"sec_fetch_site": "same-site"}, None, False),
    ],
)
def test_what_changes_something_comes_from_a_page_of_the_gateway(
    headers: dict[str, str], public_url: str | None, is_own: bool
) -> None:
    assert sessions.is_same_origin(request(**headers), public_url) is is_own


@pytest.mark.parametrize(
    ("scheme", "public_url", "secure"),
    [
        ("http", None, False),
        ("https", None, True),
        ("http", "https://gw.example", True),
        ("https", "http://127.0.0.1:8000", False),
    ],
)
def test_the_cookie_goes_over_https_alone_where_browsers_come_by_that(
    scheme: str, public_url: str | None, secure: bool
) -> None:
    assert sessions.is_secure(request(scheme), public_url) is secure


def test_the_cookie_is_for_the_console_and_for_no_script() -> None:
    answer = Response()
    sessions.keep(answer, "t0ken", 90.7, secure=True)
    parts = set(answer.headers["set-cookie"].split("; "))
    expected = {"HttpOnly", "Secure", "SameSite=lax", "Path=/console", "Max-Age=90"}
    assert parts == {"gateway_session=t0ken", *expected}
