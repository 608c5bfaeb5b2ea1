"""The door of a witness: ``POST /add-checkpoint`` (C2SP tlog-witness)."""

import logging
import sqlite3

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from gateway.witness import MAX_BYTES, Witness

_log = logging.getLogger(__name__)


def witness_app(witness: Witness) -> Starlette:
    """The HTTP application of a witness."""

    async def add_checkpoint(request: Request) -> Response:
        body = await _bounded(request)
        if body is None:
            return PlainTextResponse("the request is too large\n", 413)
        try:
            answer = await run_in_threadpool(witness.add_checkpoint, body)
        except sqlite3.Error as error:
            _log.error("a checkpoint could not be remembered (%s)", type(error).__name__)
            return PlainTextResponse("nothing can be remembered now\n", 503)
        # As a header, for a media type of text would be given a charset.
        return Response(answer.body, answer.status, {"content-type": answer.content_type})

    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    return Starlette(
        routes=[
            Route("/add-checkpoint", add_checkpoint, methods=["POST"]),
            Route("/healthz", healthz),
        ]
    )


async def _bounded(request: Request) -> bytes | None:
    """The body; None where it is too large, or whoever sent it is gone."""
    found = bytearray()
    try:
        async for chunk in request.stream():
            found += chunk
            if len(found) > MAX_BYTES:
                return None
    except ClientDisconnect:
        return None
    return bytes(found)
