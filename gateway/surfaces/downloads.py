"""Downloads over HTTP: ``GET /evidence/{runId}`` gives a caller the bundle that they exported."""

import base64
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.model.principal import Principal
from gateway.surfaces.files import COMMON_HEADERS, file_route
from gateway.surfaces.graphql import Authenticate


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
    """The route ``/evidence/{run_id}``."""

    async def download(request: Request, principal: Principal, trace: str | None) -> Response:
        return _file(await fetch(principal, request.path_params["run_id"], trace))

    served = ("GET", "HEAD")
    return file_route("/evidence/{run_id}", served, authenticate, download, "a download")


def _file(found: File) -> Response:
    digest = base64.b64encode(bytes.fromhex(found.digest)).decode()
    headers = {
        **COMMON_HEADERS,
        "content-disposition": f'attachment; filename="{found.name}"',
        "repr-digest": f"sha-256=:{digest}:",  # RFC 9530
    }
    return Response(found.content, headers=headers, media_type="application/zip")
