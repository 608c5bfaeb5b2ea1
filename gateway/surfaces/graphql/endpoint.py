"""The GraphQL endpoint: GraphQL over HTTP with strict parsing, bounds and problems.

POST with a JSON body and GET for queries, answered with JSON or with an event stream. Why not the
view that Strawberry ships: it runs the first operation of an ambiguous document, fails on
malformed bodies and validates every time.
"""

from dataclasses import dataclass

from graphql import OperationType
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.model.principal import Principal
from gateway.model.problem import ProblemError, with_context
from gateway.surfaces.graphql import http
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
from gateway.surfaces.graphql.execution import Operation, run
from gateway.surfaces.graphql.graphiql import Page
from gateway.surfaces.graphql.operation_log import OperationLine, Transport
from gateway.surfaces.graphql.parameters import Parameters, from_body, from_query_string
from gateway.surfaces.graphql.service import Service
from gateway.surfaces.graphql.streams import ClosedStream, EventStream

PREFLIGHT_HEADER = "graphql-require-preflight"
"""A GET must carry this header or Authorization: a page of another origin cannot add either
without asking first, so it cannot run queries in a visitor's name."""


@dataclass(frozen=True, slots=True)
class _Exchange:
    """One request: what came, and what its answer needs to know."""

    scope: Scope
    receive: Receive
    send: Send
    headers: Headers
    accept: str | None
    media: str | None
    trace_id: str | None

    @property
    def method(self) -> str:
        """The HTTP method."""
        return str(self.scope["method"])

    @property
    def takes_events(self) -> bool:
        """True where the answer may be an event stream."""
        return http.takes_events(self.accept)

    @property
    def wants_events(self) -> bool:
        """True where the answer should be one even if it is a single result."""
        return self.media is None or http.prefers_events(self.accept)

    def line(self, parameters: Parameters, principal: Principal) -> OperationLine:
        """The log line of the operation that is asked for."""
        transport: Transport = "sse" if self.wants_events else "http"
        asked = http.request_id(self.scope)
        return OperationLine(transport, asked, self.trace_id, parameters, principal)


class GraphQLEndpoint:
    """An ASGI application that serves operations over HTTP."""

    def __init__(self, service: Service, page: Page | None = None) -> None:
        self._service = service
        self._limits = service.engine.limits
        self._page = page or Page()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        headers = Headers(scope=scope)
        accept = ", ".join(headers.getlist("accept")) or None
        exchange = _Exchange(
            scope, receive, send, headers, accept, http.negotiate(accept), http.trace_id(headers)
        )
        try:
            if exchange.method == "GET" and http.wants_page(accept):
                answer: ASGIApp = self._page.answer()
            else:
                answer = await self._answer(exchange)
        except http.ClientGoneError:
            return
        await answer(scope, receive, send)

    async def _answer(self, exchange: _Exchange) -> ASGIApp:
        media = exchange.media or http.GRAPHQL_JSON
        try:
            return await self._serve(exchange)
        except RequestRefusedError as refused:
            errors = entries_of(refused, "a request", exchange.trace_id)
            return http.json_answer(refused.status, {"errors": errors}, media)
        except ProblemError as refused:
            told = with_context(refused.problem, trace_id=exchange.trace_id)
            asked = refused.headers if isinstance(refused, HttpRefusedError) else {}
            headers = {**asked, **headers_of(told)}
        except http.ClientGoneError:
            raise
        except Exception as error:  # the last line: bad input or a bug, never a traceback outside
            told = with_context(internal_problem(error, "a request"), trace_id=exchange.trace_id)
            headers = {}
        return http.json_answer(told.status, {"errors": [error_entry(told)]}, media, headers)

    async def _serve(self, exchange: _Exchange) -> ASGIApp:
        """The order of a request: what HTTP says, who asks, what is asked, the run."""
        self._check_request(exchange)
        authorization = http.single(exchange.headers, "authorization")
        principal = await self._service.authenticate(authorization)
        parameters = await self._parameters(exchange)
        resume_after = http.single(exchange.headers, "last-event-id") or None
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
        media = exchange.media or http.GRAPHQL_JSON
        return http.json_answer(200, body, media, headers_of_answer(body))

    def _stream(
        self,
        exchange: _Exchange,
        operation: Operation,
        authorization: str | None,
        line: OperationLine,
    ) -> ASGIApp:
        if not exchange.takes_events:
            detail = f"A subscription needs {http.EVENT_STREAM}. Accept that, or use a WebSocket."
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
        http.check_uri(exchange.scope, self._limits)
        if exchange.media is None and not exchange.takes_events:
            detail = (
                f"Answers come as {http.GRAPHQL_JSON} or {http.PLAIN_JSON}, those of subscriptions "
                f"as {http.EVENT_STREAM}. Accept one of them."
            )
            raise http_refusal("NOT_ACCEPTABLE", detail, "header:accept")
        if exchange.method == "POST":
            http.check_json_body(exchange.headers)
        elif not {"authorization", PREFLIGHT_HEADER} & set(exchange.headers):
            detail = (
                f"A GET needs the header {PREFLIGHT_HEADER} (any value) or authorization, so that "
                "no other site can send it unasked. Add one, or use POST."
            )
            raise http_refusal("BAD_REQUEST", detail, f"header:{PREFLIGHT_HEADER}")

    async def _parameters(self, exchange: _Exchange) -> Parameters:
        if exchange.method == "GET":
            return from_query_string(exchange.scope["query_string"], self._limits)
        body = await http.read_body(exchange.receive, exchange.headers, self._limits)
        return from_body(body, self._limits)


def _check_method(exchange: _Exchange, operation: Operation) -> None:
    if exchange.method == "GET" and operation.definition.operation is OperationType.MUTATION:
        detail = "GET runs no mutations. Send this operation with POST."
        raise http_refusal("METHOD_NOT_ALLOWED", detail, "method", {"allow": "POST"})
