"""What came in with which trace: ``GET /_traces`` tells the last requests with their
``traceparent``, the newest last."""

from collections import deque

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

MOST = 100


class TraceLog:
    """An ASGI application around another that remembers the last requests."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._seen: deque[dict[str, str | None]] = deque(maxlen=MOST)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Remember a request and hand it on, or tell."""
        if scope["type"] == "http" and scope["path"] == "/_traces":
            await JSONResponse({"requests": list(self._seen)})(scope, receive, send)
            return
        if scope["type"] == "http":
            header = dict(scope["headers"]).get(b"traceparent")
            told = header.decode("latin-1") if header is not None else None
            self._seen.append({"path": scope["path"], "traceparent": told})
        await self._app(scope, receive, send)
