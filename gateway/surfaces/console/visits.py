"""One visit to a page: who comes, what they may be offered, and the order of every request.

A page is a function from a visit to a response; what is the same for all of them stands here: the
session is read and believed, a form is proven to be of that session, what is refused is told.
"""

import math
import secrets
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from gateway.model.json import JsonObject
from gateway.model.principal import Principal
from gateway.model.problem import Problem, ProblemError, problem
from gateway.surfaces.console import sessions
from gateway.surfaces.console.asking import Api, AskedError
from gateway.surfaces.console.desk import Desk
from gateway.surfaces.console.forms import Form, read_form
from gateway.surfaces.console.rendering import page
from gateway.surfaces.graphql.errors import internal_problem

_AGAIN = 3
"""Seconds after which a page that cannot be had at present is asked for again."""

_KEY = "key"
_LONGEST = 128

SIGN_IN = "/console/sign-in"
"""Where people go who have no session."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of somebody who is signed in.

    ``form`` is what they sent, empty where they only look; ``api`` the public GraphQL endpoint with
    their token; ``seen`` the root fields that they are shown, None for all.
    """

    request: Request
    viewer: Principal
    token: str
    api: Api
    seen: frozenset[str] | None
    now: datetime
    form: Form = field(default_factory=lambda: Form([]))

    @property
    def key(self) -> str | None:
        """The idempotency key of the form that was sent, so that sending it again acts once."""
        return self.form.get(_KEY, "")[:_LONGEST] or None

    def may(self, root_field: str) -> bool:
        """Whether the viewer may ask for this field of the API."""
        return self.seen is None or root_field in self.seen

    def may_any(self, root_fields: Iterable[str]) -> bool:
        """Whether the viewer may ask for at least one of these fields."""
        return any(self.may(one) for one in root_fields)

    def asked(self, name: str) -> str:
        """A parameter of the address, without blanks around it; empty where it is not there."""
        return self.request.query_params.get(name, "").strip()

    def counted(self, name: str) -> int:
        """A parameter of the address that counts something; 0 for what is no such number."""
        text = self.asked(name)
        return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0

    def render(self, template: str, status: int = 200, **context: Any) -> Response:
        """A page for the viewer; templates have ``visit``, ``now``, ``csrf`` and a new ``key``
        besides."""
        proof, key = sessions.csrf_of(self.token), secrets.token_urlsafe(16)
        shared = {"visit": self, "now": self.now, "csrf": proof, "key": key}
        return page(template, shared | context, status)


Serve = Callable[[Visit], Awaitable[Response | ASGIApp]]
"""Answers a visit; may raise AskedError and ProblemError."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page at ``path``: ``serve`` answers those who look, ``take`` those who send a form."""

    path: str
    serve: Serve | None = None
    take: Serve | None = None


def route_of(made: Page, desk: Desk) -> Route:
    """The route that serves a page."""

    served = {"GET": made.serve, "HEAD": made.serve, "POST": made.take}
    by_method = {method: serve for method, serve in served.items() if serve is not None}

    async def endpoint(request: Request) -> Response | ASGIApp:
        return await _answer(request, desk, by_method[request.method])

    return Route(made.path, endpoint, methods=list(by_method))


async def _answer(request: Request, desk: Desk, serve: Serve) -> Response | ASGIApp:
    """The order of every request."""
    token = sessions.token_of(request)
    try:
        viewer = await desk.authenticate(f"Bearer {token}") if token else None
        await desk.settle()
    except ProblemError as error:
        if error.problem.code != "UNAUTHENTICATED":
            return refused(error.problem.to_json(), request)
        viewer = None
    if token is None or viewer is None:
        return _sent_to_sign_in(request, had_one=token is not None)
    api = Api(desk.graphql, desk.evidence, request.scope, token)
    visit = Visit(request, viewer, token, api, desk.may_see(viewer), desk.clock.now())
    try:
        return await serve(await _with_form(visit, desk))
    except AskedError as error:
        return refused(error.problem, request, visit)
    except ProblemError as error:
        return refused(error.problem.to_json(), request, visit)
    except Exception as error:  # the last line: a bug, never a traceback outside
        return refused(internal_problem(error, "a page").to_json(), request, visit)


async def _with_form(visit: Visit, desk: Desk) -> Visit:
    """The visit with the form that it brought, proven to come from a page of this session.

    Raises:
        ProblemError: FORBIDDEN for a form from elsewhere; what ``read_form`` raises.
    """
    if visit.request.method != "POST":
        return visit
    form = await read_form(visit.request)
    is_own = sessions.is_same_origin(visit.request, desk.public_url)
    if not is_own or not sessions.is_of_session(form, visit.token):
        raise ProblemError(_foreign_form())
    return Visit(
        *(visit.request, visit.viewer, visit.token, visit.api, visit.seen, visit.now), form=form
    )


def _foreign_form() -> Problem:
    return problem(
        "FORBIDDEN",
        "The form was not made for this session, so nothing was done. Open the page again and "
        "send the form from there.",
    )


async def shown_after(visit: Visit, done: str, shown: Awaitable[Response]) -> Response:
    """The page that is shown after a form was done. Where it cannot be had, what was ``done`` is
    told all the same: whoever hears of a refusal alone takes nothing for done."""
    try:
        return await shown
    except AskedError as error:
        return refused(error.problem, visit.request, visit, done)


def refused(
    told: JsonObject, request: Request, visit: Visit | None = None, done: str = ""
) -> Response:
    """The page that says what was refused, and what to do about it; where that is for a while, the
    page asks again by itself, unless it would send a form anew. ``done`` was not refused."""
    status = int(told.get("status", 500))
    is_for_now = bool(told.get("retryable")) and request.method == "GET"
    shown = {"told": told, "is_for_now": is_for_now, "done": done}
    answer = (
        visit.render("problem.html", status, **shown)
        if visit is not None
        else page("problem.html", {"visit": None, **shown}, status)
    )
    if is_for_now:
        answer.headers["refresh"] = str(math.ceil(told.get("retryAfter") or _AGAIN))
    return answer


def _sent_to_sign_in(request: Request, *, had_one: bool) -> Response:
    """Whoever looks comes back to the page; a form is not kept, since it may be old by then."""
    if request.method == "POST":
        told = problem(
            "UNAUTHENTICATED", "Your session is over, so nothing was done. Sign in again."
        )
        answer = refused(told.to_json(), request)
    else:
        query = f"?{request.url.query}" if request.url.query else ""
        asked = {"next": request.url.path + query, **({"ended": "1"} if had_one else {})}
        answer = RedirectResponse(f"{SIGN_IN}?{urlencode(asked)}", 303)
    if had_one:
        sessions.forget(answer)
    return answer
