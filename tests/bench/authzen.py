"""AuthZEN evaluations over HTTP against a bare JSON route of the same application."""

import json
from pathlib import Path

from gateway.identity import LocalIssuer
from gateway.model.json import JsonObject
from gateway.model.principal import PrincipalType
from tests.bench.figures import Figure, against
from tests.bench.governed_query import BARE, served
from tests.bench.http_rates import load, request
from tests.bench.world import bench_gateway

BATCH = 100

_QUESTION: JsonObject = {
    "subject": {"type": "agent", "id": "agent-1", "properties": {"roles": ["user"]}},
    "action": {"name": "run", "properties": {"left": 1, "right": 2}},
    "resource": {"type": "operation", "id": "bench.numbers.add"},
}


async def authzen_figures(folder: Path) -> list[Figure]:
    """Single evaluations and batches of a hundred, each one governed and recorded call."""
    async with bench_gateway(folder) as gateway:
        issuer = LocalIssuer.open(gateway.settings.key_dir)
        roles = ("policy-enforcer",)
        token = issuer.issue("bench-proxy", PrincipalType.SERVICE, roles, "bench", 3600)
        header = f"authorization: Bearer {token}\r\n"
        many = {**_QUESTION, "evaluations": [{}] * BATCH}
        async with served(gateway) as address:
            one = await load(
                address, request("POST", "/access/v1/evaluation", json.dumps(_QUESTION), header)
            )
            batch = await load(
                address, request("POST", "/access/v1/evaluations", json.dumps(many), header)
            )
            bare = await load(address, request("GET", "/bare", "", ""))
    return [
        against("AuthZEN evaluation over HTTP", one["rate"], "req/s", BARE, bare["rate"]),
        Figure("AuthZEN evaluation, p50", one["p50"] * 1e3, "ms"),
        Figure("AuthZEN evaluation, p99", one["p99"] * 1e3, "ms"),
        Figure("AuthZEN evaluations, in batches of 100", batch["rate"] * BATCH, "decisions/s"),
    ]
