"""The door of a witness: ``POST /add-checkpoint`` (C2SP tlog-witness)."""

import logging
import sqlite3

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from gateway.model.problem import ProblemError
from gateway.surfaces.graphql.errors import HttpRefusedError
from gateway.surfaces.graphql.http.bodies import ClientGoneError, read_body
from gateway.surfaces.graphql.limits import Limits
from gateway.surfaces.graphql.requests.headers import RequestHeaders
from gateway.witness import MAX_BYTES, Witness

_log = logging.getLogger(__name__)


def witness_app(witness: Witness, body_seconds: float = 10.0) -> Starlette:
    """The HTTP application of a witness, where a body must have come within ``body_seconds``."""
    limits = Limits(body_bytes=MAX_BYTES, body_seconds=body_seconds)

    async def add_checkpoint(request: Request) -> Response:
        try:
            announced = RequestHeaders(request.scope).single("content-length")
            body = await read_body(request.receive, announced, limits)
        except ClientGoneError:
            return Response(status_code=400)  # nobody is there to read it
        except ProblemError as refused:
            return _refusal(refused)
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


def _refusal(refused: ProblemError) -> Response:
    headers = refused.headers if isinstance(refused, HttpRefusedError) else {}
    told = refused.problem
    return PlainTextResponse(f"{told.detail}\n", told.status, headers)
