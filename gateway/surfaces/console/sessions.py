"""The session of a browser: the person's own token in a cookie, which nobody else can use.

Nothing is stored here: the token proves itself, ends by itself, and is all that the public API
takes. Scripts cannot read it (HttpOnly), and no other path gets it.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

COOKIE = "gateway_session"
"""The cookie that holds the token."""

PATH = "/console"
"""The paths that get it."""

CSRF = "csrf"
"""The form field that proves that a form was made for this session."""

MAX_TOKEN_CHARS = 3_800
"""What fits a cookie of 4,096 bytes (RFC 6265, section 6.1) with its name and attributes."""


def token_of(request: Request) -> str | None:
    """The token that the browser sends, believed by nobody yet."""
    return request.cookies.get(COOKIE) or None


def keep(response: Response, token: str, seconds: float, *, secure: bool) -> None:
    """Have the browser keep ``token`` for ``seconds``; ``secure`` where the page came by https."""
    response.set_cookie(
        COOKIE,
        token,
        max_age=max(0, int(seconds)),
        path=PATH,
        secure=secure,
        httponly=True,
        samesite="lax",  # "strict" would leave it out on the way back from an identity provider
    )


def forget(response: Response) -> None:
    """Have the browser drop the token."""
    response.delete_cookie(COOKIE, path=PATH, httponly=True, samesite="lax")


def csrf_of(token: str) -> str:
    """What forms of this session carry: only who knows the token can make it, and it tells nothing
    of the token (HMAC-SHA-256)."""
    proof = hmac.digest(token.encode(), b"contract-gateway console form", hashlib.sha256)
    return base64.urlsafe_b64encode(proof).rstrip(b"=").decode()


def is_of_session(form: Mapping[str, str], token: str) -> bool:
    """Whether a form was made for the session of ``token``."""
    return hmac.compare_digest(form.get(CSRF, "").encode(), csrf_of(token).encode())


def is_same_origin(request: Request, public_url: str | None) -> bool:
    """Whether a request that changes something was sent by a page of this gateway.

    Browsers say where a form comes from (``Sec-Fetch-Site``, ``Origin``); what says nothing is no
    browser, and has no cookie unless somebody gave it one.
    """
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("origin")
    if origin is None:
        return True
    return origin in {origin_of(request), public_url} - {None}


def origin_of(request: Request) -> str:
    """The origin that the browser asked, by its ``Host``."""
    return f"{request.url.scheme}://{request.url.netloc}"


def is_secure(request: Request, public_url: str | None) -> bool:
    """Whether browsers reach the gateway by https."""
    return urlsplit(public_url or origin_of(request)).scheme == "https"
