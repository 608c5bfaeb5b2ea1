"""A server that lets a session in and then says nothing."""

import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.doctor import keys, record
from gateway.environment import load_settings
from gateway.journal.postgres import create_schema, schema
from gateway.journal.postgres.home import present_home
from gateway.journal.postgres.schema import connected, hold_schema
from gateway.model.problem import ProblemError

_ENCRYPTION = (80877103, 80877104)
"""Whether a session may be encrypted, by TLS or by GSSAPI, is asked so."""

_WELCOME = (
    *(
        b"R" + struct.pack("!II", 8, 0),
        b"S" + struct.pack("!I", 24) + b"server_version\x0016.1\x00",
    ),
    b"Z" + struct.pack("!I", 5) + b"I",
)
"""AuthenticationOk, a ParameterStatus and ReadyForQuery, as the manual has them under "Message
Formats"."""


def welcome(near: socket.socket) -> None:
    while True:
        (length,) = struct.unpack("!I", near.recv(4, socket.MSG_WAITALL))
        asked = near.recv(length - 4, socket.MSG_WAITALL)
        if struct.unpack("!I", asked[:4])[0] not in _ENCRYPTION:
            near.sendall(b"".join(_WELCOME))
            return
        near.sendall(b"N")


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for module in (schema, record, keys):
        monkeypatch.setattr(module, "ANSWER_SECONDS", 0.2)
    let_in: list[socket.socket] = []

    def accept() -> None:
        while True:
            try:
                near, _ = server.accept()
            except OSError:  # the test is over
                return
            let_in.append(near)
            welcome(near)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"postgresql://x@127.0.0.1:{server.getsockname()[1]}/x"
        server.shutdown(socket.SHUT_RDWR)
    thread.join()
    for near in let_in:
        near.close()


@pytest.mark.parametrize("ask", [create_schema, present_home])
def test_a_start_does_not_wait_for_it_for_ever(silent: str, ask) -> None:  # type: ignore[no-untyped-def] # two kinds of answers
    with pytest.raises(ProblemError, match="did not answer in time") as refused:
        ask(silent)
    assert refused.value.problem.code == "SERVICE_UNAVAILABLE"


def test_nor_does_the_doctor(silent: str, tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path, database_url=silent)
    for look in (record.database, keys.signing_key):
        with pytest.raises(ProblemError, match="did not answer in time"):
            list(look(settings))


def test_who_waits_for_others_waits_for_as_long_as_it_takes(database_url: str) -> None:
    with connected(database_url) as connection:
        assert connection.silence == schema.ANSWER_SECONDS
        hold_schema(connection)
        assert connection.silence is None
