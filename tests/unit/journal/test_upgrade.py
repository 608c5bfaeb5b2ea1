"""A data folder of an earlier release goes on under this one, once it is migrated."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway.journal import (
    FindingKind,
    FolderLock,
    SqliteJournal,
    Verification,
    read_record,
    rebuild_matches,
    verify_record,
)
from gateway.journal.migrations import Migrated, migrate_sqlite
from gateway.journal.tables import SCHEMA_VERSION
from gateway.model.approval import ApprovalFilter
from gateway.model.execution import ExecutionStatus
from gateway.model.ports import ExecutionFilter, Page, Records
from gateway.model.problem import ProblemError
from gateway.model.system import SystemClock

GOLDEN = Path(__file__).parents[2] / "golden"


ENDED = {
    1: ExecutionStatus.FAILED,
    2: ExecutionStatus.COMPLETED,
    3: ExecutionStatus.COMPLETED,
    4: ExecutionStatus.COMPLETED,
    5: ExecutionStatus.COMPLETED,
}
"""How the other run of each record ended."""


@pytest.fixture(params=[1, 2, 3, 4, 5])
def version(request: pytest.FixtureRequest) -> int:
    """The version of the tables of an earlier release."""
    return int(request.param)


@pytest.fixture
def unmigrated(tmp_path: Path, version: int) -> Path:
    """The record that a release wrote: a run that is over and one that waits for its approval."""
    path = tmp_path / "gateway.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((GOLDEN / f"journal-v{version}.sql").read_text())
    return path


@pytest.fixture
def old_record(unmigrated: Path, version: int) -> Path:
    """The same, migrated to the tables of this release."""
    assert migrate_sqlite(unmigrated) == Migrated(version, SCHEMA_VERSION)
    return unmigrated


async def _opened(path: Path) -> SqliteJournal:
    return await SqliteJournal.open(path, clock=SystemClock(), writer="embedded")


async def _what_it_holds(path: Path) -> tuple[list[ExecutionStatus], int, list[str]]:
    journal = await _opened(path)

    def query(records: Records) -> tuple[list[ExecutionStatus], int, list[str]]:
        found, _ = records.executions(ExecutionFilter("acme"), Page(10))
        _, waiting = records.approvals(ApprovalFilter("acme", "pending"), Page(10))
        due = [run.run_id for run in records.due_runs("9999", 10)]
        return [execution.status for execution in found], waiting, due

    try:
        return await journal.read(query)
    finally:
        await journal.close()


def test_an_earlier_record_holds_the_same_once_it_is_migrated(
    old_record: Path, version: int
) -> None:
    statuses, waiting, due = asyncio.run(_what_it_holds(old_record))

    assert statuses == [ExecutionStatus.WAITING_APPROVAL, ENDED[version]]
    assert waiting == 1
    assert len(due) == 1  # the waiting run is looked at again, under the policies of today
    with closing(sqlite3.connect(old_record)) as connection:
        assert connection.execute("SELECT schema_version FROM meta").fetchall() == [
            (SCHEMA_VERSION,)
        ]
    assert rebuild_matches(old_record) == []


def test_its_chains_and_checkpoints_still_verify(old_record: Path, version: int) -> None:
    asyncio.run(_what_it_holds(old_record))
    key = (GOLDEN / f"journal-v{version}.pub.pem").read_text()

    assert verify_record(old_record, [key]).findings == ()


def test_checkpoints_of_the_earlier_release_that_were_kept_elsewhere_still_count(
    tmp_path: Path,
) -> None:
    path, kept = tmp_path / "gateway.db", tmp_path / "kept.jsonl"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((GOLDEN / "journal-v3.sql").read_text())
        lines = connection.execute("SELECT line FROM checkpoint").fetchall()
    kept.write_text("".join(f"{line}\n" for (line,) in lines))
    migrate_sqlite(path)
    asyncio.run(_what_it_holds(path))
    asked = Verification(path, [(GOLDEN / "journal-v3.pub.pem").read_text()], against=[kept])
    assert asked.run().findings == ()

    (tmp_path / "checkpoints.jsonl").unlink()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript("DELETE FROM checkpoint; DELETE FROM entry WHERE position > 27;")

    found = {(finding.kind, finding.seq) for finding in asked.run().findings}
    assert (FindingKind.TRUNCATED, 14) in found


def test_its_policy_activations_are_known_and_their_content_if_it_was_kept(
    old_record: Path, version: int
) -> None:
    asyncio.run(_what_it_holds(old_record))

    def query(records: Records) -> tuple[str | None, str | None, bool]:
        (activation,), _ = records.policy_activations(Page(10))
        content = records.policy_revision(activation.revision)
        return activation.revision, records.policy_head(), content is None

    revision, head, has_no_content = read_record(old_record, query)
    assert (revision, has_no_content) == (head, version < 5)


def test_what_is_not_migrated_is_refused_with_the_command_to_run(
    unmigrated: Path, version: int
) -> None:
    before = unmigrated.read_bytes()

    def start() -> None:
        asyncio.run(_opened(unmigrated))

    for opening in (
        start,
        lambda: rebuild_matches(unmigrated),
        lambda: verify_record(unmigrated, []),
    ):
        with pytest.raises(ProblemError) as refused:
            opening()
        assert refused.value.problem.code == "DATABASE_OUTDATED"
        assert f"version {version};" in refused.value.problem.detail
        assert "`gateway migrate`" in refused.value.problem.detail
    assert unmigrated.read_bytes() == before


def test_a_record_that_cannot_be_folded_stays_as_it_was(tmp_path: Path) -> None:
    unmigrated = tmp_path / "gateway.db"
    with closing(sqlite3.connect(unmigrated)) as connection, connection:
        connection.executescript((GOLDEN / "journal-v3.sql").read_text())
        connection.execute("UPDATE entry SET body = '[]' WHERE position = 5")
        before = list(connection.iterdump())

    with pytest.raises(ProblemError) as failed:
        migrate_sqlite(unmigrated)

    assert failed.value.problem.code == "JOURNAL_DAMAGED"
    with closing(sqlite3.connect(unmigrated)) as connection:
        assert list(connection.iterdump()) == before
    FolderLock(unmigrated.parent).release()


def test_a_record_that_is_served_is_not_migrated(
    unmigrated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.journal.migrations.sqlite.PATIENCE", 0.2)
    with FolderLock(unmigrated.parent), pytest.raises(ProblemError, match="DATA_DIR_IN_USE"):
        migrate_sqlite(unmigrated)
