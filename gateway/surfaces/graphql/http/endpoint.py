"""The GraphQL endpoint: GraphQL over HTTP with strict parsing, bounds and problems.

POST with a JSON body and GET for queries, answered with JSON or with an event stream. Why not the
view that Strawberry ships: it runs the first operation of an ambiguous document, fails on
malformed bodies and validates every time.
"""

from graphql import OperationType
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.model.principal import Principal
from gateway.model.problem import ProblemError, with_context
from gateway.surfaces.graphql.encoding import encode
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
from gateway.surfaces.graphql.http.asked import Asked, asked_before
from gateway.surfaces.graphql.http.bodies import ClientGoneError, part_of_body, read_body
from gateway.surfaces.graphql.http.graphiql import Page
from gateway.surfaces.graphql.http.negotiation import EVENT_STREAM
from gateway.surfaces.graphql.http.profile import (
    HttpProfile,
    status_of_body,
    status_of_refusal,
    undecided_media,
)
from gateway.surfaces.graphql.http.streams import ClosedStream, EventStream
from gateway.surfaces.graphql.operations.execution import Operation, run
from gateway.surfaces.graphql.operations.operation_log import OperationLine, Transport
from gateway.surfaces.graphql.operations.told import Told, told_of
from gateway.surfaces.graphql.requests.headers import SPARED, request_id
from gateway.surfaces.graphql.requests.parameters import Parameters, from_body, from_query_string
from gateway.surfaces.graphql.service import Service


class _Exchange:
    """One request: what its head asks, and what its answer goes by."""

    __slots__ = ("asked", "is_new", "receive", "scope", "send")

    def __init__(self, scope: Scope, receive: Receive, send: Send, undecided: str) -> None:
        self.scope = scope
        self.receive = receive
        self.send = send
        before = asked_before(scope)
        self.is_new = before is None
        self.asked = before or Asked(scope, undecided)

    def line(self, parameters: Parameters, principal: Principal) -> OperationLine:
        """The log line of the operation that is asked for."""
        transport: Transport = "sse" if self.asked.wants_events else "http"
        asked = request_id(self.scope)
        return OperationLine(transport, asked, self.asked.trace_id, parameters, principal)


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
            answer = await self._serve(exchange)
        except ClientGoneError:
            return
        except Exception as error:  # the last line: bad input or a bug, never a traceback outside
            answer = self._refusal(exchange.asked, error)
        await answer(scope, receive, send)

    def _refusal(self, asked: Asked, error: Exception) -> ASGIApp:
        media, trace_id = asked.media, asked.trace_id
        if isinstance(error, RequestRefusedError):
            errors = entries_of(error, "a request", trace_id)
            status = status_of_refusal(self._profile, media, error)
            return JsonAnswer(status, encode({"errors": errors}), media)
        if isinstance(error, ProblemError):
            status = status_of_refusal(self._profile, media, error)
            told = with_context(error.problem, trace_id=trace_id)
            own = error.headers if isinstance(error, HttpRefusedError) else {}
            headers = {**own, **headers_of(told)}
        else:
            told = with_context(internal_problem(error, "a request"), trace_id=trace_id)
            status, headers = told.status, {}
        return JsonAnswer(status, encode({"errors": [error_entry(told)]}), media, headers)

    async def _serve(self, exchange: _Exchange) -> ASGIApp:
        """The order of a request: what HTTP says, who asks, what is asked, the run."""
        asked = exchange.asked
        if asked.is_for_page:
            return self._page.answer()
        if exchange.is_new:
            asked.check(exchange.scope, self._limits)
        principal = await self._service.authenticate(asked.authorization)
        parameters = await self._parameters(exchange)
        line = exchange.line(parameters, principal)
        try:
            with line:
                operation = line.operation = self._service.engine.prepare(
                    parameters, principal, asked.trace_id, asked.resume_after
                )
                _check_method(exchange, operation)
                if operation.is_subscription:
                    return self._stream(exchange, operation, line)
                answer = told_of(operation, await run(operation))
                line.answered(answer.body)
        except RequestRefusedError as refused:
            if not asked.wants_events:
                raise
            body = {"errors": entries_of(refused, "a request", asked.trace_id)}
            answer = Told(body, encode(body))
        if line.is_spared:
            exchange.scope[SPARED] = True
        if asked.wants_events:
            return ClosedStream(answer.written)
        media = asked.media
        has_errors = "errors" in answer.body
        status = status_of_body(self._profile, media, has_errors=has_errors)
        headers = headers_of_answer(answer.body) if has_errors else None
        return JsonAnswer(status, answer.written, media, headers)

    def _stream(self, exchange: _Exchange, operation: Operation, line: OperationLine) -> ASGIApp:
        asked = exchange.asked
        if not asked.accepted.takes_events:
            detail = f"A subscription needs {EVENT_STREAM}. Accept that, or use a WebSocket."
            raise http_refusal("NOT_ACCEPTABLE", detail, "header:accept")
        connection = self._service.connections.admit(
            exchange.scope, exchange.send, operation.context.principal
        )
        line.hand_on()
        return EventStream(self._service, connection, operation, asked.authorization, line)

    async def _parameters(self, exchange: _Exchange) -> Parameters:
        if exchange.asked.method == "GET":
            return from_query_string(exchange.scope["query_string"], self._limits)
        if exchange.is_new:
            body = await read_body(exchange.receive, exchange.asked.announced, self._limits)
        else:
            body = part_of_body(await exchange.receive(), self._limits)
        return from_body(body, self._limits)


def _check_method(exchange: _Exchange, operation: Operation) -> None:
    if exchange.asked.method == "GET" and operation.definition.operation is OperationType.MUTATION:
        detail = "GET runs no mutations. Send this operation with POST."
        raise http_refusal("METHOD_NOT_ALLOWED", detail, "method", {"allow": "POST"})
