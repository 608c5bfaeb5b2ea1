"""Why there is no session on PostgreSQL, as a real server and libpq say it."""

import psycopg
import pytest
from psycopg import conninfo, sql

from gateway.model.problem import ProblemError
from gateway.postgres import Connection, unreached
from tests.ports import free_port


def told(url: str) -> str:
    with pytest.raises(ProblemError) as refused:
        Connection(url, "the record").rows("SELECT 1")
    assert refused.value.problem.code == "SERVICE_UNAVAILABLE"
    return refused.value.problem.detail


def test_nobody_listens_or_the_host_has_no_address() -> None:
    assert "nobody listens there" in told(f"postgresql://x@127.0.0.1:{free_port()}/x")
    assert "its host has no address" in told("postgresql://x@timeout.invalid/x")


def test_each_of_several_hosts_is_told_of(database_url: str) -> None:
    parts = conninfo.conninfo_to_dict(database_url)
    there = f"{parts['host']}:{parts['port']}"
    away = f"127.0.0.1:{free_port()}"
    found = told(f"postgresql://{parts['user']}@{away},{there},{away}/none_such")
    assert "of the 3 addresses tried, number 1 and 3: nobody listens there" in found
    assert "of the 3 addresses tried, number 2: it has no such database" in found
    found = told(f"postgresql://x@{away},{away}/x")
    assert "tried" not in found
    assert "nobody listens there" in found


def test_what_a_server_refuses_is_told_without_names(database_url: str) -> None:
    parts = conninfo.conninfo_to_dict(database_url)
    named = {**parts, "dbname": "timeout"}
    assert "it has no such database" in told(conninfo.make_conninfo(**named))
    named = {**parts, "user": "timeout"}
    assert "it has no such user" in told(conninfo.make_conninfo(**named))
    database = str(parts["dbname"])
    users = {f"{database}_out": "NOLOGIN", f"{database}_in": "LOGIN"}
    with psycopg.connect(database_url, autocommit=True) as session:
        limit = sql.SQL("ALTER DATABASE {} CONNECTION LIMIT 0").format(sql.Identifier(database))
        session.execute(limit)
        for user, may in users.items():
            session.execute(sql.SQL(f"CREATE ROLE {{}} {may}").format(sql.Identifier(user)))
    for user, reason in zip(users, ("may not log in", "limit of sessions"), strict=True):
        found = told(conninfo.make_conninfo(**{**parts, "user": user}))
        assert reason in found
        assert user not in found


def test_a_server_that_takes_no_writes_is_told_of(database_url: str) -> None:
    """As a standby, where the primary is asked for among several hosts."""
    database = str(conninfo.conninfo_to_dict(database_url)["dbname"])
    with psycopg.connect(database_url, autocommit=True) as session:
        only = sql.SQL("ALTER DATABASE {} SET default_transaction_read_only TO on")
        session.execute(only.format(sql.Identifier(database)))
    for wanted, reason in (("read-write", "takes no writes"), ("standby", "check that it runs")):
        asked = conninfo.make_conninfo(database_url, target_session_attrs=wanted)
        assert reason in told(asked)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ('FATAL:  password authentication failed for user "role"', "refuses the user"),
        ("FATAL:  sorry, too many clients already", "no session left"),
        ("FATAL:  the database system is starting up", "it is starting"),
        ("connection to server failed: server is in hot standby mode", "takes no writes"),
        ("connection timeout expired", "did not answer in time"),
        ("the server did not answer in time", "look at it, and at the network"),
        ("server certificate for 'x' does not match", "TLS fails"),
        ('FATAL:  something new about "timeout"', "check that it runs"),
        ("", "check that it runs"),
    ],
)
def test_what_is_said_is_known_by_its_words(said: str, reason: str) -> None:
    assert reason in unreached(psycopg.OperationalError(said))
