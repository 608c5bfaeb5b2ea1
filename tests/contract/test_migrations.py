"""Migrations add up to the tables, on both databases, from nothing and from every version; they run
as a whole or not at all, and once however many processes try."""

import os
import re
import sqlite3
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Index, MetaData, NullPool, Text, create_engine

from gateway.companions import COMPANIONS
from gateway.journal import SqliteJournal
from gateway.journal.companion import Companion
from gateway.journal.dialects import TEXT
from gateway.journal.migrations import (
    Migrated,
    migrate_postgres,
    migrate_sqlite,
    postgres_versions,
    sqlite_versions,
)
from gateway.journal.migrations.running import configuration, run_revisions
from gateway.journal.postgres import PostgresJournal, create_schema
from gateway.journal.statement import creating
from gateway.journal.tables import SCHEMA_VERSION, metadata
from gateway.model.problem import ProblemError
from gateway.model.system import SystemClock
from gateway.privacy.postgres_key_store import PostgresKeyStore
from tests.forking import Forked
from tests.processes import GATEWAY, ROOT

GOLDEN = ROOT / "tests" / "golden"
EARLIER = range(1, SCHEMA_VERSION)
"""Versions of SQLite files that earlier releases wrote, each with a golden file."""


def golden(path: Path, version: int) -> Path:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((GOLDEN / f"journal-v{version}.sql").read_text())
    return path


# --- the sum of migrations is the tables


def test_revisions_are_the_versions_one_after_the_other() -> None:
    script = ScriptDirectory.from_config(configuration())
    found = [one.revision for one in script.walk_revisions()]
    assert found == [str(version) for version in range(SCHEMA_VERSION, 0, -1)]


def sqlite_definitions(connection: sqlite3.Connection) -> dict[str, list[str]]:
    """For each table what created it and its indexes, in the order in which SQLite prefers them."""
    told: dict[str, list[str]] = {}
    for table, command in connection.execute(
        "SELECT tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL"
        " AND name NOT LIKE 'sqlite_%' ORDER BY rowid"
    ):
        told.setdefault(table, []).append(command)
    return told


@pytest.mark.parametrize("version", [0, *EARLIER])
def test_on_sqlite_they_give_the_same_tables_to_the_byte(tmp_path: Path, version: int) -> None:
    path = tmp_path / "gateway.db"
    before = None
    if version:
        before = golden(path, version) and version
    assert migrate_sqlite(path) == Migrated(before, SCHEMA_VERSION)
    with closing(sqlite3.connect(path)) as migrated, closing(sqlite3.connect("")) as fresh:
        for command in creating():
            fresh.execute(command)
        assert sqlite_definitions(migrated) == sqlite_definitions(fresh)
        assert migrated.execute("SELECT schema_version FROM meta").fetchall() == [(SCHEMA_VERSION,)]


def catalog(url: str) -> list[Any]:
    """Every column, constraint and index that a PostgreSQL database has of its own."""
    columns = (
        "SELECT table_name, ordinal_position, column_name, data_type, collation_name, is_nullable,"
        " column_default FROM information_schema.columns WHERE table_schema = 'public'"
    )
    constraints = (
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE connamespace = 'public'::regnamespace"
    )
    indexes = "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
    with psycopg.connect(url) as connection:
        found = [connection.execute(query).fetchall() for query in (columns, constraints, indexes)]
    return [sorted(rows, key=repr) for rows in found]


def test_on_postgres_they_give_the_same_catalog(postgres: Any, database_url: str) -> None:
    assert migrate_postgres(database_url) == Migrated(None, SCHEMA_VERSION)
    other = postgres.create()
    assert create_schema(other)
    assert catalog(database_url) == catalog(other)
    assert all(catalog(other))


@pytest.fixture(params=["sqlite", "postgres"])
def migrated(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL, for SQLAlchemy, of a database of each kind that migrations made."""
    if request.param == "sqlite":
        migrate_sqlite(tmp_path / "gateway.db")
        return f"sqlite:///{tmp_path / 'gateway.db'}"
    url: str = request.getfixturevalue("database_url")
    migrate_postgres(url)
    return url.replace("postgresql://", "postgresql+psycopg://")


def differences(url: str, wanted: MetaData) -> list[Any]:
    """What Alembic would have to change to make the tables of a database those that are wanted."""
    options = {"compare_type": True, "compare_server_default": True, "version_table": "not_ours"}
    with create_engine(url, poolclass=NullPool).connect() as connection:
        return compare_metadata(MigrationContext.configure(connection, opts=options), wanted)


def test_alembic_finds_nothing_to_change(migrated: str) -> None:
    assert differences(migrated, metadata) == []


def _column(tables: MetaData) -> None:
    tables.tables["claim"].append_column(Column("weight", TEXT, nullable=True))


def _index(tables: MetaData) -> None:
    Index("claim_by_epoch", tables.tables["claim"].c.epoch)


def _null(tables: MetaData) -> None:
    tables.tables["execution"].c.status.nullable = True


def _type(tables: MetaData) -> None:
    tables.tables["execution"].c.direct.type = Text()


def _table(tables: MetaData) -> None:
    tables.remove(tables.tables["tile"])


@pytest.mark.parametrize("change", [_column, _index, _null, _type, _table])
def test_a_table_that_changes_without_a_migration_is_found(
    migrated: str, change: Callable[[MetaData], None]
) -> None:
    changed = MetaData()
    for table in metadata.sorted_tables:
        table.to_metadata(changed)
    change(changed)
    assert differences(migrated, changed) != []


# --- what single steps keep


CLAIM = "run_id, execution_id, owner, epoch, lease_until, wake_seq, wake_at"
ROWS = [
    ("run_1", "exec_1", "proc_1", 7, "2026-01-01T00:00:00.000000Z", 3, None),
    ("run_2", "exec_2", None, 2, None, 9, "2026-02-02T00:00:00.000000Z"),
]
NEEDED = ["submitter", "subject", "intent_id", "created_at", "updated_at", "text"]
"""Columns of executions that may not be null, and do not matter here."""


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_claims_keep_what_they_say_and_learn_their_workspace(
    database: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    path = tmp_path / "gateway.db"
    url = request.getfixturevalue("database_url") if database == "postgres" else f"sqlite:///{path}"
    engine = create_engine(
        url.replace("postgresql://", "postgresql+psycopg://"), poolclass=NullPool
    )
    with engine.begin() as connection:
        run_revisions(connection, "4")
        for number, row in enumerate(ROWS, 1):
            values = ", ".join("NULL" if value is None else repr(value) for value in row)
            connection.exec_driver_sql(f"INSERT INTO claim ({CLAIM}) VALUES ({values})")  # noqa: S608 - ours
            connection.exec_driver_sql(
                f"INSERT INTO execution (id, run_id, workspace, status, direct, stopping, retries,"  # noqa: S608 - ours
                f" lane_transitions, bundles, {', '.join(NEEDED)}) VALUES ('exec_{number}',"
                f" 'run_{number}', 'ws_{number}', 'running', {number - 1}, 0, 0, 0, 0,"
                f" {', '.join(repr('') for _ in NEEDED)})"
            )

    migrate_sqlite(path) if database == "sqlite" else migrate_postgres(url)

    with engine.begin() as connection:
        found = connection.exec_driver_sql(
            f"SELECT {CLAIM}, workspace, urgent FROM claim ORDER BY run_id"  # noqa: S608 - ours
        ).fetchall()
    assert [tuple(row) for row in found] == [(*ROWS[0], "ws_1", 0), (*ROWS[1], "ws_2", 1)]


# --- who starts on what


def set_version(url: str, version: int) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE meta SET schema_version = %s", (version,))


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("version", "code"), [(3, "DATABASE_OUTDATED"), (99, "DATABASE_UNKNOWN_VERSION")]
)
async def test_a_start_on_another_version_is_refused(
    database_url: str, tmp_path: Path, version: int, code: str
) -> None:
    create_schema(database_url)
    set_version(database_url, version)
    with pytest.raises(ProblemError, match=f"schema version {version};") as refused:
        create_schema(database_url)
    assert refused.value.problem.code == code
    assert ("`gateway migrate`" in refused.value.problem.detail) == (version == 3)
    assert "postgres@" not in refused.value.problem.detail
    with pytest.raises(ProblemError, match=code):
        await PostgresJournal.open(database_url, data_dir=tmp_path, clock=SystemClock())


@pytest.mark.anyio
async def test_a_start_on_no_tables_names_the_command(database_url: str, tmp_path: Path) -> None:
    with pytest.raises(ProblemError, match="no tables") as refused:
        await PostgresJournal.open(database_url, data_dir=tmp_path, clock=SystemClock())
    assert refused.value.problem.code == "DATABASE_OUTDATED"


@pytest.mark.parametrize(
    "strange", ["CREATE TABLE plan (id text)", "CREATE TABLE meta (name text)"]
)
def test_tables_of_another_program_are_left_alone(database_url: str, strange: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(strange)
    before = catalog(database_url)
    for attempt in (create_schema, migrate_postgres):
        with pytest.raises(ProblemError, match="version none") as refused:
            attempt(database_url)
        assert refused.value.problem.code == "DATABASE_UNKNOWN_VERSION"
    assert catalog(database_url) == before


def test_a_newer_version_is_not_migrated(database_url: str, tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"
    migrate_sqlite(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE meta SET schema_version = 99")
    migrate_postgres(database_url)
    set_version(database_url, 99)
    for migrate in (lambda: migrate_sqlite(path), lambda: migrate_postgres(database_url)):
        with pytest.raises(ProblemError, match="DATABASE_UNKNOWN_VERSION"):
            migrate()
    assert sqlite_versions(path) == postgres_versions(database_url) == [99]


def test_a_database_that_is_away_is_told_so() -> None:
    url = "postgresql://postgres:hunter2@127.0.0.1:9/gateway"
    for attempt in (migrate_postgres, postgres_versions, create_schema):
        with pytest.raises(ProblemError, match="SERVICE_UNAVAILABLE") as refused:
            attempt(url)
        assert "hunter2" not in str(refused.value)


# --- as a whole or not at all, and once


def test_on_postgres_a_migration_that_fails_leaves_nothing(database_url: str) -> None:
    def fail(connection: psycopg.Connection[Any]) -> None:
        assert connection.execute("SELECT schema_version FROM meta").fetchall()
        connection.execute("SELECT 1 / 0")

    companion = Companion("failing", lambda _: False, fail)
    with pytest.raises(ProblemError, match="22012"):
        migrate_postgres(database_url, [companion])
    assert catalog(database_url) == [[], [], []]
    assert postgres_versions(database_url) is None


def test_companions_are_brought_along_and_looked_at(database_url: str) -> None:
    def is_there(connection: psycopg.Connection[Any]) -> bool:
        return connection.execute("SELECT to_regclass('side.jobs')").fetchone() != (None,)

    def bring(connection: psycopg.Connection[Any]) -> None:
        connection.execute("CREATE SCHEMA IF NOT EXISTS side")
        connection.execute("CREATE TABLE IF NOT EXISTS side.jobs (id bigint)")

    companions = [Companion("jobs", is_there, bring)]
    migrate_postgres(database_url)
    assert postgres_versions(database_url) == [SCHEMA_VERSION]
    assert postgres_versions(database_url, companions) is None

    for _ in range(2):
        assert migrate_postgres(database_url, companions).before == SCHEMA_VERSION
        assert postgres_versions(database_url, companions) == [SCHEMA_VERSION]


def test_a_start_creates_the_tables_of_companions_and_misses_them(database_url: str) -> None:
    assert create_schema(database_url, COMPANIONS)
    assert not create_schema(database_url, COMPANIONS)
    with psycopg.connect(database_url) as connection:
        connection.execute("DROP TABLE blob_piece")
    with pytest.raises(ProblemError, match="or not all") as refused:
        create_schema(database_url, COMPANIONS)
    assert refused.value.problem.code == "DATABASE_OUTDATED"

    migrate_postgres(database_url, COMPANIONS)
    assert not create_schema(database_url, COMPANIONS)


@pytest.mark.parametrize("keys_first", [True, False])
def test_the_key_store_lives_in_the_same_database(database_url: str, keys_first: bool) -> None:
    makers = [lambda: PostgresKeyStore(database_url).close(), lambda: create_schema(database_url)]
    for make in makers if keys_first else reversed(makers):
        make()
    assert migrate_postgres(database_url).before == SCHEMA_VERSION
    PostgresKeyStore(database_url).close()


def told_by_processes(url: str) -> list[str]:
    """What ``gateway migrate`` says in each of several processes that start at once."""
    environment = {**os.environ, "GATEWAY_DATABASE_URL": url}
    running = [
        Forked(
            [*GATEWAY, "migrate"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(4)
    ]
    told = [process.communicate(timeout=60)[0] for process in running]
    assert [process.returncode for process in running] == [0, 0, 0, 0], told
    return sorted(re.sub(r"\d+", "N", line).strip() for line in told)


AT_ONCE = ["already at schema version N"] * 3


def test_of_several_processes_one_creates_a_sqlite_file(tmp_path: Path) -> None:
    told = told_by_processes(f"sqlite:///{tmp_path / 'new' / 'gateway.db'}")
    assert told == [*AT_ONCE, "created at schema version N"]


def test_of_several_processes_one_migrates_a_sqlite_file(tmp_path: Path) -> None:
    path = golden(tmp_path / "gateway.db", 2)
    told = told_by_processes(f"sqlite:///{path}")
    assert told == [*AT_ONCE, "migrated from schema version N to N"]


def test_of_several_processes_one_creates_the_tables_in_postgres(database_url: str) -> None:
    assert told_by_processes(database_url) == [*AT_ONCE, "created at schema version N"]


def test_of_several_starts_at_once_one_creates_the_tables(database_url: str) -> None:
    with ThreadPoolExecutor(8) as starts:
        created = list(starts.map(create_schema, [database_url] * 8))
    assert sorted(created) == [False] * 7 + [True]
    assert postgres_versions(database_url) == [SCHEMA_VERSION]


@pytest.mark.anyio
async def test_a_migrated_file_is_one_to_start_on(tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"
    migrate_sqlite(path)
    journal = await SqliteJournal.open(path, clock=SystemClock(), writer="w")
    assert await journal.read(lambda records: records.last_position()) == 0
    await journal.close()
