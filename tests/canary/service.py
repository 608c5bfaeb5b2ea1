"""The services behind the contracts: they answer with canaries, well and in every bad way."""

import json
import re
import socket
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import quote, urlsplit

from gateway.contracts import Registry
from gateway.model.contract import HttpHandler, OperationContract
from tests.canary.filling import Filler
from tests.canary.values import MARK, Canaries

MODES = (
    *("ok", "declared", "undeclared", "missing", "conflict", "failure", "redirect", "elsewhere"),
    *("malformed", "truncated", "wrong", "extra", "list", "slow", "silent"),
)
"""Every way in which it answers."""

RETRIED = (
    "conflict",
    "failure",
    "redirect",
    "elsewhere",
    "malformed",
    "truncated",
    "slow",
    "silent",
)
"""Those after which the gateway may try again, which takes seconds."""


class CanaryService:
    """Serves every contract with an http handler; ``modes`` says how, by contract reference."""

    def __init__(self, registry: Registry, canaries: Canaries) -> None:
        self.canaries = canaries
        self.modes: dict[str, str] = {}
        self.answered: Counter[str] = Counter()
        self.received: list[bytes] = []
        self._routes = [
            (contract, contract.handler.method, _pattern(contract.handler))
            for contract in registry.operations.values()
            if isinstance(contract.handler, HttpHandler)
        ]
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 5

            def handle_any(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                service.received.append(self.path.encode() + b" " + self.rfile.read(length))
                service.serve(self)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            setattr(Handler, f"do_{method}", Handler.handle_any)

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: Any) -> None:
                """A gateway that was killed is no error of the service."""

        self._server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def serve(self, request: BaseHTTPRequestHandler) -> None:
        """Answer one request as the mode of its contract has it."""
        path = urlsplit(request.path).path
        for contract, method, pattern in self._routes:
            if method == request.command and pattern.fullmatch(path):
                mode = self.modes.get(contract.ref, "ok")
                self.answered[mode] += 1
                self._answer(request, contract, mode)
                return
        _send(request, 404, b"{}")

    def _answer(
        self, request: BaseHTTPRequestHandler, contract: OperationContract, mode: str
    ) -> None:
        filler = Filler(self.canaries, contract, f"(answered {mode})")
        output = filler.output()
        said = self.canaries.text(f"{contract.ref} said by the service ({mode})")
        body = json.dumps({**output, "detail": said, "message": said, said: said}).encode()
        statuses = {"undeclared": 400, "missing": 404, "conflict": 409, "failure": 500}
        if mode in statuses:
            code = said if mode == "undeclared" else mode
            _send(request, statuses[mode], json.dumps({"code": code, "detail": said}).encode())
        elif mode == "declared":
            code = next(iter(contract.errors.values()), None)
            told = {"code": code.code if code else "X", "detail": said, "who": output}
            _send(request, code.http if code else 409, json.dumps(told).encode())
        elif mode in ("redirect", "elsewhere"):
            where = f"http://{MARK}.example/{quote(said)}"
            _send(request, 302 if mode == "redirect" else 307, body, location=where)
        elif mode == "malformed":
            _send(request, 200, b"{" + body + b",,")
        elif mode == "wrong":
            wrong = {name: {said: [said]} for name in output}
            _send(request, 200, json.dumps(wrong).encode())
        elif mode == "extra":
            _send(request, 200, body)
        elif mode == "list":
            _send(request, 200, json.dumps([said, output]).encode())
        else:
            self._end(request, mode, json.dumps(output).encode())

    def _end(self, request: BaseHTTPRequestHandler, mode: str, body: bytes) -> None:
        if mode == "truncated":
            request.send_response(200)
            request.send_header("Content-Length", str(len(body) + 100))
            request.end_headers()
            request.wfile.write(body)
        elif mode == "silent":
            request.close_connection = True
            request.connection.shutdown(socket.SHUT_RDWR)
            return
        else:
            if mode == "slow":
                time.sleep(1.5)
            _send(request, 200, body)
            return
        request.close_connection = True


def _pattern(handler: HttpHandler) -> re.Pattern[str]:
    path = urlsplit(handler.url).path
    return re.compile(re.sub(r"\\\{\w+\\\}|\{\w+\}", "[^/]+", re.escape(path)))


def _send(
    request: BaseHTTPRequestHandler, status: int, body: bytes, location: str | None = None
) -> None:
    request.send_response(status)
    request.send_header("Content-Type", "application/json")
    request.send_header("Content-Length", str(len(body)))
    if location:
        request.send_header("Location", location)
    request.end_headers()
    request.wfile.write(body)
