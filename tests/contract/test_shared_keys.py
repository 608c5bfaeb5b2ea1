"""Keys in PostgreSQL that several processes share: what one destroys, no other uses any more."""

import base64
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from gateway.model.pii import ErasedError, Owner, envelopes_in
from gateway.model.problem import ProblemError
from gateway.model.system import SystemClock
from gateway.privacy import Keyring, KeyringSealer, KeyRotation
from gateway.privacy.freshness import TRUST
from tests.contract.sessions import cut_off, nobody_has_locks
from tests.forking import Forked
from tests.postgres import Postgres

ADA = Owner("acme", "person/ada")
REF, FIELD = "a.b@1.0.0", "input.email"


@pytest.fixture(autouse=True)
def _root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THE_ROOT", base64.b64encode(os.urandom(32)).decode())


class Other:
    """Another process with the same keys."""

    def __init__(self, folder: Path, url: str) -> None:
        self.process = Forked(
            [sys.executable, "-m", "tests.contract.key_process", str(folder), url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._line() == "ready"

    def ask(self, command: str, value: Any) -> Any:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps([command, value]) + "\n")
        self.process.stdin.flush()
        return json.loads(self._line())

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "keys").mkdir(mode=0o700)
    return tmp_path / "keys"


@pytest.fixture
def keyring(folder: Path, database_url: str) -> Iterator[Keyring]:
    keyring = Keyring.open(folder, database=database_url)
    yield keyring
    keyring.data.close()


@pytest.fixture
def other(folder: Path, database_url: str, keyring: Keyring) -> Iterator[Other]:
    assert keyring
    other = Other(folder, database_url)
    yield other
    other.end()


def key_of(envelope: Any) -> str:
    (key_id,) = envelopes_in(envelope)
    return key_id


def test_processes_open_what_others_sealed_and_give_a_person_one_key(
    keyring: Keyring, other: Other
) -> None:
    sealed = other.ask("seal", "person/ada")
    sealer = KeyringSealer(keyring)
    assert sealer.unseal("acme", sealed) == "person/ada"
    mine = sealer.seal(ADA, REF, FIELD, "x")
    assert key_of(mine) == key_of(sealed)
    assert other.ask("open", mine) == {"value": "x"}


@pytest.mark.parametrize("_again", range(5))
def test_from_the_moment_a_destruction_is_confirmed_no_process_uses_the_key(
    keyring: Keyring, other: Other, _again: int
) -> None:
    mine = KeyringSealer(keyring).seal(ADA, REF, FIELD, "x")
    keyring.data.settle()
    theirs = other.ask("seal", "person/ada")
    assert key_of(mine) == key_of(theirs)
    assert other.ask("open", mine) == {"value": "x"}
    time.sleep(0.05 * _again)  # the other process last asked at another moment each time
    assert keyring.data.destroy("acme", [key_of(mine)], "asked for") == 1
    assert other.ask("open", mine) == {"error": "erased"}
    assert key_of(other.ask("seal", "person/ada")) != key_of(mine)


def test_it_is_the_wait_that_makes_it_so(
    keyring: Keyring, other: Other, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the other process would still open with what it remembers."""
    monkeypatch.setattr("gateway.privacy.freshness.Freshness.wait_out", lambda _: None)
    for _ in range(50):  # it may have asked just now
        mine = KeyringSealer(keyring).seal(ADA, REF, FIELD, "x")
        keyring.data.settle()
        assert other.ask("open", mine) == {"value": "x"}
        keyring.data.destroy("acme", [key_of(mine)], "asked for")
        opened = other.ask("open", mine)
        if opened == {"value": "x"}:
            break
    assert opened == {"value": "x"}


def test_a_process_that_cannot_ask_the_store_uses_no_key(folder: Path) -> None:
    server = Postgres()
    server.start()
    try:
        keyring = Keyring.open(folder, database=server.create())
        sealer = KeyringSealer(keyring)
        sealed = sealer.seal(ADA, REF, FIELD, "x")
        keyring.data.settle()
        assert sealer.unseal("acme", sealed) == "x"
        server.kill()
        time.sleep(TRUST)
        for use in (
            lambda: sealer.unseal("acme", sealed),
            lambda: sealer.seal(ADA, REF, FIELD, "y"),
        ):
            with pytest.raises(ProblemError) as refused:
                use()
            assert refused.value.problem.code == "SERVICE_UNAVAILABLE"
        server.start()
        assert sealer.unseal("acme", sealed) == "x"
        keyring.data.close()
    finally:
        server.remove()


def test_a_destroyed_key_leaves_no_version_of_its_row(keyring: Keyring, database_url: str) -> None:
    sealer = KeyringSealer(keyring)
    keys = [key_of(sealer.seal(Owner("acme", f"person/{n}"), REF, FIELD, "x")) for n in range(200)]
    keyring.data.settle()
    keyring.data.destroy("acme", keys[::2], "asked for")
    with psycopg.connect(database_url, autocommit=True) as reader:
        told = reader.execute(
            "SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = 'data_key'"
        ).fetchone()
        assert told == (0,)
        kept = "SELECT count(*) FROM gateway_keys.data_key WHERE wrapped IS NOT NULL"
        assert reader.execute(f"{kept} AND id = ANY(%s)", (keys,)).fetchone() == (100,)


def test_an_older_transaction_holds_up_a_destruction_but_nobody_else(
    keyring: Keyring, database_url: str
) -> None:
    """It is not done while somebody could still read the row as it was, and is repeated then."""
    mine = KeyringSealer(keyring).seal(ADA, REF, FIELD, "x")
    keyring.data.settle()
    done = threading.Event()

    def destroy() -> None:
        keyring.data.destroy("acme", [key_of(mine)], "asked for")
        done.set()

    with psycopg.connect(database_url) as reader:
        reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        reader.execute("SELECT count(*) FROM gateway_keys.data_key")
        thread = threading.Thread(target=destroy)
        thread.start()
        assert not done.wait(1.0)
        begun = time.monotonic()
        with pytest.raises(ErasedError):
            KeyringSealer(keyring).unseal("acme", mine)
        assert time.monotonic() - begun < 30
    thread.join(60)
    assert done.is_set()


def test_a_root_key_that_each_makes_for_itself_is_refused(
    keyring: Keyring, tmp_path: Path, database_url: str
) -> None:
    assert keyring
    with pytest.raises(ProblemError, match="another root key"):
        Keyring.open(tmp_path / "elsewhere", database=database_url)


def test_many_processes_open_an_empty_database_at_once(folder: Path, database_url: str) -> None:
    opened: list[Keyring] = []
    threads = [
        threading.Thread(target=lambda: opened.append(Keyring.open(folder, database=database_url)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({one.signer.key_id for one in opened}) == 1
    assert len(opened) == 8
    sealers = [KeyringSealer(one) for one in opened]
    assert len({one.commit("acme", "x") for one in sealers}) == 1
    for one in opened:
        one.data.close()


def test_keys_are_rotated_while_nobody_has_them_open(
    folder: Path, database_url: str, keyring: Keyring
) -> None:
    sealer = KeyringSealer(keyring)
    sealed, committed = sealer.seal(ADA, REF, FIELD, "x"), sealer.commit("acme", "x")
    signer = keyring.signer.key_id
    with pytest.raises(ProblemError, match="is in use"):
        KeyRotation(folder, "file", SystemClock(), database_url)
    keyring.data.close()
    nobody_has_locks(database_url)
    rotation = KeyRotation(folder, "file", SystemClock(), database_url)
    with pytest.raises(ProblemError, match="rotated just now"):
        Keyring.open(folder, database=database_url)
    assert rotation.workspace("acme") == 1
    assert rotation.data("acme") == 1
    assert rotation.root("env:THE_ROOT")
    rotation.close()
    nobody_has_locks(database_url)
    with pytest.raises(ProblemError, match="another root key"):
        Keyring.open(folder, database=database_url)
    again = Keyring.open(folder, "env:THE_ROOT", database=database_url)
    assert KeyringSealer(again).unseal("acme", sealed) == "x"
    assert KeyringSealer(again).commit("acme", "x") == committed
    assert again.signer.key_id == signer
    assert key_of(KeyringSealer(again).seal(ADA, REF, FIELD, "x")) != key_of(sealed)
    again.data.close()


def test_a_process_that_was_cut_off_during_a_rotation_must_start_anew(
    folder: Path, database_url: str, keyring: Keyring
) -> None:
    sealed = KeyringSealer(keyring).seal(ADA, REF, FIELD, "x")
    keyring.data.settle()
    cut_off(database_url)
    rotation = KeyRotation(folder, "file", SystemClock(), database_url)
    rotation.workspace("acme")
    rotation.close()
    time.sleep(TRUST)
    with pytest.raises(ProblemError, match="Start it anew"):
        KeyringSealer(keyring).unseal("acme", sealed)


def test_a_session_that_was_cut_off_is_replaced(keyring: Keyring, database_url: str) -> None:
    sealed = KeyringSealer(keyring).seal(ADA, REF, FIELD, "x")
    keyring.data.settle()
    cut_off(database_url)
    time.sleep(TRUST)
    assert KeyringSealer(keyring).unseal("acme", sealed) == "x"
    cut_off(database_url)
    keyring.data.destroy("acme", [key_of(sealed)], "asked for")
    with pytest.raises(ErasedError):
        KeyringSealer(keyring).unseal("acme", sealed)


def test_tombstones_win_over_keys_that_came_back(
    keyring: Keyring, folder: Path, database_url: str
) -> None:
    sealed = KeyringSealer(keyring).seal(ADA, REF, FIELD, "x")
    keyring.data.settle()
    with psycopg.connect(database_url, autocommit=True) as admin:
        (wrapped, under) = admin.execute(
            "SELECT wrapped, workspace_key FROM gateway_keys.data_key WHERE id = %s",
            (key_of(sealed),),
        ).fetchone() or (None, None)
        keyring.data.destroy("acme", [key_of(sealed)], "asked for")
        admin.execute(
            "UPDATE gateway_keys.data_key SET wrapped = %s, workspace_key = %s,"
            " destroyed_at = NULL, destruction = NULL WHERE id = %s",
            (wrapped, under, key_of(sealed)),
        )
    again = Keyring.open(folder, database=database_url)
    with pytest.raises(ErasedError):
        KeyringSealer(again).unseal("acme", sealed)
    again.data.close()
