"""HTTP for the endpoint: headers, negotiation, bodies, answers."""

import asyncio
import json
import re
from collections.abc import Mapping

import orjson
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope

from gateway.model.json import JsonObject
from gateway.surfaces.graphql.errors import http_refusal
from gateway.surfaces.graphql.limits import Limits

GRAPHQL_JSON = "application/graphql-response+json"
PLAIN_JSON = "application/json"
EVENT_STREAM = "text/event-stream"
HTML = "text/html"

COMMON_HEADERS = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "vary": "accept",
}
"""What every answer of the endpoint carries."""

REQUEST_ID = "gateway.request_id"
"""The key of a request's id in its ASGI scope."""

_MOST_RANGES = 32
_TRACEPARENT = re.compile(
    r"(?!ff|00.{54})[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?"
)
"""Version 00 ends with its flags; later versions may add more parts."""


class ClientGoneError(Exception):
    """The caller hung up; there is nobody to answer."""


def single(headers: Headers, name: str) -> str | None:
    """The one value of a header, or None.

    Raises:
        ProblemError: BAD_REQUEST where the header comes twice, so that nobody upstream can have
            read another value.
    """
    values = headers.getlist(name)
    if len(values) > 1:
        detail = f"The header {name} comes {len(values)} times. Send it once."
        raise http_refusal("BAD_REQUEST", detail, f"header:{name}")
    return values[0] if values else None


def quality(accept: str) -> dict[str, float]:
    """How much each media range is wanted, 0 to 1 (RFC 9110, section 12.5.1)."""
    wanted: dict[str, float] = {}
    for part in accept.split(",")[:_MOST_RANGES]:
        media, *parameters = (item.strip().lower() for item in part.split(";"))
        weight = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                weight = _weight(parameter[2:])
        if media:
            wanted[media] = max(weight, wanted.get(media, 0.0))
    return wanted


def _weight(text: str) -> float:
    return float(text) if re.fullmatch(r"[01](\.[0-9]{0,3})?", text) else 0.0


def negotiate(accept: str | None) -> str | None:
    """The media type of the answer, or None if the caller takes neither of ours.

    GraphQL's own type where the caller does not care.
    """
    wanted = quality(accept or "")
    if not wanted:
        return GRAPHQL_JSON
    anything = wanted.get("application/*", wanted.get("*/*", 0.0))
    graphql, plain = wanted.get(GRAPHQL_JSON, anything), wanted.get(PLAIN_JSON, anything)
    if max(graphql, plain) <= 0:
        return None
    return PLAIN_JSON if plain > graphql else GRAPHQL_JSON


def takes_events(accept: str | None) -> bool:
    """True for a caller who names event streams among what it takes."""
    return _names_events(accept) and quality(accept or "").get(EVENT_STREAM, 0.0) > 0


def prefers_events(accept: str | None) -> bool:
    """True for a caller who takes an event stream rather than one answer."""
    if not _names_events(accept):
        return False
    wanted = quality(accept or "")
    single = max(wanted.get(GRAPHQL_JSON, 0.0), wanted.get(PLAIN_JSON, 0.0))
    return wanted.get(EVENT_STREAM, 0.0) > single


def _names_events(accept: str | None) -> bool:
    """A quick look that spares most requests the reading of the whole header."""
    return accept is not None and EVENT_STREAM in accept.lower()


def wants_page(accept: str | None) -> bool:
    """True for a browser that opens the endpoint as a page."""
    wanted = quality(accept or "")
    page = wanted.get(HTML, 0.0)
    return page > 0 and page > max(wanted.get(GRAPHQL_JSON, 0.0), wanted.get(PLAIN_JSON, 0.0))


def trace_id(headers: Headers) -> str | None:
    """The trace of a valid ``traceparent`` header (W3C Trace Context, section 3.2), else None."""
    values = headers.getlist("traceparent")
    match = _TRACEPARENT.fullmatch(values[0]) if len(values) == 1 else None
    return match[1] if match else None


def request_id(scope: Scope) -> str | None:
    """The id that the access log gave to this request, if there is one."""
    found: str | None = scope.get(REQUEST_ID)
    return found


def check_uri(scope: Scope, limits: Limits) -> None:
    """Refuse a request line that is too long.

    Raises:
        ProblemError: LIMIT_EXCEEDED with status 414.
    """
    size = len(scope.get("raw_path") or scope["path"].encode()) + len(scope["query_string"])
    if size > limits.uri_bytes:
        detail = f"The URI is longer than {limits.uri_bytes} bytes. Send the request with POST."
        raise http_refusal("LIMIT_EXCEEDED", detail, "uri", status=414)


def check_json_body(headers: Headers) -> None:
    """Refuse a body that is not announced as plain JSON.

    A page of another origin cannot send this content type without asking first (CORS preflight),
    so it also stops cross-site requests.

    Raises:
        ProblemError: UNSUPPORTED_MEDIA_TYPE.
    """
    media, *parameters = (
        part.strip().lower() for part in (single(headers, "content-type") or "").split(";")
    )
    charset = next((item[8:].strip('"') for item in parameters if item.startswith("charset=")), "")
    if media != PLAIN_JSON or charset not in ("", "utf-8", "utf8"):
        detail = "The content type is not application/json in UTF-8. Send the request as that."
        raise _unsupported(detail, "header:content-type", {"accept": PLAIN_JSON})
    encoding = single(headers, "content-encoding") or "identity"
    if encoding.strip().lower() != "identity":
        detail = "Compressed bodies are not read. Send the body without content-encoding."
        raise _unsupported(detail, "header:content-encoding", {"accept-encoding": "identity"})


def _unsupported(detail: str, path: str, headers: dict[str, str]) -> Exception:
    return http_refusal("UNSUPPORTED_MEDIA_TYPE", detail, path, headers)


async def read_body(receive: Receive, headers: Headers, limits: Limits) -> bytes:
    """The whole body, never more than the limit.

    Raises:
        ProblemError: PAYLOAD_TOO_LARGE, or TIMEOUT with status 408 for a body that does not come.
        ClientGoneError: the connection closed before the end.
    """
    announced = single(headers, "content-length") or "0"
    if not announced.isdecimal() or int(announced[:20]) > limits.body_bytes:
        raise _too_large(limits)
    body = bytearray()
    try:
        async with asyncio.timeout(limits.body_seconds):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientGoneError
                body += message.get("body", b"")
                if len(body) > limits.body_bytes:
                    raise _too_large(limits)
                if not message.get("more_body"):
                    return bytes(body)
    except TimeoutError:
        detail = f"The body did not come within {limits.body_seconds:g} s. Send it again at once."
        raise http_refusal("TIMEOUT", detail, "body", {"connection": "close"}, status=408) from None


def _too_large(limits: Limits) -> Exception:
    detail = f"The body is larger than {limits.body_bytes} bytes. Send less in one request."
    return http_refusal("PAYLOAD_TOO_LARGE", detail, "body", {"connection": "close"})


def json_answer(
    status: int, body: JsonObject, media: str, headers: Mapping[str, str] | None = None
) -> Response:
    """An answer in ``media``; anything but a success is told in GraphQL's own type, because a
    plain JSON error could as well come from somebody between (GraphQL over HTTP)."""
    told = media if 200 <= status < 300 else GRAPHQL_JSON
    content_type = {"content-type": f"{told}; charset=utf-8"}
    return Response(
        encode(body), status, headers={**COMMON_HEADERS, **(headers or {}), **content_type}
    )


def encode(body: JsonObject) -> bytes:
    """JSON in UTF-8, on one line."""
    try:
        return orjson.dumps(body)
    except TypeError:  # integers beyond 64 bits in a JSON scalar
        return json.dumps(body, allow_nan=False, separators=(",", ":")).encode()
