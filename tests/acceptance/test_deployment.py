"""A deployment of its own: contracts, service and identity provider; the policies are shipped."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from tests.processes import Caller, JsonObject, Server

CONTRACT = """
key: shop.stock.{name}
version: 1.0.0
kind: command
title: Do {name}
description: An action of risk {risk}.
domain: shop
owners: [shop.team]
capability: shop.core@1.0.0
risk: {risk}
input: {{item: ID!, count: Int!}}
output: {{item: ID!, left: Int!}}
errors: {{SOLD_OUT: {{http: 409, description: Nothing is left.}}}}
policy: {{auth: user}}
handler:
  http:
    method: POST
    url: "http://shop.internal/stock/{{item}}/{name}"
    headers: {{Authorization: "Bearer ${{secret:SHOP_TOKEN}}"}}
    idempotencyKey: true
"""
RISKS = {"count": "low", "move": "medium", "sell": "high", "burn": "critical"}


class Shop(ThreadingHTTPServer):
    """The deployment's service, and its identity provider's published keys."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), ShopHandler)
        self.seen: list[tuple[str, str | None, JsonObject]] = []
        self.key = generate_private_key(SECP256R1())
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def jwks(self) -> JsonObject:
        public: JsonObject = json.loads(
            jwt.algorithms.ECAlgorithm.to_jwk(self.key.public_key(), as_dict=False)
        )
        return {"keys": [{**public, "kid": "k1", "alg": "ES256", "use": "sig"}]}

    def token(self, subject: str, kind: str, roles: list[str], **claims: Any) -> str:
        now = int(time.time())
        body = {
            "iss": self.url, "aud": "shop-gateway", "sub": subject, "iat": now, "exp": now + 600,
            "workspace": "acme", "type": kind, "roles": roles, **claims,
        }  # fmt: skip
        return jwt.encode(body, self.key, algorithm="ES256", headers={"kid": "k1"})


class ShopHandler(BaseHTTPRequestHandler):
    server: Shop

    def do_GET(self) -> None:
        self._answer(200, self.server.jwks())

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.seen.append((self.path, self.headers["authorization"], body))
        if body["count"] > 99:
            self._answer(409, {"code": "SOLD_OUT", "detail": "sold to bob@example.com"})
        else:
            self._answer(200, {"item": self.path.split("/")[2], "left": 100 - body["count"]})

    def _answer(self, status: int, body: JsonObject) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    server = Shop()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def gateway(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("deployment")
    schema = folder / "schema"
    schema.mkdir()
    for name, risk in RISKS.items():
        (schema / f"{name}.yaml").write_text(CONTRACT.format(name=name, risk=risk))
    count = CONTRACT.format(name="count", risk="low")
    (schema / "count.2.yaml").write_text(count.replace("version: 1.0.0", "version: 2.0.0"))
    opened = CONTRACT.format(name="open", risk="low")
    (schema / "open.yaml").write_text(opened.replace("auth: user", "auth: anonymous"))
    server = Server(folder, settings(shop, schema))
    server.start()
    yield server
    server.stop()


def settings(shop: Shop, schema: Path) -> dict[str, str]:
    issuer = {"issuer": shop.url, "audience": "shop-gateway", "jwks_url": f"{shop.url}/jwks"}
    return {
        "PATH": "/usr/bin:/bin",
        "GATEWAY_SCHEMA_DIR": str(schema),
        "GATEWAY_ACTION_ORIGINS": f"http://shop.internal={shop.url}",
        "GATEWAY_ACTION_HOSTS": "127.0.0.1:*",
        "GATEWAY_OIDC_ISSUERS": json.dumps([issuer]),
        "SHOP_TOKEN": "shop-secret-4711",
    }


def step(name: str) -> JsonObject:
    return {"key": "it", "contract": f"shop.stock.{name}", "input": {"item": "i-1", "count": 1}}


def verdict(gateway: Server, shop: Shop, kind: str, name: str) -> str:
    """The verdict on a plan of one step that somebody of this kind asks for."""
    who = Caller(gateway, shop.token(f"{kind}-1", kind, ["user", "planner"]))
    intent = who.mutate(
        "controlPlaneIntentSubmit",
        "executionId intentId",
        {"workspaceId": "acme", "text": "something with the stock"},
    )
    plan = who.mutate(
        "controlPlanePlanCompile", "planId", {**intent, "draft": {"steps": [step(name)]}}
    )
    value = {"executionId": intent["executionId"], "planId": plan["planId"]}
    found: str = who.mutate("controlPlanePlanVerify", "verdict", value)["verdict"]
    return found


@pytest.mark.parametrize(
    ("kind", "verdicts"),
    [
        ("agent", ["AUTONOMOUS", "ASSIST", "ASSIST", "BLOCKED"]),
        ("service", ["AUTONOMOUS", "ASSIST", "ASSIST", "BLOCKED"]),
        ("human", ["AUTONOMOUS", "AUTONOMOUS", "ASSIST", "ASSIST"]),
    ],
)
def test_the_shipped_rules_serve_it_by_risk(
    gateway: Server, shop: Shop, kind: str, verdicts: list[str]
) -> None:
    assert [verdict(gateway, shop, kind, name) for name in RISKS] == verdicts


def test_its_actions_are_performed_with_its_secret(gateway: Server, shop: Shop) -> None:
    agent = Caller(gateway, shop.token("agent-1", "agent", ["user"]))
    output = agent.mutate("shopStockCount", "item left", {"item": "a b/c", "count": 7})
    assert output == {"item": "a%20b%2Fc", "left": 93}
    assert shop.seen[-1] == (
        "/stock/a%20b%2Fc/count",
        "Bearer shop-secret-4711",
        {"count": 7},
    )
    stored = b"".join(path.read_bytes() for path in gateway.data_dir.glob("gateway.db*"))
    assert b"shop-secret-4711" not in stored
    assert "shop-secret-4711" not in gateway.log()


def test_its_declared_error_is_told_in_the_contracts_words(gateway: Server, shop: Shop) -> None:
    agent = Caller(gateway, shop.token("agent-1", "agent", ["user"]))
    told = agent.refused("shopStockCount", "left", {"item": "i-1", "count": 100})
    assert told["code"] == "SOLD_OUT"
    assert told["http"]["status"] == 409
    assert told["problem"]["detail"] == "Nothing is left."
    stored = b"".join(path.read_bytes() for path in gateway.data_dir.glob("gateway.db*"))
    assert b"bob@example.com" not in stored


@pytest.mark.parametrize(
    "wrong",
    [{"aud": "another"}, {"exp": 1}, {"iss": "http://127.0.0.1:1"}, {"workspace": "NOT OK"}],
)
def test_a_token_that_does_not_hold_is_refused(
    gateway: Server, shop: Shop, wrong: JsonObject
) -> None:
    answer = Caller(gateway, shop.token("ann", "human", ["admin"], **wrong)).send("{ __typename }")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


def test_development_tokens_are_not_believed_beside_an_issuer(gateway: Server) -> None:
    assert gateway.caller("ann", "admin").send("{ __typename }").status_code == 401


def test_a_missing_secret_stops_the_start(shop: Shop, tmp_path: Path) -> None:
    schema = tmp_path / "schema"
    schema.mkdir()
    (schema / "sell.yaml").write_text(CONTRACT.format(name="sell", risk="high"))
    env = {**settings(shop, schema), "GATEWAY_PORT": "0"}
    del env["SHOP_TOKEN"]
    refused = Server(tmp_path, env).command("serve")
    assert refused.returncode == 2
    assert "SECRET_MISSING" in refused.stderr
    assert "sell.yaml" in refused.stderr


def test_a_requester_needs_the_role_user(gateway: Server, shop: Shop) -> None:
    who = Caller(gateway, shop.token("gate-crasher", "human", ["visitor"]))
    before = len(shop.seen)
    told = who.refused("shopStockOpen", "left", {"item": "i-1", "count": 1})
    assert told["code"] == "FORBIDDEN"
    assert "role user" in told["problem"]["detail"]
    assert len(shop.seen) == before


def test_an_idempotency_key_belongs_to_one_version(gateway: Server, shop: Shop) -> None:
    agent = Caller(gateway, shop.token("agent-1", "agent", ["user"]))
    value = {"item": "i-9", "count": 3}
    assert agent.mutate("shopStockCountV1", "left", value, key="once") == {"left": 97}
    assert agent.mutate("shopStockCount", "item left", value, key="once")["left"] == 97
    assert [path for path, _, _ in shop.seen].count("/stock/i-9/count") == 2
