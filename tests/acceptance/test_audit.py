"""``gateway audit verify``: beside a running server, and on a copy that somebody altered."""

import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from tests.acceptance.drafts import lookup, refund, reply, waiting
from tests.forking import run_to_end
from tests.processes import GATEWAY, ROOT
from tests.world import World, end_world, make_world

DELETE = "DELETE FROM entry WHERE position = ?"


@pytest.fixture(scope="module")
def world(each_world: World) -> World:
    """Each test here holds on every database."""
    return each_world


def audit(data_dir: Path) -> subprocess.CompletedProcess[str]:
    return run_to_end([*GATEWAY, "audit", "verify", "--data-dir", str(data_dir)], cwd=ROOT)


def test_the_record_verifies_beside_a_running_server(world: World) -> None:
    run = world.run([lookup(), refund(14), reply("audited")])
    world.wait(run["executionId"], "COMPLETED")
    waiting(world)
    verified = world.gateway.command("audit", "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert "the record verifies" in verified.stdout


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a server that ran, waited and was stopped."""
    folder = tmp_path_factory.mktemp("stopped")
    made = make_world(folder)
    run = made.run([lookup(), refund(15)])
    made.wait(run["executionId"], "COMPLETED")
    waiting(made)
    made.gateway.stop()
    end_world(made)
    return made.gateway.data_dir


@pytest.fixture
def copy(stopped: Path, tmp_path: Path) -> Path:
    shutil.copytree(stopped.with_name(f"{stopped.name}-keys"), tmp_path / "copy-keys")
    return Path(shutil.copytree(stopped, tmp_path / "copy"))


def altered(copy: Path, *changes: tuple[str, tuple[object, ...]]) -> str:
    """Alter the database of a copy; returns what verification says."""
    with closing(sqlite3.connect(copy / "gateway.db")) as database, database:
        for statement, values in changes:
            assert database.execute(statement, values).rowcount > 0, statement
    found = audit(copy)
    assert found.returncode == 1, found.stdout + found.stderr
    assert "THE RECORD DOES NOT VERIFY" in found.stdout
    assert "Traceback" not in found.stderr
    return found.stdout


def place(copy: Path, kind: str) -> tuple[str, int, int]:
    """Chain, seq and position of the first entry of this type."""
    with closing(sqlite3.connect(copy / "gateway.db")) as database:
        sql = "SELECT chain, seq, position FROM entry WHERE type = ? ORDER BY position"
        found: tuple[str, int, int] = database.execute(sql, (kind,)).fetchone()
    return found


def test_an_untouched_copy_verifies(copy: Path) -> None:
    verified = audit(copy)
    assert verified.returncode == 0, verified.stdout
    assert " 0 came later" in verified.stdout


def test_one_changed_byte_names_its_entry(copy: Path) -> None:
    chain, seq, position = place(copy, "run.started")
    change = "UPDATE entry SET body = replace(body, ?, ?) WHERE position = ?"
    told = altered(copy, (change, ('"starter":"olga"', '"starter":"olgb"', position)))
    assert f"CHANGED [chain={chain} seq={seq} position={position}]" in told


def test_a_removed_entry_is_named(copy: Path) -> None:
    chain, seq, position = place(copy, "step.completed")
    told = altered(copy, (DELETE, (position,)))
    assert "REMOVED" in told
    assert f"chain={chain} seq={seq}" in told


def test_reordered_entries_are_found(copy: Path) -> None:
    chain, seq, _ = place(copy, "run.started")
    move = "UPDATE entry SET seq = ? WHERE chain = ? AND seq = ?"
    moves = ((-1, seq), (seq, seq + 1), (seq + 1, -1))
    told = altered(copy, *((move, (to, chain, old)) for to, old in moves))
    assert chain in told


def test_an_end_that_was_cut_off_after_a_checkpoint_is_found(copy: Path) -> None:
    """The head is moved back as well, so that the chain itself is whole."""
    chain, seq, position = place(copy, "run.ended")
    with closing(sqlite3.connect(copy / "gateway.db")) as database:
        sql = "SELECT previous FROM entry WHERE position = ?"
        (previous,) = database.execute(sql, (position,)).fetchone()
    head = "UPDATE chain_head SET seq = ?, hash = ? WHERE chain = ?"
    told = altered(copy, (head, (seq - 1, previous, chain)), (DELETE, (position,)))
    assert f"[position={position}]" in told
    assert "TRUNCATED" in told or "REMOVED" in told


def test_an_altered_projection_is_found(copy: Path) -> None:
    change = "UPDATE execution SET status = 'completed' WHERE status != 'completed'"
    assert "PROJECTION" in altered(copy, (change, ()))


def test_a_folder_without_a_record_is_told_apart(tmp_path: Path) -> None:
    found = audit(tmp_path)
    assert found.returncode != 0
    assert "NOT_FOUND" in found.stderr
    assert "Traceback" not in found.stderr
