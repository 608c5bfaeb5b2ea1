"""The network of the fault tests: it passes on, stalls, is cut, and heals."""

import socket
import threading
from collections.abc import Iterator

import pytest

from tests.faults.proxy import Proxy

PATIENCE = 10.0
"""Seconds within which what is passed on arrives, whatever else the machine does."""


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """A proxy before a server that sends back what it gets."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve(connection: socket.socket) -> None:
        with connection:
            try:
                while data := connection.recv(1_000):
                    connection.sendall(data)
            except OSError:
                return

    def accept() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    made = Proxy(server.getsockname())
    yield made
    made.close()
    server.shutdown(socket.SHUT_RDWR)
    server.close()


def connected(proxy: Proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=PATIENCE)


def echoed(client: socket.socket, data: bytes) -> bytes:
    """What comes back; a connection that was ended is an error, however it was."""
    client.sendall(data)
    answer = client.recv(1_000)
    if not answer:
        raise ConnectionResetError
    return answer


def hears_nothing(client: socket.socket) -> None:
    client.settimeout(0.5)
    with pytest.raises(TimeoutError):
        client.recv(1_000)
    client.settimeout(PATIENCE)


def test_a_whole_network_passes_everything_on(proxy: Proxy) -> None:
    with connected(proxy) as one, connected(proxy) as other:
        assert echoed(one, b"one") == b"one"
        assert echoed(other, b"other") == b"other"


def test_a_stalled_network_is_silent_and_loses_nothing(proxy: Proxy) -> None:
    with connected(proxy) as client:
        proxy.stall()
        client.sendall(b"late")
        hears_nothing(client)
        proxy.heal()
        assert client.recv(1_000) == b"late"


def test_a_lost_connection_is_silent_for_ever_and_a_new_one_is_not(proxy: Proxy) -> None:
    with connected(proxy) as client, connected(proxy) as other:
        assert echoed(client, b"one") == b"one"
        assert echoed(other, b"one") == b"one"
        proxy.lose()
        proxy.heal()
        client.sendall(b"two")
        hears_nothing(client)
        with connected(proxy) as fresh:
            assert echoed(fresh, b"three") == b"three"


def test_a_cut_network_ends_connections_and_takes_none_until_it_heals(proxy: Proxy) -> None:
    with connected(proxy) as client:
        assert echoed(client, b"one") == b"one"
        proxy.cut()
        with pytest.raises(ConnectionError):
            echoed(client, b"two")
    with pytest.raises(ConnectionError), connected(proxy) as client:
        echoed(client, b"three")
    proxy.heal()
    with connected(proxy) as client:
        assert echoed(client, b"four") == b"four"
