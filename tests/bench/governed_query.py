"""A governed query over HTTP against a bare JSON route of the same application."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import uvicorn
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.identity import LocalIssuer
from gateway.serving import create_app, listen
from tests.bench.figures import Figure, against
from tests.bench.world import FIVE_STEPS, OLGA, bench_gateway, prepared

CONNECTIONS = 32
SECONDS = 6.0
_LOAD = Path(__file__).with_name("http_load.py")
_QUERY = """query ($input: ControlPlaneExecutionGetInput!) { controlPlaneExecutionGet(input: $input)
 { execution { executionId intentId planId status riskTier requiresApproval updatedAt } } }"""


async def query_figures(folder: Path) -> list[Figure]:
    """Serve the application in this process and load it from another."""
    async with bench_gateway(folder) as gateway:
        ids = await prepared(gateway, FIVE_STEPS)
        issuer = LocalIssuer.open(gateway.settings.data_dir)
        token = issuer.issue(OLGA.subject, OLGA.type, ("admin",), OLGA.workspace, 3600)
        app = create_app(gateway)
        app.router.routes.append(Route("/bare", _bare))
        with listen(gateway.settings) as sock:
            host, port = sock.getsockname()
            server = uvicorn.Server(
                uvicorn.Config(app, lifespan="off", access_log=False, log_level="warning")
            )
            serving = asyncio.create_task(server.serve(sockets=[sock]))
            while not server.started:  # noqa: ASYNC110 - uvicorn tells by this attribute alone
                await asyncio.sleep(0.05)
            body = json.dumps(
                {"query": _QUERY, "variables": {"input": {"executionId": ids["executionId"]}}}
            )
            asked = _request("POST", "/graphql", body, f"authorization: Bearer {token}\r\n")
            query = await _load(host, port, asked)
            bare = await _load(host, port, _request("GET", "/bare", "", ""))
            server.should_exit = True
            await serving
    name = "a bare Starlette JSON route of the same app"
    return [
        against("governed controlPlaneExecutionGet over HTTP", query["rate"], "req/s", name,
                bare["rate"]),
        Figure("governed query, p50", query["p50"] * 1e3, "ms"),
        Figure("governed query, p99", query["p99"] * 1e3, "ms"),
    ]  # fmt: skip


async def _bare(_: Request) -> Response:
    return JSONResponse({"data": {"execution": {"status": "VERIFIED"}}})


def _request(method: str, path: str, body: str, headers: str) -> str:
    return (
        f"{method} {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n"
        f"{headers}content-length: {len(body)}\r\n\r\n{body}"
    )


async def _load(host: str, port: int, request: str) -> dict[str, Any]:
    job = {
        "host": host,
        "port": port,
        "request": request,
        "connections": CONNECTIONS,
        "warmup": 1.0,
        "seconds": SECONDS,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(_LOAD), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate(json.dumps(job).encode())
    measured: dict[str, Any] = json.loads(out)
    return measured
