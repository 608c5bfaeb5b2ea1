"""A receiver of webhooks on this machine: it verifies as a receiver would, and answers as told."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.ports import free_port
from tests.world import wait_until

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER_SECRET = "whsec_" + base64.b64encode(b"another key of 32 random bytes..").decode()


@dataclass(frozen=True)
class Message:
    """One attempt that came in."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def event(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    def signed_by(self, secret: str) -> bool:
        """Whether one of the signatures was made with this secret (Standard Webhooks 1.0.0)."""
        key = base64.b64decode(secret.removeprefix("whsec_"))
        stamped = self.headers["webhook-timestamp"]
        content = b".".join([self.id.encode(), stamped.encode(), self.body])
        own = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
        given = self.headers["webhook-signature"].split(" ")
        return abs(time.time() - int(stamped)) < 300 and f"v1,{own}" in given


Answer = tuple[int, dict[str, str]]


@dataclass
class Receiver:
    """Takes messages on a port of its own; ``answer`` says what each of them is told."""

    answer: Callable[[Message], Answer] = lambda _: (204, {})
    port: int = 0
    messages: list[Message] = field(default_factory=list)
    _server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> "Receiver":
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 5

            def do_POST(self) -> None:
                length = int(self.headers["content-length"])
                body = self.rfile.read(length)
                if len(body) < length:  # the sender is gone: nothing has arrived
                    self.close_connection = True
                    return
                headers = {name.lower(): value for name, value in self.headers.items()}
                message = Message(self.path, headers, body)
                receiver.messages.append(message)
                status, more = receiver.answer(message)
                self.send_response(status)
                for name, value in more.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *_: Any) -> None:
                """A sender that was killed is no error of the receiver."""

        self._server = Server(("127.0.0.1", self.port or free_port()), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def stop(self) -> None:
        assert self._server is not None
        self._server.shutdown()
        self._server.server_close()

    def ids(self) -> Counter[str]:
        """How often each message came."""
        return Counter(message.id for message in list(self.messages))

    def events(self, kind: str | None = None) -> list[dict[str, Any]]:
        found = [message.event for message in list(self.messages)]
        return [event for event in found if kind is None or event["type"] == kind]

    def wait(self, reached: Callable[[], bool], seconds: float = 20.0) -> None:
        wait_until(reached, seconds, lambda: f"{[one.event['type'] for one in self.messages]}")
