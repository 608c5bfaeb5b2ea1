import psycopg

from tests.postgres import Postgres


def test_what_was_committed_outlives_a_kill() -> None:
    server = Postgres()
    server.start()
    try:
        url = server.create()
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE kept (x int)")
            connection.execute("INSERT INTO kept VALUES (7)")
        server.kill()
        server.start()
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT x FROM kept").fetchall() == [(7,)]
    finally:
        server.remove()


def test_each_test_has_a_database_of_its_own(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
