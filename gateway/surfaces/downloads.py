"""Downloads over HTTP: ``GET /evidence/{runId}`` gives a caller the bundle that they exported."""

import base64
import math
from collections.abc import Awaitable, Callable
from typing import Protocol

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.model.principal import Principal
from gateway.model.problem import Problem, ProblemError, problem, with_context
from gateway.surfaces.graphql.errors import internal_problem
from gateway.surfaces.graphql.http import single, trace_id

_COMMON = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
_METHODS = ("GET", "HEAD")

Authenticate = Callable[[str | None], Awaitable[Principal]]
"""Who is calling, by the Authorization header."""


class File(Protocol):
    """A file to be downloaded; ``digest`` is SHA-256 of its content in hex."""

    @property
    def name(self) -> str:
        """How it is called: letters, digits, ``-``, ``_`` and ``.`` only."""
        ...

    @property
    def content(self) -> bytes:
        """What it holds."""
        ...

    @property
    def digest(self) -> str:
        """SHA-256 of its content, in hex."""
        ...


class Fetch(Protocol):
    """Fetches a run's evidence for a caller, with everything that policy demands of it."""

    async def __call__(self, principal: Principal, run_id: str, trace_id: str | None, /) -> File:
        """The newest bundle that the caller exported.

        Raises:
            ProblemError: it was refused or failed.
        """
        ...


def evidence_route(authenticate: Authenticate, fetch: Fetch) -> Route:
    """The route ``/evidence/{run_id}``; problems are answered as RFC 9457 tells."""

    async def download(request: Request) -> Response:
        trace = trace_id(request.headers)
        try:
            if request.method not in _METHODS:
                told = f"{request.method} is not served here. Use GET."
                raise ProblemError(problem("METHOD_NOT_ALLOWED", told))
            principal = await authenticate(single(request.headers, "authorization"))
            return _file(await fetch(principal, request.path_params["run_id"], trace))
        except ProblemError as error:
            told_problem = error.problem
        except Exception as error:  # the last line: a bug, never a traceback outside
            told_problem = internal_problem(error, "a download")
        return _problem(with_context(told_problem, trace_id=trace))

    methods = [*_METHODS, "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    return Route("/evidence/{run_id}", download, methods=methods)


def _file(found: File) -> Response:
    digest = base64.b64encode(bytes.fromhex(found.digest)).decode()
    headers = {
        **_COMMON,
        "content-disposition": f'attachment; filename="{found.name}"',
        "repr-digest": f"sha-256=:{digest}:",  # RFC 9530
    }
    return Response(found.content, headers=headers, media_type="application/zip")


def _problem(told: Problem) -> Response:
    headers = dict(_COMMON)
    if told.status == 401:
        headers["www-authenticate"] = "Bearer"
    if told.status == 405:
        headers["allow"] = ", ".join(_METHODS)
    if told.retry_after is not None:
        headers["retry-after"] = str(max(1, math.ceil(told.retry_after)))
    body = orjson.dumps(told.to_json())
    return Response(body, told.status, headers, media_type="application/problem+json")
