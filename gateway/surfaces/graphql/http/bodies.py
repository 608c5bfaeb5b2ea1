"""What a request may bring: its URI and its body, within limits."""

import asyncio
from typing import Any

from starlette.types import Message, Receive, Scope

from gateway.surfaces.graphql.errors import http_refusal
from gateway.surfaces.graphql.http.begun import Begun
from gateway.surfaces.graphql.http.negotiation import PLAIN_JSON, is_utf8
from gateway.surfaces.graphql.limits import Limits
from gateway.surfaces.graphql.requests.headers import RequestHeaders


class ClientGoneError(Exception):
    """The caller hung up; there is nobody to answer."""


def check_uri(scope: Scope, limits: Limits) -> None:
    """Refuse a request line that is too long.

    Raises:
        ProblemError: URI_LIMIT_EXCEEDED, with status 414.
    """
    size = len(scope.get("raw_path") or scope["path"].encode()) + len(scope["query_string"])
    if size > limits.uri_bytes:
        detail = f"The URI is longer than {limits.uri_bytes} bytes. Send the request with POST."
        raise http_refusal("URI_LIMIT_EXCEEDED", detail, "uri")


def check_json_body(headers: RequestHeaders) -> None:
    """Refuse a body that is not announced as plain JSON.

    A page of another origin cannot send this content type without asking first (CORS preflight),
    so it also stops cross-site requests.

    Raises:
        ProblemError: UNSUPPORTED_MEDIA_TYPE.
    """
    announced = headers.single("content-type") or ""
    if announced != PLAIN_JSON and not _is_plain_json(announced):
        detail = "The content type is not application/json in UTF-8. Send the request as that."
        raise _unsupported(detail, "header:content-type", {"accept": PLAIN_JSON})
    encoding = headers.single("content-encoding")
    if encoding is not None and encoding.strip().lower() not in ("", "identity"):
        detail = "Compressed bodies are not read. Send the body without content-encoding."
        raise _unsupported(detail, "header:content-encoding", {"accept-encoding": "identity"})


def _is_plain_json(announced: str) -> bool:
    media, *parameters = (part.strip().lower() for part in announced.split(";"))
    return media == PLAIN_JSON and is_utf8(parameters)


def _unsupported(detail: str, path: str, headers: dict[str, str]) -> Exception:
    return http_refusal("UNSUPPORTED_MEDIA_TYPE", detail, path, headers)


async def read_body(receive: Receive, announced: str | None, limits: Limits) -> bytes:
    """The whole body, never more than the limit. ``announced`` is its ``content-length``.

    Raises:
        ProblemError: PAYLOAD_TOO_LARGE, or TIMEOUT with status 408 for a body that does not come.
        ClientGoneError: the connection closed before the end.
    """
    if announced and (not announced.isdecimal() or int(announced[:20]) > limits.body_bytes):
        raise _too_large(limits)
    body, first = bytearray(), Begun(receive())
    if first.is_done and not _take(first.value, body, limits):
        return bytes(body)
    try:
        async with asyncio.timeout(limits.body_seconds):
            has_more = first.is_done or _take(await first, body, limits)
            while has_more:
                has_more = _take(await receive(), body, limits)
    except TimeoutError:
        detail = f"The body did not come within {limits.body_seconds:g} s. Send it again at once."
        told: dict[str, Any] = {"status": 408, "category": "validation"}
        raise http_refusal("TIMEOUT", detail, "body", {"connection": "close"}, **told) from None
    return bytes(body)


def _take(message: Message, body: bytearray, limits: Limits) -> bool:
    """Add what a message brings of a body; whether more is to come."""
    body += part_of_body(message, limits, len(body))
    has_more: bool = message.get("more_body", False)
    return has_more


def part_of_body(message: Message, limits: Limits, before: int = 0) -> bytes:
    """What a message brings of a body, of which so many bytes came before.

    Raises:
        ProblemError, ClientGoneError: as ``read_body``.
    """
    if message["type"] == "http.disconnect":
        raise ClientGoneError
    part: bytes = message.get("body", b"")
    if before + len(part) > limits.body_bytes:
        raise _too_large(limits)
    return part


def _too_large(limits: Limits) -> Exception:
    detail = f"The body is larger than {limits.body_bytes} bytes. Send less in one request."
    return http_refusal("PAYLOAD_TOO_LARGE", detail, "body", {"connection": "close"})
