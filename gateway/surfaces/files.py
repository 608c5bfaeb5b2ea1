"""Files over HTTP: what the doors for uploads and downloads have in common."""

from collections.abc import Awaitable, Callable, Sequence

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.model.principal import Principal
from gateway.model.problem import Problem, ProblemError, problem, with_context
from gateway.surfaces.graphql import Authenticate
from gateway.surfaces.graphql.errors import headers_of, internal_problem
from gateway.surfaces.graphql.requests.headers import RequestHeaders
from gateway.surfaces.methods import EveryMethod

COMMON_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
"""What every answer of these doors carries."""

Serve = Callable[[Request, Principal, str | None], Awaitable[Response]]
"""Answers a request of a principal, under a trace where there is one; may raise ProblemError."""


def file_route(
    path: str, served: Sequence[str], authenticate: Authenticate, serve: Serve, doing: str
) -> Route:
    """A route that serves the methods ``served``; problems are answered as RFC 9457 tells.

    ``doing`` names what is done there for the log.
    """

    async def endpoint(request: Request) -> Response:
        headers = RequestHeaders(request.scope)
        trace = headers.trace_id
        try:
            if request.method not in served:
                told = f"{request.method} is not served here. Use {served[0]}."
                raise ProblemError(problem("METHOD_NOT_ALLOWED", told))
            principal = await authenticate(headers.single("authorization"))
            return await serve(request, principal, trace)
        except ProblemError as error:
            told_problem = error.problem
        except Exception as error:  # the last line: a bug, never a traceback outside
            told_problem = internal_problem(error, doing)
        return refusal(with_context(told_problem, trace_id=trace), served)

    return Route(path, EveryMethod(endpoint))


def refusal(told: Problem, served: Sequence[str]) -> Response:
    """A problem as these doors answer it."""
    # What is left of a body is not read, so the connection cannot be used again.
    headers = {**COMMON_HEADERS, **headers_of(told), "connection": "close"}
    if told.status == 405:
        headers["allow"] = ", ".join(served)
    body = orjson.dumps(told.to_json())
    return Response(body, told.status, headers, media_type="application/problem+json")
