"""What the head of an HTTP request asks of the endpoint, found out once while it comes again."""

from starlette.types import Scope

from gateway.surfaces.graphql.errors import http_refusal
from gateway.surfaces.graphql.http.bodies import check_json_body, check_uri
from gateway.surfaces.graphql.http.negotiation import (
    EVENT_STREAM,
    GRAPHQL_JSON,
    PLAIN_JSON,
    negotiate,
)
from gateway.surfaces.graphql.limits import Limits
from gateway.surfaces.graphql.requests.headers import RequestHeaders
from gateway.surfaces.graphql.server.heads import found_before

PREFLIGHT_HEADER = "graphql-require-preflight"
"""A GET must carry this header or Authorization: a page of another origin cannot add either
without asking first, so it cannot run queries in a visitor's name."""

_FOUND = "graphql"


class Asked:
    """What a head asks: the method, the media types that are taken, who it says is calling.

    ``wants_events`` is true where the answer should be an event stream even if it is one result,
    ``is_for_page`` where a browser asks for the page.
    ``authorization``, ``resume_after`` (the event to go on from) and ``announced`` (the length of
    the body when this was found out) are known once ``check`` has passed the head.
    """

    __slots__ = (
        *("_headers", "accepted", "announced", "authorization", "is_for_page", "media", "method"),
        *("resume_after", "trace_id", "wants_events"),
    )

    def __init__(self, scope: Scope, undecided: str) -> None:
        self._headers = RequestHeaders(scope)
        self.method: str = scope["method"]
        self.accepted = negotiate(self._headers.joined("accept"), undecided)
        self.media = self.accepted.media or GRAPHQL_JSON
        self.is_for_page = self.method == "GET" and self.accepted.wants_page
        self.wants_events = self.accepted.media is None or self.accepted.prefers_events
        self.trace_id = self._headers.trace_id
        self.announced: str | None = None
        self.authorization: str | None = None
        self.resume_after: str | None = None

    def check(self, scope: Scope, limits: Limits) -> None:
        """Hold the head to what GraphQL over HTTP says of it.

        Raises:
            ProblemError: METHOD_NOT_ALLOWED, URI_LIMIT_EXCEEDED, NOT_ACCEPTABLE,
                UNSUPPORTED_MEDIA_TYPE, or BAD_REQUEST for a GET that another site could send, or a
                header that comes twice.
        """
        headers = self._headers
        if self.method not in ("GET", "POST"):
            detail = f"{self.method} is not served here. Use POST, or GET for queries."
            raise http_refusal("METHOD_NOT_ALLOWED", detail, "method", {"allow": "GET, POST"})
        check_uri(scope, limits)
        self._check_accepted()
        if self.method == "POST":
            check_json_body(headers)
        elif "authorization" not in headers and PREFLIGHT_HEADER not in headers:
            detail = (
                f"A GET needs the header {PREFLIGHT_HEADER} (any value) or authorization, so that "
                "no other site can send it unasked. Add one, or use POST."
            )
            raise http_refusal("BAD_REQUEST", detail, f"header:{PREFLIGHT_HEADER}")
        self.authorization = headers.single("authorization")
        self.resume_after = headers.single("last-event-id") or None
        self.announced = headers.single("content-length")
        found = found_before(scope)
        if found is not None:
            found[_FOUND] = self

    def _check_accepted(self) -> None:
        if self.accepted.media is None and not self.accepted.takes_events:
            detail = (
                f"Answers come as {GRAPHQL_JSON} or {PLAIN_JSON}, those of subscriptions "
                f"as {EVENT_STREAM}. Accept one of them."
            )
            raise http_refusal("NOT_ACCEPTABLE", detail, "header:accept")


def asked_before(scope: Scope) -> Asked | None:
    """What the head of this request asked when it came before, if it passed the check then. The
    body of such a request has come whole."""
    found = found_before(scope)
    return found.get(_FOUND) if found is not None else None
