"""``gateway audit export`` to a file: a whole export, or none."""

import asyncio
import errno
import json
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.auditing import Piece
from gateway.cli import audit_export, main
from gateway.journal import SqliteJournal
from gateway.model.system import SystemClock
from tests.contract.journal_story import Story


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("GATEWAY_"):
            monkeypatch.delenv(name)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    async def session() -> None:
        journal = await SqliteJournal.open(
            tmp_path / "data" / "gateway.db", clock=SystemClock(), writer="w"
        )
        try:
            for new in Story("a").whole("x"):
                await journal.write(lambda tx, new=new: tx.append(new))
        finally:
            await journal.close()

    asyncio.run(session())
    return tmp_path / "data"


def export(data: Path, *more: str) -> Result:
    called = ["audit", "export", "--workspace", "acme", "--data-dir", str(data), "--by", "root"]
    return CliRunner().invoke(main, [*called, *more])


def test_an_export_to_a_file_is_whole(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "record.csv"
    assert export(data, "--output", str(file)).exit_code == 0
    assert len(file.read_text().splitlines()) > 1


def test_a_refused_export_leaves_no_file(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "record.csv"
    done = export(data, "--output", str(file), "--execution", "exec_nope")
    assert done.exit_code == 1
    assert "NOT_FOUND" in done.stderr
    assert not file.exists()


@pytest.mark.parametrize("how", [KeyboardInterrupt, OSError])
def test_an_export_that_breaks_off_leaves_no_half_of_it(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: type[BaseException]
) -> None:
    async def broken(*_: object) -> AsyncIterator[Piece]:
        yield Piece(b"position,at\r\n1,2026\r\n", 1)
        raise how

    monkeypatch.setattr(audit_export, "exported", broken)
    file = tmp_path / "record.csv"
    assert export(data, "--output", str(file)).exit_code == 1
    assert not list(tmp_path.glob("record.csv*"))


def test_an_export_that_is_killed_leaves_no_half_that_passes_for_a_whole(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "record.csv"
    seen: list[str] = []

    def look() -> None:
        seen.extend(path.name for path in tmp_path.glob("record.csv*"))

    async def looked_at(*_: object) -> AsyncIterator[Piece]:
        yield Piece(b"position,at\r\n1,2026\r\n", 1)
        look()

    monkeypatch.setattr(audit_export, "exported", looked_at)
    assert export(data, "--output", str(file)).exit_code == 0
    [begun] = seen  # what a kill would leave
    assert begun.endswith(".part")
    assert file.read_bytes() == b"position,at\r\n1,2026\r\n"
    assert [path.name for path in tmp_path.glob("record.csv*")] == ["record.csv"]


def test_an_export_whose_file_is_not_durable_is_not_recorded_as_complete(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = os.fsync

    def full(file: int) -> None:
        begun = {path.stat().st_ino for path in tmp_path.glob("record.csv.*")}
        if os.fstat(file).st_ino in begun:
            raise OSError(errno.ENOSPC, "No space left on device")
        synced(file)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        done = export(data, "--output", str(tmp_path / "record.csv"))
    assert done.exit_code == 1
    assert "cannot be written: No space left on device" in done.stderr
    with closing(sqlite3.connect(data / "gateway.db")) as connection:
        told = connection.execute("SELECT body FROM entry WHERE type = 'audit.exported'").fetchall()
    assert [json.loads(body)["state"] for (body,) in told] == ["begun"]


def test_a_file_that_is_there_stays_as_it_is(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "record.csv"
    file.write_text("mine")
    assert export(data, "--output", str(file)).exit_code == 1
    assert file.read_text() == "mine"
