"""A witness as a process: what it answers over HTTP, and that it remembers when it is killed."""

import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from gateway.transparency import Verifier, open_note
from tests.processes import HTTP
from tests.small_log import SmallLog
from tests.witness_process import WitnessProcess

LOG = SmallLog.of(60)


@pytest.fixture(scope="module")
def witness(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WitnessProcess]:
    made = WitnessProcess(tmp_path_factory.mktemp("witness"), LOG.verifier)
    made.start()
    yield made
    made.stop()


def submit(witness: WitnessProcess, body: bytes) -> httpx.Response:
    return HTTP.post(f"{witness.url}/add-checkpoint", content=body, timeout=30)


def test_it_remembers_what_it_signed_when_it_is_killed(witness: WitnessProcess) -> None:
    key = Verifier.parse(witness.key())
    last = 0
    for size in (3, 20, 21):
        answer = submit(witness, LOG.submission(last, size))
        assert answer.status_code == 200, answer.text
        assert open_note(LOG.note(size) + answer.text, [key]).signed_by
        witness.stop(signal.SIGKILL)
        witness.start()
        last = size
    fork = submit(witness, LOG.forked(5, 40).submission(0, 40))
    assert (fork.status_code, fork.text) == (409, "21\n")
    assert fork.headers["content-type"] == "text/x.tlog.size"
    assert submit(witness, LOG.forked(5, 40).submission(21, 40)).status_code == 422


def test_it_survives_whatever_is_sent(witness: WitnessProcess) -> None:
    assert submit(witness, b"").status_code == 400
    assert submit(witness, b"\x00" * 1000).status_code == 400
    assert submit(witness, b"x" * 200_000).status_code == 413
    assert submit(witness, SmallLog("elsewhere").submission(0, 0)).status_code == 404
    assert submit(witness, SmallLog.of(3).submission(0, 3)).status_code == 403
    assert HTTP.get(f"{witness.url}/add-checkpoint").status_code == 405
    assert HTTP.get(f"{witness.url}/nothing").status_code == 404
    assert HTTP.get(f"{witness.url}/healthz").json() == {"status": "ok"}
    assert "Traceback" not in witness.told()


def test_what_cannot_be_remembered_is_not_signed(tmp_path: Path) -> None:
    witness = WitnessProcess(tmp_path / "w", LOG.verifier)
    witness.start()
    try:
        with closing(sqlite3.connect(tmp_path / "w" / "state" / "witness.db")) as memory:
            memory.execute("DROP TABLE seen")
        answer = submit(witness, LOG.submission(0, 9))
        assert answer.status_code == 503
        assert "—" not in answer.text
        assert "Traceback" not in witness.told()
    finally:
        witness.stop()
