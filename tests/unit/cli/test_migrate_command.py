"""``gateway migrate``: what it says and how it exits."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.journal.tables import SCHEMA_VERSION
from tests.processes import ROOT


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("GATEWAY_"):
            monkeypatch.delenv(name)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments), catch_exceptions=False)


def test_a_new_data_folder_is_created_once(tmp_path: Path) -> None:
    folder = ("--data-dir", str(tmp_path / "data"))
    missing = run("migrate", "--check", *folder)
    assert (missing.exit_code, missing.stdout) == (1, "")
    assert "DATABASE_OUTDATED" in missing.stderr
    assert "`gateway migrate`" in missing.stderr
    assert not (tmp_path / "data").exists()

    told = [run("migrate", *folder) for _ in range(2)]
    assert [(one.exit_code, one.stdout) for one in told] == [
        (0, f"created at schema version {SCHEMA_VERSION}\n"),
        (0, f"already at schema version {SCHEMA_VERSION}\n"),
    ]
    checked = run("migrate", "--check", *folder)
    assert (checked.exit_code, checked.stdout) == (0, "the database is up to date\n")


def test_commands_on_an_earlier_record_name_the_command_until_it_ran(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "gateway.db")) as connection:
        connection.executescript((ROOT / "tests" / "golden" / "journal-v3.sql").read_text())
    folder = ("--data-dir", str(tmp_path))
    for command in (("migrate", "--check"), ("journal", "rebuild")):
        refused = run(*command, *folder)
        assert (refused.exit_code, refused.stdout) == (1, "")
        assert "version 3;" in refused.stderr
        assert "`gateway migrate`" in refused.stderr
        assert "docs/errors/DATABASE_OUTDATED.md" in refused.stderr

    done = run("migrate", *folder)
    assert done.stdout == f"migrated from schema version 3 to {SCHEMA_VERSION}\n"
    assert run("journal", "rebuild", *folder).exit_code == 0


def test_a_database_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE plan (id TEXT)")
    before = path.read_bytes()
    for arguments in (("migrate",), ("migrate", "--check")):
        refused = run(*arguments, "--database-url", f"sqlite:///{path}")
        assert (refused.exit_code, refused.stdout) == (1, "")
        assert "DATABASE_UNKNOWN_VERSION" in refused.stderr
    assert path.read_bytes() == before


def test_what_needs_a_file_says_so_where_the_record_is_in_postgres() -> None:
    where = ("--database-url", "postgresql://nobody@127.0.0.1:9/none")
    refused = run("journal", "backup", "copy.db", *where)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "PRECONDITION_FAILED" in refused.stderr
    assert "PostgreSQL" in refused.stderr
