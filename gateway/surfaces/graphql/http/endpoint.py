"""The GraphQL endpoint: GraphQL over HTTP with strict parsing, bounds and problems.

POST with a JSON body and GET for queries, answered with JSON or with an event stream. Why not the
view that Strawberry ships: it runs the first operation of an ambiguous document, fails on
malformed bodies and validates every time.
"""

from graphql import OperationType
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.model.principal import Principal
from gateway.model.problem import ProblemError, with_context
from gateway.surfaces.graphql.errors import (
    HttpRefusedError,
    RequestRefusedError,
    entries_of,
    error_entry,
    headers_of,
    headers_of_answer,
    http_refusal,
    internal_problem,
)
from gateway.surfaces.graphql.http.answers import JsonAnswer
from gateway.surfaces.graphql.http.bodies import (
    ClientGoneError,
    check_json_body,
    check_uri,
    read_body,
)
from gateway.surfaces.graphql.http.graphiql import Page
from gateway.surfaces.graphql.http.negotiation import (
    EVENT_STREAM,
    GRAPHQL_JSON,
    PLAIN_JSON,
    negotiate,
)
from gateway.surfaces.graphql.http.profile import (
    HttpProfile,
    status_of_body,
    status_of_refusal,
    undecided_media,
)
from gateway.surfaces.graphql.http.streams import ClosedStream, EventStream
from gateway.surfaces.graphql.operations.execution import Operation, run
from gateway.surfaces.graphql.operations.operation_log import OperationLine, Transport
from gateway.surfaces.graphql.requests.headers import RequestHeaders, request_id
from gateway.surfaces.graphql.requests.parameters import Parameters, from_body, from_query_string
from gateway.surfaces.graphql.service import Service

PREFLIGHT_HEADER = "graphql-require-preflight"
"""A GET must carry this header or Authorization: a page of another origin cannot add either
without asking first, so it cannot run queries in a visitor's name."""


class _Exchange:
    """One request: what came, and what its answer needs to know."""

    __slots__ = ("accepted", "headers", "media", "method", "receive", "scope", "send", "trace_id")

    def __init__(self, scope: Scope, receive: Receive, send: Send, undecided: str) -> None:
        self.scope = scope
        self.receive = receive
        self.send = send
        self.method: str = scope["method"]
        self.headers = RequestHeaders(scope)
        self.accepted = negotiate(self.headers.joined("accept"), undecided)
        self.media = self.accepted.media or GRAPHQL_JSON
        self.trace_id = self.headers.trace_id

    @property
    def wants_events(self) -> bool:
        """True where the answer should be an event stream even if it is a single result."""
        return self.accepted.media is None or self.accepted.prefers_events

    def line(self, parameters: Parameters, principal: Principal) -> OperationLine:
        """The log line of the operation that is asked for."""
        transport: Transport = "sse" if self.wants_events else "http"
        asked = request_id(self.scope)
        return OperationLine(transport, asked, self.trace_id, parameters, principal)


class GraphQLEndpoint:
    """An ASGI application that serves operations over HTTP."""

    def __init__(
        self,
        service: Service,
        page: Page | None = None,
        profile: HttpProfile = HttpProfile.SPEC,
    ) -> None:
        self._service = service
        self._limits = service.engine.limits
        self._page = page or Page()
        self._profile = profile
        self._undecided = undecided_media(profile)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        exchange = _Exchange(scope, receive, send, self._undecided)
        try:
            if exchange.method == "GET" and exchange.accepted.wants_page:
                answer: ASGIApp = self._page.answer()
            else:
                answer = await self._answer(exchange)
        except ClientGoneError:
            return
        await answer(scope, receive, send)

    async def _answer(self, exchange: _Exchange) -> ASGIApp:
        media = exchange.media
        try:
            return await self._serve(exchange)
        except RequestRefusedError as refused:
            errors = entries_of(refused, "a request", exchange.trace_id)
            status = status_of_refusal(self._profile, media, refused)
            return JsonAnswer(status, {"errors": errors}, media)
        except ProblemError as refused:
            status = status_of_refusal(self._profile, media, refused)
            told = with_context(refused.problem, trace_id=exchange.trace_id)
            asked = refused.headers if isinstance(refused, HttpRefusedError) else {}
            headers = {**asked, **headers_of(told)}
        except ClientGoneError:
            raise
        except Exception as error:  # the last line: bad input or a bug, never a traceback outside
            told = with_context(internal_problem(error, "a request"), trace_id=exchange.trace_id)
            status, headers = told.status, {}
        return JsonAnswer(status, {"errors": [error_entry(told)]}, media, headers)

    async def _serve(self, exchange: _Exchange) -> ASGIApp:
        """The order of a request: what HTTP says, who asks, what is asked, the run."""
        self._check_request(exchange)
        authorization = exchange.headers.single("authorization")
        principal = await self._service.authenticate(authorization)
        parameters = await self._parameters(exchange)
        resume_after = exchange.headers.single("last-event-id") or None
        line = exchange.line(parameters, principal)
        try:
            with line:
                operation = line.operation = self._service.engine.prepare(
                    parameters, principal, exchange.trace_id, resume_after
                )
                _check_method(exchange, operation)
                if operation.is_subscription:
                    return self._stream(exchange, operation, authorization, line)
                body = line.answered(await run(operation))
        except RequestRefusedError as refused:
            if not exchange.wants_events:
                raise
            body = {"errors": entries_of(refused, "a request", exchange.trace_id)}
        if exchange.wants_events:
            return ClosedStream(body)
        media = exchange.media
        has_errors = "errors" in body
        status = status_of_body(self._profile, media, has_errors=has_errors)
        return JsonAnswer(status, body, media, headers_of_answer(body) if has_errors else None)

    def _stream(
        self,
        exchange: _Exchange,
        operation: Operation,
        authorization: str | None,
        line: OperationLine,
    ) -> ASGIApp:
        if not exchange.accepted.takes_events:
            detail = f"A subscription needs {EVENT_STREAM}. Accept that, or use a WebSocket."
            raise http_refusal("NOT_ACCEPTABLE", detail, "header:accept")
        connection = self._service.connections.admit(
            exchange.scope, exchange.send, operation.context.principal
        )
        line.hand_on()
        return EventStream(self._service, connection, operation, authorization, line)

    def _check_request(self, exchange: _Exchange) -> None:
        if exchange.method not in ("GET", "POST"):
            detail = f"{exchange.method} is not served here. Use POST, or GET for queries."
            raise http_refusal("METHOD_NOT_ALLOWED", detail, "method", {"allow": "GET, POST"})
        check_uri(exchange.scope, self._limits)
        if exchange.accepted.media is None and not exchange.accepted.takes_events:
            detail = (
                f"Answers come as {GRAPHQL_JSON} or {PLAIN_JSON}, those of subscriptions "
                f"as {EVENT_STREAM}. Accept one of them."
            )
            raise http_refusal("NOT_ACCEPTABLE", detail, "header:accept")
        if exchange.method == "POST":
            check_json_body(exchange.headers)
        elif "authorization" not in exchange.headers and PREFLIGHT_HEADER not in exchange.headers:
            detail = (
                f"A GET needs the header {PREFLIGHT_HEADER} (any value) or authorization, so that "
                "no other site can send it unasked. Add one, or use POST."
            )
            raise http_refusal("BAD_REQUEST", detail, f"header:{PREFLIGHT_HEADER}")

    async def _parameters(self, exchange: _Exchange) -> Parameters:
        if exchange.method == "GET":
            return from_query_string(exchange.scope["query_string"], self._limits)
        body = await read_body(exchange.receive, exchange.headers, self._limits)
        return from_body(body, self._limits)


def _check_method(exchange: _Exchange, operation: Operation) -> None:
    if exchange.method == "GET" and operation.definition.operation is OperationType.MUTATION:
        detail = "GET runs no mutations. Send this operation with POST."
        raise http_refusal("METHOD_NOT_ALLOWED", detail, "method", {"allow": "POST"})
