"""What no door serves: a path that there is not, and a method that a path does not take."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gateway.model.problem import problem
from gateway.surfaces.files import refusal


async def _no_path(_: Request, _error: Exception) -> Response:
    told = "Nothing is served at this path. Look for a mistake in it, or a slash too many."
    return refusal(problem("NOT_FOUND", told), ())


async def _no_method(request: Request, error: Exception) -> Response:
    """Starlette names the methods of a route in no order."""
    headers = error.headers if isinstance(error, HTTPException) else None
    served = sorted((headers or {}).get("Allow", "GET").split(", "))
    told = f"{request.method} is not served here. Use {served[0]}."
    return refusal(problem("METHOD_NOT_ALLOWED", told), served)


UNSERVED: Mapping[Any, Callable[[Request, Exception], Awaitable[Response]]] = {
    404: _no_path,
    405: _no_method,
}
"""The ``exception_handlers`` of an application: problems instead of Starlette's own texts."""
