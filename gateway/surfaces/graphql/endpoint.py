"""The GraphQL endpoint: GraphQL over HTTP with strict parsing, bounds and problems.

POST with a JSON body and GET for queries. Why not the view that Strawberry ships: it runs the
first operation of an ambiguous document, fails on malformed bodies and validates every time.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import strawberry
from graphql import OperationDefinitionNode, OperationType
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.model.json import JsonObject
from gateway.model.principal import Principal
from gateway.model.problem import ProblemError, with_context
from gateway.surfaces.graphql import http
from gateway.surfaces.graphql.documents import Documents
from gateway.surfaces.graphql.door import (
    Authenticate,
    CallContext,
    Door,
    Introspection,
    MayIntrospect,
)
from gateway.surfaces.graphql.errors import (
    HttpRefusedError,
    RequestRefusedError,
    error_entry,
    http_refusal,
    internal_problem,
)
from gateway.surfaces.graphql.execution import choose_operation, run
from gateway.surfaces.graphql.graphiql import Page
from gateway.surfaces.graphql.limits import Limits
from gateway.surfaces.graphql.parameters import Parameters, from_body, from_query_string
from gateway.surfaces.graphql.schema import core_schema

PREFLIGHT_HEADER = "graphql-require-preflight"
"""A GET must carry this header or Authorization: a page of another origin cannot add either
without asking first, so it cannot run queries in a visitor's name."""


@dataclass(frozen=True, slots=True)
class _Exchange:
    """One request: what came, and what its answer needs to know."""

    scope: Scope
    receive: Receive
    headers: Headers
    media: str | None
    trace_id: str | None

    @property
    def method(self) -> str:
        """The HTTP method."""
        return str(self.scope["method"])


class GraphQLEndpoint:
    """An ASGI application that serves one schema through a door.

    ``introspection`` says who may read the schema; with ``admin`` it is those for whom
    ``may_introspect`` is true.
    """

    def __init__(
        self,
        schema: strawberry.Schema,
        door: Door,
        authenticate: Authenticate,
        *,
        introspection: Introspection = Introspection.ON,
        may_introspect: MayIntrospect = lambda _principal: False,
        limits: Limits | None = None,
        page: Page | None = None,
    ) -> None:
        self._schema = core_schema(schema)
        self._door = door
        self._authenticate = authenticate
        self._introspection = introspection
        self._admin_may = may_introspect
        self._limits = limits or Limits()
        self._page = page or Page()
        self._documents = Documents(self._schema, self._limits)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        headers = Headers(scope=scope)
        accept = ", ".join(headers.getlist("accept")) or None
        exchange = _Exchange(
            scope, receive, headers, http.negotiate(accept), http.trace_id(headers)
        )
        try:
            if exchange.method == "GET" and http.wants_page(accept):
                answer = self._page.answer()
            else:
                answer = await self._answer(exchange)
        except http.ClientGoneError:
            return
        await answer(scope, receive, send)

    async def _answer(self, exchange: _Exchange) -> Response:
        media = exchange.media or http.GRAPHQL_JSON
        try:
            return http.json_answer(200, await self._serve(exchange), media)
        except RequestRefusedError as refused:
            errors = [_traced(entry, exchange.trace_id) for entry in refused.errors]
            return http.json_answer(refused.status, {"errors": errors}, media)
        except ProblemError as refused:
            told = with_context(refused.problem, trace_id=exchange.trace_id)
            headers = _headers_of(refused)
        except http.ClientGoneError:
            raise
        except Exception as error:  # the last line: bad input or a bug, never a traceback outside
            told = with_context(internal_problem(error, "a request"), trace_id=exchange.trace_id)
            headers = {}
        return http.json_answer(told.status, {"errors": [error_entry(told)]}, media, headers)

    async def _serve(self, exchange: _Exchange) -> JsonObject:
        """The order of a request: what HTTP says, who asks, what is asked, the run."""
        self._check_request(exchange)
        principal = await self._authenticate(http.single(exchange.headers, "authorization"))
        parameters = await self._parameters(exchange)
        document = self._documents.prepare(parameters.query, self._asking(principal))
        operation = choose_operation(document, parameters.operation_name)
        _check_method(exchange, operation)
        context = CallContext(self._door, principal, exchange.trace_id)
        return await run(self._schema, document, operation, parameters, context, self._limits)

    def _check_request(self, exchange: _Exchange) -> None:
        if exchange.method not in ("GET", "POST"):
            detail = f"{exchange.method} is not served here. Use POST, or GET for queries."
            raise http_refusal("METHOD_NOT_ALLOWED", detail, "method", {"allow": "GET, POST"})
        http.check_uri(exchange.scope, self._limits)
        if exchange.media is None:
            detail = (
                f"Answers come as {http.GRAPHQL_JSON} or {http.PLAIN_JSON}. Accept one of them."
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

    def _asking(self, principal: Principal) -> Callable[[], bool]:
        if self._introspection is Introspection.ADMIN:
            return partial(self._admin_may, principal)
        return lambda: self._introspection is Introspection.ON


def _check_method(exchange: _Exchange, operation: OperationDefinitionNode) -> None:
    if exchange.method == "GET" and operation.operation is not OperationType.QUERY:
        detail = "GET runs queries only. Send this operation with POST."
        raise http_refusal("METHOD_NOT_ALLOWED", detail, "method", {"allow": "POST"})


def _headers_of(refused: ProblemError) -> dict[str, str]:
    told = refused.problem
    headers = dict(refused.headers) if isinstance(refused, HttpRefusedError) else {}
    if told.status == 401:
        headers["www-authenticate"] = "Bearer"
    if told.retry_after is not None:
        headers["retry-after"] = str(max(1, math.ceil(told.retry_after)))
    return headers


def _traced(entry: JsonObject, trace_id: str | None) -> JsonObject:
    if trace_id is not None:
        entry["extensions"]["problem"]["traceId"] = trace_id
    return entry
