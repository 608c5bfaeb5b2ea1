"""Opening: one serving process a folder, one version of the tables, plans that use indexes."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway.journal import SqliteJournal, approval_records, grants, queries, verify_record
from gateway.journal import claim_statements as claims
from gateway.journal.statement import Statement, creating, inserting
from gateway.journal.tables import policy_head
from gateway.model.problem import ProblemError
from tests.contract.journal_story import SteppingClock, call

pytestmark = pytest.mark.anyio


async def opened(path: Path) -> SqliteJournal:
    return await SqliteJournal.open(path, clock=SteppingClock(), writer="w")


async def test_a_second_serving_process_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "data" / "gateway.db"
    journal = await opened(path)

    with pytest.raises(ProblemError, match="GATEWAY_DATA_DIR") as caught:
        await opened(path)

    assert caught.value.problem.code == "DATA_DIR_IN_USE"
    assert caught.value.problem.status == 409
    assert verify_record(path, []).ok
    await journal.close()
    await (await opened(path)).close()


async def test_a_failed_opening_lets_the_folder_go(tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"
    path.write_text("this is no database" * 100)
    for _ in range(2):
        with pytest.raises(ProblemError, match="DATABASE_UNREADABLE"):
            await opened(path)
    path.unlink()
    await (await opened(path)).close()


@pytest.mark.parametrize(
    ("command", "version"),
    [
        ("UPDATE meta SET schema_version = 99", "99"),
        ("DELETE FROM meta", "none"),
        ("DROP TABLE meta", "none"),
    ],
)
async def test_another_schema_version_is_refused(
    tmp_path: Path, command: str, version: str
) -> None:
    path = tmp_path / "gateway.db"
    await (await opened(path)).close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(command)

    with pytest.raises(ProblemError, match=f"schema version {version};") as caught:
        await opened(path)
    assert caught.value.problem.code == "DATABASE_UNKNOWN_VERSION"
    with pytest.raises(ProblemError, match="DATABASE_UNKNOWN_VERSION"):
        verify_record(path, [])


async def test_a_journal_opened_again_continues_its_chains(tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"
    written = []
    for _ in range(3):
        journal = await opened(path)
        written.append(await journal.write(lambda tx: tx.append(call(None))))
        await journal.close()

    assert [entry.seq for entry in written] == [1, 2, 3]
    assert written[2].previous == written[1].hash
    assert not Path(f"{path}-wal").exists()  # noqa: ASYNC240 # a test may look at its files


async def test_every_commit_is_synchronised_with_the_disk(tmp_path: Path) -> None:
    journal = await opened(tmp_path / "gateway.db")

    def settings(unit) -> tuple[str, int]:
        cursor = unit._session._cursor
        return tuple(
            cursor.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous")
        )

    assert await journal.run(settings) == ("wal", 2)
    await journal.close()


async def test_a_reader_cannot_write(tmp_path: Path) -> None:
    journal = await opened(tmp_path / "gateway.db")

    with pytest.raises(ProblemError, match="SQLITE_READONLY"):
        await journal.read(lambda records: records._session._cursor.execute("DELETE FROM entry"))
    await journal.close()


def plan_of(statement: Statement) -> list[str]:
    with closing(sqlite3.connect(":memory:")) as connection:
        for command in creating():
            connection.execute(command)
        given = [1] * len(statement.sqlite.names)
        rows = connection.execute(f"EXPLAIN QUERY PLAN {statement.sqlite.sql}", given).fetchall()
        return [row[3] for row in rows]


LISTINGS = [
    (queries.EXECUTIONS, {}, "execution_newest"),
    (queries.EXECUTIONS, {"status": ""}, "execution_by_status"),
    (queries.EXECUTIONS, {"subject": ""}, "execution_by_subject"),
]


@pytest.mark.parametrize(("listing", "filters", "index"), LISTINGS)
def test_lists_and_their_totals_come_from_an_index(
    listing: queries.Listing, filters: dict[str, str], index: str
) -> None:
    for statement in listing.of(filters):
        [step] = plan_of(statement)  # one step: no sort
        assert step.startswith("SEARCH")
        assert index in step


@pytest.mark.parametrize(
    ("filters", "index"),
    [
        ((), "approval_oldest"),
        (("status",), "approval_by_status"),
        (("execution_id",), "approval_of_execution"),
        (("status", "execution_id"), "approval_of_execution"),
        (("status", "risk", "requested_before"), "approval_by_status"),
        (("status", "decider"), "approval_by_status"),
        (("status", "behind"), "approval_by_status"),
    ],
)
def test_lists_of_approvals_come_from_an_index(filters: tuple[str, ...], index: str) -> None:
    for statement in approval_records.listing(frozenset(filters)):
        steps = plan_of(statement)
        assert index in steps[0]
        assert not any("TEMP B-TREE" in step for step in steps)


def test_lists_of_grants_come_from_an_index() -> None:
    for active in (None, True, False):
        for goes_on in (False, True):
            for statement in grants.GRANTS[active, goes_on]:
                (step,) = plan_of(statement)
                assert "grant_newest" in step or "grant_of_contract" in step


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        (claims.NEXT_WAKE, "claim_wake"),
        (claims.NEXT_LAPSE, "claim_held"),
        (claims.ADOPT, "claim_held"),
        (claims.FENCE, "PRIMARY KEY"),
        (queries.EXECUTION_OF_RUN, "execution_run"),
        (approval_records.NEWEST, "approval_of_step"),
        (queries.ENTRIES, "chain=? AND seq>?"),
        (grants.ACTIVE_GRANTS, "grant_of_contract"),
        (grants.LAST_USE, "PRIMARY KEY"),
    ],
)
def test_single_reads_and_claims_come_from_an_index(statement: Statement, index: str) -> None:
    assert index in plan_of(statement)[0]


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        (claims.DUE, "claim_wake"),
        (claims.LAPSED, "claim_held"),
        (claims.DUE_IN, "claim_due (workspace=? AND urgent=? AND wake_at>? AND wake_at<?)"),
        (claims.HELD, "claim_held"),
        (claims.NEXT_WAKE, "claim_wake"),
        (claims.RENEW, "claim_held"),
    ],
)
def test_due_runs_come_from_the_indexes_of_claims(statement: Statement, index: str) -> None:
    assert index in plan_of(statement)[0]


def test_the_workspaces_of_waiting_runs_are_found_step_by_step_along_an_index() -> None:
    steps = [step for step in plan_of(claims.WORKSPACES) if " claim " in step]
    assert steps
    assert all("SEARCH claim USING INDEX claim_due" in step for step in steps)


def test_a_statement_takes_exactly_its_parameters() -> None:
    statement = inserting(policy_head)
    assert statement.sqlite.bind(revision="r", id=1) == (1, "r")
    with pytest.raises(TypeError, match="revision"):
        statement.sqlite.bind(id=1)
    with pytest.raises(KeyError):
        statement.sqlite.bind(id=1, revisoin="r")
