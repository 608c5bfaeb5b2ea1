"""A record on PostgreSQL whatever an administrator has set for the role or for the database."""

import secrets
import threading
import time
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import func, select

from gateway.journal import Checkpointer, as_file, verify_record
from gateway.journal.dialects import POSTGRES
from gateway.journal.postgres import PostgresJournal, create_schema
from gateway.journal.postgres.link import Link
from gateway.journal.postgres.opening import open_snapshot
from gateway.journal.postgres.schema import connected, hold_schema
from gateway.journal.postgres.session import PostgresSession
from gateway.journal.queries import LAST_POSITION
from gateway.journal.statement import Statement, creating
from gateway.journal.tables import SCHEMA_VERSION
from gateway.model.problem import ProblemError
from gateway.model.system import SystemClock
from gateway.postgres import Connection
from tests.contract.journal_story import Story, call
from tests.unit.journal.conftest import KeySigner

pytestmark = pytest.mark.anyio

_SETTINGS = {
    "array_nulls": "off",
    "bytea_output": "escape",
    "datestyle": "SQL, DMY",
    "default_transaction_deferrable": "on",
    "default_transaction_isolation": "serializable",
    "idle_session_timeout": "300ms",
    "standard_conforming_strings": "off",
    "timezone": "Asia/Kolkata",
}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def url(database_url: str) -> str:
    """A database whose sessions begin with other settings than PostgreSQL's own."""
    put(database_url, **_SETTINGS)
    return database_url


def put(url: str, **settings: str) -> None:
    """Set this for every session on a database that begins from now on."""
    name = sql.Identifier(url.rpartition("/")[2])
    setting = sql.SQL("ALTER DATABASE {} SET {} TO {}")
    with psycopg.connect(url, autocommit=True) as connection:
        for one, value in settings.items():
            connection.execute(setting.format(name, sql.Identifier(one), sql.Literal(value)))


async def fill(url: str, folder: Path) -> str:
    """Two lives of a gateway; returns the key that their checkpoints are verified with."""
    create_schema(url)
    signer = KeySigner()
    for name in ("a", "b"):
        journal = await PostgresJournal.open(url, data_dir=folder, clock=SystemClock())
        try:
            checkpointer = Checkpointer(journal, signer)
            for new in [*Story(name).whole("x"), call(None), call(f"a \\ in 'key' {name}")]:
                await journal.write(lambda tx, new=new: tx.append(new))
            await checkpointer.stop()
        finally:
            await journal.close()
    return signer.public_key_pem


async def test_the_record_is_what_it_is(url: str, tmp_path: Path) -> None:
    key = await fill(url, tmp_path)
    with as_file(url) as path:
        assert verify_record(path, [key]).findings == ()


def test_a_connection_that_was_lost_is_ended_at_the_server(url: str) -> None:
    """Its moment is compared, so it must be read as it was written."""
    link = Link(url, "gateway-test", succeeds=True)
    lost = link.wire()
    lost.is_lost = True
    link.wire()

    with psycopg.connect(url) as connection:
        named = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'gateway-test'"
        assert connection.execute(named).fetchone() == (1,)
    lost.close()
    link.close()


def test_a_connection_is_ended_that_works_in_the_name_of_another_role(
    database_url: str,
) -> None:
    """As where each process has a login of its own, and all of them make what one role owns."""
    owner, login = (f"{kind}_{secrets.token_hex(4)}" for kind in ("owner", "login"))
    with psycopg.connect(database_url, autocommit=True) as connection:
        for told in (
            "CREATE ROLE {owner}",
            "CREATE ROLE {login} LOGIN IN ROLE {owner}",
            "ALTER ROLE {login} SET role TO {owner}",
        ):
            names = {"owner": sql.Identifier(owner), "login": sql.Identifier(login)}
            connection.execute(sql.SQL(told).format(**names))
    link = Link(database_url.replace("postgres@", f"{login}@"), "gateway-test", succeeds=True)
    lost = link.wire()
    lost.is_lost = True
    fresh = link.wire()

    with psycopg.connect(database_url) as connection:
        named = "SELECT count(*) FROM pg_stat_activity WHERE usename = %s"
        assert connection.execute(named, (login,)).fetchone() == (1,)
    assert PostgresSession(fresh).one(Statement(select(func.current_user()))) == (owner,)
    lost.close()
    link.close()


def test_who_is_not_let_in_is_told_what_to_look_at(database_url: str) -> None:
    """As with a mistake in the settings of a first start."""
    unknown = database_url.replace("postgres@", "nobody@")
    for ask in (Connection(unknown, "the keys").rows, lambda _: create_schema(unknown)):
        with pytest.raises(ProblemError, match="no such user"):
            ask("SELECT 1")


def test_a_session_that_is_idle_keeps_what_it_holds(url: str) -> None:
    """As the lock of whoever has the keys open."""
    connection = Connection(url, "the keys")
    connection.rows("SELECT pg_advisory_lock(7, 8)")
    time.sleep(0.8)

    held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 8"
    with psycopg.connect(url) as other:
        assert other.execute(held).fetchone() == (1,)
    connection.close()


def test_whoever_waited_for_a_lock_sees_what_was_done_under_it(url: str) -> None:
    lock = "SELECT pg_advisory_xact_lock(7, 7)"
    first, second = Connection(url, "one"), Connection(url, "two")
    begun, found = threading.Event(), []
    first.rows("CREATE TABLE done (it int)")

    def later() -> None:
        begun.set()
        with second.transaction(lock):
            found.append(second.rows("SELECT it FROM done"))

    with first.transaction(lock):
        waiting = threading.Thread(target=later)
        waiting.start()
        begun.wait(10)
        first.run(_until_somebody_waits)
        first.change("INSERT INTO done VALUES (1)")
    waiting.join(10)
    first.close()
    second.close()
    assert found == [[(1,)]]


def _until_somebody_waits(session: psycopg.Connection[tuple[object, ...]]) -> None:
    waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    while session.execute(waits).fetchone() == (0,):
        pass


def test_whoever_waited_for_the_tables_finds_them(url: str) -> None:
    created: list[bool] = []
    put(url, lock_timeout="1ms")
    with connected(url) as connection:
        hold_schema(connection)
        waiting = threading.Thread(target=lambda: created.append(create_schema(url)))
        waiting.start()
        _until_somebody_waits(connection)
        for command in creating(dialect=POSTGRES):
            connection.execute(command.encode())
        connection.execute("INSERT INTO meta (schema_version) VALUES (%s)", (SCHEMA_VERSION,))
    waiting.join(10)
    assert created == [False]


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_text_is_what_it_is(database_url: str, encoding: str) -> None:
    put(database_url, client_encoding=encoding)
    connection = Connection(database_url, "the keys")
    assert connection.rows("SELECT %s::text", ("Łódź",)) == [("Łódź",)]
    connection.close()


@pytest.mark.parametrize("is_in_url", [True, False])
def test_text_is_what_it_is_whatever_is_said_to_libpq(
    database_url: str, monkeypatch: pytest.MonkeyPatch, is_in_url: bool
) -> None:
    """What libpq is told counts more than the options of a session."""
    if is_in_url:
        database_url += "?client_encoding=LATIN1"
    else:
        monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    connection = Connection(database_url, "the keys")
    assert connection.rows("SELECT %s::text", ("Łódź",)) == [("Łódź",)]
    connection.close()


def test_what_takes_long_is_not_cut_off(url: str) -> None:
    """As the rewriting of tables when keys are rotated."""
    put(url, statement_timeout="50ms", lock_timeout="1ms")
    connection = Connection(url, "the keys")
    connection.rows("SELECT pg_sleep(0.2)")
    shown = "SELECT current_setting('lock_timeout')"
    assert connection.rows(shown) == [("0",)]
    connection.close()


def test_what_reads_long_is_not_cut_off(url: str) -> None:
    """As a verification, which copies the record in one transaction."""
    create_schema(url)
    put(url, transaction_timeout="100ms")
    with open_snapshot(url, "gateway-test") as session, connected(url) as connection:
        for _ in range(2):
            assert session.one(LAST_POSITION) == (None,)
            connection.execute("SELECT 1")
            time.sleep(0.3)


def test_tables_are_brought_up_to_date_however_long_that_takes(url: str) -> None:
    """Else what takes longer than a statement of the gateway may take could never be done."""
    put(url, statement_timeout="50ms", idle_in_transaction_session_timeout="50ms")
    with connected(url) as connection:
        connection.execute("SELECT pg_sleep(0.2)")
        time.sleep(0.2)
        connection.execute("SELECT 1")


async def test_what_the_url_asks_for_is_asked_for_by_every_session(
    database_url: str, tmp_path: Path
) -> None:
    """As where the tables are to lie in a schema of their own."""
    with psycopg.connect(database_url) as connection:
        connection.execute("CREATE SCHEMA apart")
    url = f"{database_url}?options={quote('-c search_path=apart')}"

    key = await fill(url, tmp_path)

    with as_file(url) as path:
        assert verify_record(path, [key]).findings == ()
    with psycopg.connect(database_url) as connection:
        places = "SELECT DISTINCT schemaname FROM pg_tables WHERE tablename IN ('entry', 'claim')"
        assert connection.execute(places).fetchall() == [("apart",)]
