"""Building the HTTP request of an action from its contract's handler and the call's input."""

import hashlib
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

import httpx

from gateway.actions.origins import Origin, split_url
from gateway.actions.secrets import Secrets
from gateway.model.action import ActionCall
from gateway.model.contract import HttpHandler
from gateway.model.json import JsonObject, encode
from gateway.telemetry.spans import current_traceparent
from gateway.telemetry.trace_context import TRACE_ID

BODY_METHODS = frozenset({"POST", "PUT", "PATCH"})
QUERY_METHODS = frozenset({"GET", "DELETE"})
PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")

_DEFAULTS = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",  # an answer is bounded as it is sent, never unpacked
    "User-Agent": "contract-gateway",
}


class RequestError(ValueError):
    """The input cannot be put into the request; the message names the field, not its value."""


def build_request(
    call: ActionCall, handler: HttpHandler, origins: Mapping[Origin, Origin], secrets: Secrets
) -> httpx.Request:
    """The request of one attempt.

    Raises:
        RequestError: a value cannot stand where the handler puts it.
        SecretMissingError: a header needs a secret that is not there.
    """
    try:
        return _request(call, handler, origins, secrets)
    except (UnicodeError, TypeError):  # an unpaired surrogate, which validation lets nobody send
        raise RequestError("the input holds text that cannot be sent") from None
    except httpx.InvalidURL:
        raise RequestError("the input makes an address that is too long") from None


def _request(
    call: ActionCall, handler: HttpHandler, origins: Mapping[Origin, Origin], secrets: Secrets
) -> httpx.Request:
    origin, template = split_url(handler.url)
    path, rest = fill_path(template, call.input)
    url = f"{origins.get(origin, origin)}{path}"
    headers = httpx.Headers(_DEFAULTS)
    content = None
    if handler.method in BODY_METHODS:
        headers["Content-Type"] = "application/json"
        content = encode(rest).encode()
    elif rest:
        url += ("&" if "?" in path else "?") + query_of(rest)
    headers.update({name: secrets.fill(value) for name, value in handler.headers.items()})
    headers.update(_call_headers(call, handler))
    return httpx.Request(handler.method, url, headers=headers, content=content)


def fill_path(template: str, given: JsonObject) -> tuple[str, JsonObject]:
    """Path and query with ``{name}`` filled from the input, and the input that is left.

    A value is percent-encoded whole (RFC 3986, 2.1), so that it stays one segment.

    Raises:
        RequestError: a value is absent, empty, a dot segment, or not a scalar.
    """

    def value(found: re.Match[str]) -> str:
        text = _text(found[1], given.get(found[1]))
        if text in ("", ".", ".."):  # RFC 3986, 5.2.4: dot segments would change the path
            raise RequestError(f"input field {found[1]!r} cannot be a part of the address")
        return quote(text, safe="")

    used = set(PLACEHOLDER.findall(template))
    rest = {name: item for name, item in given.items() if name not in used}
    return PLACEHOLDER.sub(value, template), rest


def query_of(given: JsonObject) -> str:
    """The input as query parameters: scalars, lists of them repeated, nulls left out.

    Raises:
        RequestError: a value is not a scalar.
    """
    pairs: list[tuple[str, str]] = []
    for name, value in given.items():
        items = value if isinstance(value, list) else [value]
        pairs.extend((name, _text(name, item)) for item in items if item is not None)
    return urlencode(pairs, quote_via=quote)


def _text(name: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, (bool, int, float)):
        return encode(value)
    raise RequestError(f"input field {name!r} is not a plain value, as an address needs it")


def _call_headers(call: ActionCall, handler: HttpHandler) -> dict[str, str]:
    headers: dict[str, str] = {}
    if handler.idempotency_key:
        headers["Idempotency-Key"] = call.idempotency_key
    own = current_traceparent()
    if own is not None:
        headers["traceparent"] = own
    elif call.trace_id and TRACE_ID.fullmatch(call.trace_id):
        # W3C Trace Context: version, trace, parent (one per step), flags (sampled).
        parent = hashlib.sha256(call.idempotency_key.encode()).hexdigest()[:16]
        headers["traceparent"] = f"00-{call.trace_id}-{parent}-01"
    return headers
