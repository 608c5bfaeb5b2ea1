"""Uploads over HTTP: ``PUT /skills/artifacts/{digest}`` takes the archive of a skill."""

import asyncio
from collections.abc import AsyncIterator
from typing import Protocol

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.model.principal import Principal
from gateway.model.problem import ProblemError, problem
from gateway.surfaces.files import COMMON_HEADERS, file_route
from gateway.surfaces.graphql import Authenticate

_BODY_SECONDS = 60.0


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
    """The route ``/skills/artifacts/{digest}``."""

    async def upload(request: Request, principal: Principal, trace: str | None) -> Response:
        digest = request.path_params["digest"]
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                is_new = await receive(principal, digest, request.stream(), trace)
        except TimeoutError:
            told = f"The body did not come within {_BODY_SECONDS:g} s. Send it again."
            raise ProblemError(
                problem("TIMEOUT", told, status=408, category="validation")
            ) from None
        except ClientDisconnect:
            return Response(status_code=400)  # nobody is there to read it
        return JSONResponse({"digest": digest}, 201 if is_new else 200, headers=COMMON_HEADERS)

    path = "/skills/artifacts/{digest}"
    return file_route(path, ("PUT",), authenticate, upload, "an upload")
