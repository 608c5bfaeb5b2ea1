"""A witness as a process whose peers are slow, many or endless, over real sockets."""

import contextlib
import signal
import socket
import time
from collections.abc import Iterator

import pytest

from tests.processes import HTTP
from tests.small_log import SmallLog
from tests.witness_process import WitnessProcess

LOG = SmallLog.of(3)
HEAD = b"POST /add-checkpoint HTTP/1.1\r\nhost: witness\r\n"
MOST = 8


@pytest.fixture(scope="module")
def witness(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WitnessProcess]:
    options = ("--patience", "0.5", "--max-connections", str(MOST))
    made = WitnessProcess(tmp_path_factory.mktemp("witness"), LOG.verifier, options=options)
    made.start()
    yield made
    assert made.stop(signal.SIGTERM) == -signal.SIGTERM  # uvicorn raises it anew once it is done
    assert "Traceback" not in made.told()


def opened(witness: WitnessProcess) -> socket.socket:
    host, port = witness.url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=20)


def told(witness: WitnessProcess, *parts: bytes) -> tuple[bytes, float]:
    """What is answered to ``parts``, up to the end of the connection, and after how long."""
    with opened(witness) as peer:
        began = time.monotonic()
        for part in parts:
            peer.sendall(part)
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            while more := peer.recv(65_536):
                answer += more
    return answer, time.monotonic() - began


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"", 408),
        (b"GET /heal", 408),
        (HEAD + b"x: 1", 408),
        (HEAD + b"content-length: 100\r\n\r\nold 0", 408),
        (HEAD + b"transfer-encoding: chunked\r\n\r\n5\r\nold 0\r\n", 408),
        (b"GET /" + b"a" * 20_000, 414),
        (HEAD + b"x: " + b"a" * 60_000, 431),
        (HEAD + b"x: 1\r\n" * 200, 431),
        (HEAD + b"content-length: 999999\r\n\r\n", 413),
    ],
)
def test_requests_are_read_within_bounds(witness: WitnessProcess, sent: bytes, status: int) -> None:
    answer, took = told(witness, sent)
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert took < 10


def test_more_connections_than_allowed_are_told_503_and_the_others_are_served_again(
    witness: WitnessProcess,
) -> None:
    with contextlib.ExitStack() as held:
        for _ in range(MOST):
            held.enter_context(opened(witness))
        answer, _ = told(witness, HEAD + b"\r\n")
        assert answer.startswith(b"HTTP/1.1 503 ")
    deadline = time.monotonic() + 10
    while HTTP.get(f"{witness.url}/healthz", timeout=20).status_code != 200:
        assert time.monotonic() < deadline


def test_it_opens_no_websockets(witness: WitnessProcess) -> None:
    answer, _ = told(
        witness,
        b"GET /add-checkpoint HTTP/1.1\r\nhost: witness\r\nupgrade: websocket\r\n"
        b"connection: upgrade\r\nsec-websocket-version: 13\r\n"
        b"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    )
    assert b" 101 " not in answer.split(b"\r\n")[0]


def test_it_signs_in_between(witness: WitnessProcess) -> None:
    answer = HTTP.post(f"{witness.url}/add-checkpoint", content=LOG.submission(0, 3), timeout=20)
    assert answer.status_code == 200, answer.text
