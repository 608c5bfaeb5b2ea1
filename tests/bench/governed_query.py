"""A governed query over HTTP against a bare JSON route of the same application."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import uvicorn
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.app import Gateway
from gateway.identity import LocalIssuer
from gateway.serving import create_app, listen
from tests.bench.figures import Figure, against
from tests.bench.http_rates import load, request
from tests.bench.world import FIVE_STEPS, OLGA, bench_gateway, prepared

_QUERY = """query ($input: ControlPlaneExecutionGetInput!) { controlPlaneExecutionGet(input: $input)
 { execution { executionId intentId planId status riskTier requiresApproval updatedAt } } }"""


BARE = "a bare Starlette JSON route of the same app"


async def query_figures(folder: Path) -> list[Figure]:
    """Serve the application in this process and load it from another."""
    async with bench_gateway(folder) as gateway:
        ids = await prepared(gateway, FIVE_STEPS)
        issuer = LocalIssuer.open(gateway.settings.key_dir)
        token = issuer.issue(OLGA.subject, OLGA.type, ("admin",), OLGA.workspace, 3600)
        async with served(gateway) as address:
            body = json.dumps(
                {"query": _QUERY, "variables": {"input": {"executionId": ids["executionId"]}}}
            )
            asked = request("POST", "/graphql", body, f"authorization: Bearer {token}\r\n")
            query = await load(address, asked)
            bare = await load(address, request("GET", "/bare", "", ""))
    return [
        against("governed controlPlaneExecutionGet over HTTP", query["rate"], "req/s", BARE,
                bare["rate"]),
        Figure("governed query, p50", query["p50"] * 1e3, "ms"),
        Figure("governed query, p99", query["p99"] * 1e3, "ms"),
    ]  # fmt: skip


@contextlib.asynccontextmanager
async def served(gateway: Gateway) -> AsyncIterator[tuple[str, int]]:
    """The gateway's application and a bare route ``/bare``, served at this host and port."""
    app = create_app(gateway)
    app.router.routes.append(Route("/bare", _bare))
    with listen(gateway.settings) as sock:
        server = uvicorn.Server(
            uvicorn.Config(app, lifespan="off", access_log=False, log_level="warning")
        )
        serving = asyncio.create_task(server.serve(sockets=[sock]))
        while not server.started:  # noqa: ASYNC110 - uvicorn tells by this attribute alone
            await asyncio.sleep(0.05)
        yield sock.getsockname()
        server.should_exit = True
        await serving


async def _bare(_: Request) -> Response:
    return JSONResponse({"data": {"execution": {"status": "VERIFIED"}}})
