"""What the tests of identity share: a clock to set, and a small identity provider over HTTP."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

DISCOVERY = "/.well-known/openid-configuration"
PrivateKey = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class SetClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    @property
    def seconds(self) -> int:
        return int(self.moment.timestamp())

    def move(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


def jwk(key: PrivateKey, **members: Any) -> dict[str, Any]:
    """The public half of a key as a JWK."""
    public = key.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        return {**RSAAlgorithm.to_jwk(public, as_dict=True), **members}
    if isinstance(public, ec.EllipticCurvePublicKey):
        return {**ECAlgorithm.to_jwk(public, as_dict=True), **members}
    return {**OKPAlgorithm.to_jwk(public, as_dict=True), **members}


class Provider:
    """An identity provider on 127.0.0.1. ``pages`` are what it serves: status, headers, body."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.pages: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.requests: list[str] = []
        self.forms: list[dict[str, str]] = []
        self.key = ed25519.Ed25519PrivateKey.generate()
        self.discoverable()
        self.publish(jwk(self.key, kid="k1"))

    def serve(self, path: str, document: Any, status: int = 200, **headers: str) -> None:
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.pages[path] = (status, headers, body)

    def discoverable(self, **members: Any) -> None:
        """Describe itself, with other ``members`` where they are given."""
        places = {
            "jwks_uri": f"{self.url}/keys",
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
        }
        self.serve(DISCOVERY, {"issuer": self.url, **places, **members})

    def publish(self, *keys: Any) -> None:
        self.serve("/keys", {"keys": list(keys)})

    def token(
        self,
        clock: SetClock,
        key: PrivateKey | None = None,
        algorithm: str = "EdDSA",
        kid: str | None = "k1",
        **claims: Any,
    ) -> str:
        """A bearer header with a token; claims that are None are left out."""
        body = {
            "iss": self.url,
            "aud": "gateway",
            "sub": "ada",
            "exp": clock.seconds + 600,
            "jti": "t1",
            "type": "human",
            "workspace": "acme",
            "roles": ["user"],
            **claims,
        }
        headers = None if kid is None else {"kid": kid}
        found = {name: value for name, value in body.items() if value is not None}
        return f"Bearer {jwt.encode(found, key or self.key, algorithm=algorithm, headers=headers)}"


@contextmanager
def running_provider() -> Iterator[Provider]:
    """A provider that serves until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers["Content-Length"])).decode()
            provider.forms.append(dict(parse_qsl(sent)))
            self.do_GET()

        def do_GET(self) -> None:
            provider.requests.append(self.path)
            status, headers, body = provider.pages.get(self.path, (404, {}, b""))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider = Provider(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
