"""Answers over HTTP: JSON in one of two media types."""

from collections.abc import Mapping

from starlette.types import Receive, Scope, Send

from gateway.surfaces.graphql.http.negotiation import GRAPHQL_JSON, PLAIN_JSON

COMMON_HEADERS = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "vary": "accept",
}
"""What every answer of the endpoint carries."""


def raw_headers(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """Headers in the form that ASGI has them."""
    return [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]


_OF_MEDIA = {
    media: raw_headers({**COMMON_HEADERS, "content-type": f"{media}; charset=utf-8"})
    for media in (GRAPHQL_JSON, PLAIN_JSON)
}


class JsonAnswer:
    """An ASGI application that answers with JSON that is ``written``, in ``media`` if it is a
    success.

    Anything else is told in GraphQL's own type, because a plain JSON error could as well come from
    somebody between (GraphQL over HTTP, section "Body").
    """

    __slots__ = ("_body", "_headers", "_status")

    def __init__(
        self, status: int, written: bytes, media: str, headers: Mapping[str, str] | None = None
    ) -> None:
        self._status = status
        self._body = written
        told = media if 200 <= status < 300 else GRAPHQL_JSON
        size = (b"content-length", b"%d" % len(self._body))
        self._headers = [size, *_OF_MEDIA[told], *(raw_headers(headers) if headers else ())]

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send the answer."""
        start = {"type": "http.response.start", "status": self._status, "headers": self._headers}
        await send(start)
        await send({"type": "http.response.body", "body": self._body, "more_body": False})
