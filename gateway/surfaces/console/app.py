"""The routes of the console, for the composition root to mount."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from gateway.model.problem import problem, refuse
from gateway.surfaces.console import contracts, executions, health, inbox, live, policies
from gateway.surfaces.console.desk import Desk
from gateway.surfaces.console.rendering import HEADERS
from gateway.surfaces.console.sign_in import HOME, sign_in_routes
from gateway.surfaces.console.visits import Page, Visit, refused, route_of

STATIC = Path(__file__).parent / "static"
"""The style sheet and the modules of the pages."""

_KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}

PAGES: Sequence[Page] = (
    *inbox.PAGES,
    *executions.PAGES,
    *policies.PAGES,
    *contracts.PAGES,
    *health.PAGES,
    *live.PAGES,
)
"""Every page for people who are signed in."""


def console_routes(desk: Desk) -> list[Route]:
    """The paths below ``/console``."""
    return [
        Route("/console", _home),
        Route("/console/", _home),
        Route("/console/static/{name}", _static),
        *sign_in_routes(desk),
        *(route_of(made, desk) for made in PAGES),
        route_of(Page("/console/{path:path}", _nowhere), desk),
    ]


async def _home(_: Request) -> Response:
    return RedirectResponse(HOME, 303)


async def _static(request: Request) -> Response:
    """A file that browsers keep and ask about again."""
    file = _files().get(request.path_params["name"])
    if file is None:
        return refused(problem("NOT_FOUND", "There is no such file.").to_json(), request)
    headers = {**HEADERS, "cache-control": "no-cache", "etag": file.etag}
    if request.headers.get("if-none-match") == file.etag:
        return Response(status_code=304, headers=headers)
    return Response(file.content, headers=headers, media_type=file.kind)


@dataclass(frozen=True, slots=True)
class _File:
    """A file of ``STATIC``; ``etag`` is made of its content (RFC 9110, section 8.8.3)."""

    content: bytes
    kind: str
    etag: str


@cache
def _files() -> Mapping[str, _File]:
    """All of them by name, read once: what is not among them is not served."""
    found = {}
    for path in STATIC.iterdir():
        if kind := _KINDS.get(path.suffix):
            content = path.read_bytes()
            digest = hashlib.sha256(content).hexdigest()[:32]
            found[path.name] = _File(content, kind, f'"{digest}"')
    return found


async def _nowhere(_: Visit) -> Response:
    raise refuse("NOT_FOUND", "There is no such page. Choose one above.")
