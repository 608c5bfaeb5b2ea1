"""The sessions that others have with a database of tests."""

import time

import psycopg


def nobody_has_locks(url: str) -> None:
    """Wait until the server has noticed that a session is over."""
    held = (
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database ="
        " (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    deadline = time.monotonic() + 30
    with psycopg.connect(url, autocommit=True) as admin:
        while admin.execute(held).fetchone() != (0,):
            assert time.monotonic() < deadline
            time.sleep(0.01)


def cut_off(url: str) -> None:
    """End every session of the key store, as a network does that fails, and see it end."""
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
