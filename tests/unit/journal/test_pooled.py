"""A pooler between a gateway and its database: it is refused, whatever it does with settings."""

import contextlib
import socket
import socketserver
import struct
import threading
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest

from gateway.journal.postgres import create_schema
from gateway.model.problem import ProblemError
from gateway.postgres import Connection

_SSL_REQUEST = 80877103
"""What a client sends first that would like TLS (PostgreSQL, section 54.7)."""


def _read(peer: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        more = peer.recv(count - len(found))
        if not more:
            raise ConnectionError
        found += more
    return found


def _startup(peer: socket.socket) -> bytes:
    """The body of the message that a session begins with; there is no TLS here."""
    while True:
        (size,) = struct.unpack("!I", _read(peer, 4))
        body = _read(peer, size - 4)
        if struct.unpack("!I", body[:4]) != (_SSL_REQUEST,):
            return body
        peer.sendall(b"N")


def _without_options(body: bytes) -> bytes:
    words = body[4:].split(b"\0")
    pairs = [pair for pair in zip(words[::2], words[1::2], strict=False) if pair[0]]
    kept = [word for pair in pairs if pair[0] != b"options" for word in pair]
    return body[:4] + b"\0".join([*kept, b"", b""])


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def pooler(url: str, treat: Callable[[socket.socket, bytes], bytes | None]) -> Iterator[str]:
    """The URL of a database as it is reached through a pooler that treats what sessions begin with;
    where ``treat`` gives nothing, it has answered itself."""
    place = urlsplit(url)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            body = treat(self.request, _startup(self.request))
            if body is None:
                return
            with socket.create_connection((place.hostname or "", place.port or 0)) as server:
                server.sendall(struct.pack("!I", len(body) + 4) + body)
                back = threading.Thread(target=_pump, args=(server, self.request))
                back.start()
                _pump(self.request, server)
                back.join()

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

    with Server(("127.0.0.1", 0), Handler) as served:
        threading.Thread(target=served.serve_forever, args=(0.02,)).start()
        try:
            yield url.replace(f":{place.port}/", f":{served.server_address[1]}/")
        finally:
            served.shutdown()


def _leaves_out(_peer: socket.socket, body: bytes) -> bytes:
    return _without_options(body)


def _refuses(peer: socket.socket, _body: bytes) -> None:
    told = b"SFATAL\0C08P01\0Munsupported startup parameter: options\0\0"
    peer.sendall(b"E" + struct.pack("!I", len(told) + 4) + told)


def _passes_on(_peer: socket.socket, body: bytes) -> bytes:
    return body


@pytest.mark.parametrize("treat", [_leaves_out, _refuses])
def test_a_start_through_a_pooler_is_refused(postgres, treat) -> None:
    with pooler(postgres.create(), treat) as url:
        with pytest.raises(ProblemError) as refused:
            create_schema(url)
        assert refused.value.problem.code == "DATABASE_POOLED"
        with pytest.raises(ProblemError) as refused:
            Connection(url, "keys").rows("SELECT 1")
        assert refused.value.problem.code == "DATABASE_POOLED"


def test_who_passes_everything_on_may_stand_between(postgres) -> None:
    with pooler(postgres.create(), _passes_on) as url:
        assert create_schema(url)
        connection = Connection(url, "keys")
        assert connection.rows("SELECT 1") == [(1,)]
        connection.close()
