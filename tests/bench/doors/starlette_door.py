"""A bare Starlette route that reads JSON and answers JSON by orjson: no GraphQL at all."""

from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.bench.doors.answers import listed, started
from tests.bench.doors.serving import serve


async def answer(request: Request) -> Response:
    """What the GraphQL servers answer, found by looking at the text of the document."""
    asked: dict[str, Any] = orjson.loads(await request.body())
    value = asked["variables"]["input"]
    if asked["query"].startswith("mutation"):
        data = {"benchExecutionStart": started(value)}
    else:
        data = {"benchRowsList": listed(value)}
    return Response(orjson.dumps({"data": data}), media_type="application/json")


if __name__ == "__main__":
    serve(Starlette(routes=[Route("/graphql", answer, methods=["POST"])]))
