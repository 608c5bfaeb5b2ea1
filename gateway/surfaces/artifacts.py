"""Uploads over HTTP: ``PUT /skills/artifacts/{digest}`` takes the archive of a skill."""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.model.principal import Principal
from gateway.model.problem import Problem, ProblemError, problem, with_context
from gateway.surfaces.graphql.errors import internal_problem
from gateway.surfaces.graphql.http import single, trace_id

_COMMON = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
_BODY_SECONDS = 60.0

Authenticate = Callable[[str | None], Awaitable[Principal]]
"""Who is calling, by the Authorization header."""


class Receive(Protocol):
    """Takes an archive from a caller, with everything that policy demands of it."""

    async def __call__(
        self,
        principal: Principal,
        digest: str,
        content: AsyncIterator[bytes],
        trace_id: str | None,
        /,
    ) -> bool:
        """True if the archive is new here.

        Raises:
            ProblemError: it was refused or failed.
        """
        ...


def artifact_route(authenticate: Authenticate, receive: Receive) -> Route:
    """The route ``/skills/artifacts/{digest}``; problems are answered as RFC 9457 tells."""

    async def upload(request: Request) -> Response:
        trace, digest = trace_id(request.headers), request.path_params["digest"]
        try:
            if request.method != "PUT":
                told = f"{request.method} is not served here. Use PUT."
                raise ProblemError(problem("METHOD_NOT_ALLOWED", told))
            principal = await authenticate(single(request.headers, "authorization"))
            async with asyncio.timeout(_BODY_SECONDS):
                is_new = await receive(principal, digest, request.stream(), trace)
            return JSONResponse({"digest": digest}, 201 if is_new else 200, headers=_COMMON)
        except ProblemError as error:
            told_problem = error.problem
        except TimeoutError:
            told = f"The body did not come within {_BODY_SECONDS:g} s. Send it again."
            told_problem = problem("TIMEOUT", told, status=408)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody is there to read it
        except Exception as error:  # the last line: a bug, never a traceback outside
            told_problem = internal_problem(error, "an upload")
        return _problem(with_context(told_problem, trace_id=trace))

    methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    return Route("/skills/artifacts/{digest}", upload, methods=methods)


def _problem(told: Problem) -> Response:
    # What is left of the body is not read, so the connection cannot be used again.
    headers = {**_COMMON, "connection": "close"}
    if told.status == 401:
        headers["www-authenticate"] = "Bearer"
    if told.status == 405:
        headers["allow"] = "PUT"
    if told.retry_after is not None:
        headers["retry-after"] = str(max(1, math.ceil(told.retry_after)))
    body = orjson.dumps(told.to_json())
    return Response(body, told.status, headers, media_type="application/problem+json")
