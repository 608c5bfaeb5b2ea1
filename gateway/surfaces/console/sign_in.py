"""Signing in and out: at an identity provider, or with a development token that is pasted."""

import hmac
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote, unquote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from gateway.identity import SignInAttempt
from gateway.model.problem import ProblemError, problem, refuse
from gateway.surfaces.console import sessions
from gateway.surfaces.console.desk import Desk
from gateway.surfaces.console.forms import read_form
from gateway.surfaces.console.rendering import page
from gateway.surfaces.console.visits import SIGN_IN, refused

HOME = "/console/inbox"
"""Where people come when they have signed in."""

_BACK = "/console/signed-in"
_ATTEMPT = "gateway_sign_in"
_ATTEMPT_SECONDS = 600
"""How long somebody may take at the identity provider."""


def sign_in_routes(desk: Desk) -> list[Route]:
    """The page to sign in, the way to an identity provider and back, and signing out."""
    return [
        _route(SIGN_IN, "GET", _ask, desk),
        _route(SIGN_IN, "POST", _take_token, desk),
        _route(f"{SIGN_IN}/provider", "GET", _send_to_provider, desk),
        _route(_BACK, "GET", _come_back, desk),
        _route("/console/sign-out", "POST", _sign_out, desk),
    ]


def _route(
    path: str, method: str, serve: Callable[[Request, Desk], Awaitable[Response]], desk: Desk
) -> Route:
    async def endpoint(request: Request) -> Response:
        try:
            return await serve(request, desk)
        except ProblemError as error:
            return refused(error.problem.to_json(), request)

    return Route(path, endpoint, methods=[method])


async def _ask(request: Request, desk: Desk) -> Response:
    told = "Your session is over. Sign in again." if "ended" in request.query_params else None
    return _sign_in_page(desk, _next_of(request.query_params.get("next")), told)


def _sign_in_page(desk: Desk, then: str, told: str | None, status: int = 200) -> Response:
    shown: dict[str, Any] = {
        "visit": None,
        "told": told,
        "next": then,
        "has_provider": desk.code_flow is not None,
        "takes_tokens": desk.takes_tokens,
    }
    return page("sign_in.html", shown, status)


async def _take_token(request: Request, desk: Desk) -> Response:
    if not desk.takes_tokens:
        raise refuse("FORBIDDEN", "No tokens are pasted here. Sign in at the identity provider.")
    if not sessions.is_same_origin(request, desk.public_url):
        raise refuse("FORBIDDEN", "The form came from another site, so nothing was done.")
    form = await read_form(request)
    then = _next_of(form.get("next"))
    token = "".join(form.get("token", "").split())
    try:
        return await _signed_in(request, desk, token, then)
    except ProblemError as error:
        return _sign_in_page(desk, then, error.problem.detail, error.problem.status)


async def _signed_in(request: Request, desk: Desk, token: str, then: str) -> Response:
    """The way to ``then`` with a session.

    Raises:
        ProblemError: UNAUTHENTICATED for what is no token to be believed.
    """
    if len(token) > sessions.MAX_TOKEN_CHARS:
        raise refuse(
            "UNAUTHENTICATED",
            f"The token has {len(token)} characters, and a cookie holds "
            f"{sessions.MAX_TOKEN_CHARS}. Have the identity provider put less into it.",
        )
    if not token:
        raise refuse("UNAUTHENTICATED", "There is no token. Paste one.")
    seconds = await desk.valid_for(f"Bearer {token}")
    answer = RedirectResponse(then, 303)
    secure = sessions.is_secure(request, desk.public_url)
    sessions.keep(answer, token, seconds or 0, secure=secure)
    return answer


async def _send_to_provider(request: Request, desk: Desk) -> Response:
    if desk.code_flow is None:
        raise refuse("NOT_FOUND", "There is no identity provider here. Paste a token instead.")
    attempt = SignInAttempt.begin()
    answer = RedirectResponse(await desk.code_flow.address(attempt, _back_to(request, desk)), 303)
    then = quote(_next_of(request.query_params.get("next")))  # a cookie holds no other letters
    kept = f"{attempt.state}.{attempt.verifier}.{then}"
    answer.set_cookie(
        _ATTEMPT,
        kept,
        max_age=_ATTEMPT_SECONDS,
        path=_BACK,
        secure=sessions.is_secure(request, desk.public_url),
        httponly=True,
        samesite="lax",
    )
    return answer


async def _come_back(request: Request, desk: Desk) -> Response:
    """The provider sent the browser back: with a code for the attempt that this browser began."""
    state, _, rest = request.cookies.get(_ATTEMPT, "").partition(".")
    verifier, _, then = rest.partition(".")
    told = request.query_params
    is_own = state and hmac.compare_digest(told.get("state", "").encode(), state.encode())
    if desk.code_flow is None or not is_own:
        detail = "This browser did not begin to sign in, or took too long. Sign in again."
        raise ProblemError(problem("UNAUTHENTICATED", detail))
    if "error" in told:
        detail = "The identity provider did not let you in. Sign in again, or ask its operator."
        raise ProblemError(problem("UNAUTHENTICATED", detail))
    attempt, back = SignInAttempt(state, verifier), _back_to(request, desk)
    token = await desk.code_flow.redeem(told.get("code", ""), attempt, back)
    answer = await _signed_in(request, desk, token, _next_of(unquote(then)))
    answer.delete_cookie(_ATTEMPT, path=_BACK)
    return answer


async def _sign_out(request: Request, desk: Desk) -> Response:
    form, token = await read_form(request), sessions.token_of(request)
    is_own = sessions.is_same_origin(request, desk.public_url)
    if token is not None and not (is_own and sessions.is_of_session(form, token)):
        raise refuse(
            "FORBIDDEN", "The form was not made for this session. You are signed in still."
        )
    answer = RedirectResponse(SIGN_IN, 303)
    sessions.forget(answer)
    return answer


def _back_to(request: Request, desk: Desk) -> str:
    return (desk.public_url or sessions.origin_of(request)) + _BACK


def _next_of(path: str | None) -> str:
    """A page of the console to go on to: anything else would lead people elsewhere."""
    is_page = path is not None and path.startswith(f"{sessions.PATH}/") and "\\" not in path
    return path if is_page and path is not None and path.isprintable() else HOME
