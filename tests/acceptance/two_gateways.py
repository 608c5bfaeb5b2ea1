"""Two gateways on one PostgreSQL database, each with a data folder of its own."""

import base64
import contextlib
import os
import secrets
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from tests.postgres import Postgres
from tests.processes import Server, Service, stop
from tests.world import World

ROOT_KEY = "TWO_GATEWAYS_ROOT"


@dataclass
class Pair:
    """Gateways ``a`` and ``b`` before one example service, on the database ``url``."""

    a: World
    b: World
    url: str

    @property
    def both(self) -> tuple[World, World]:
        return self.a, self.b

    def leader(self) -> World | None:
        """Who has the duties, by who holds the lock."""
        asked = (
            "SELECT client_port FROM pg_locks JOIN pg_stat_activity USING (pid)"
            " WHERE locktype = 'advisory' AND objid = 3 AND granted"
            " AND application_name LIKE '%%duties' AND datname = current_database()"
        )
        with psycopg.connect(self.url) as session:
            ports = {row[0] for row in session.execute(asked)}
        assert len(ports) <= 1
        found = [world for world in self.both if ports & _ports_of(world.gateway)]
        return found[0] if found else None

    def command(self, *arguments: str) -> str:
        """Run ``gateway ...`` beside the gateways, which must succeed; returns what it prints."""
        done = self.a.gateway.command(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def rows(self, query: str) -> list[tuple[object, ...]]:
        """What a query of the database gives."""
        with psycopg.connect(self.url) as session:
            return session.execute(query.encode()).fetchall()


def _ports_of(server: Server) -> set[int]:
    """The local ports of a process's connections."""
    import psutil

    assert server.process is not None
    if server.process.poll() is not None:
        return set()
    return {one.laddr.port for one in psutil.Process(server.process.pid).net_connections("tcp")}


@contextlib.contextmanager
def two_gateways(folder: Path, postgres: Postgres, **settings: str) -> Iterator[Pair]:
    """Both are started at the same moment, on an empty database."""
    service = Service(folder)
    service.start()
    url = postgres.create()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(ROOT_KEY, base64.b64encode(secrets.token_bytes(32)).decode())
        servers = [_server(folder / name, service, url, settings) for name in ("a", "b")]
        try:
            start_all(servers)
            yield Pair(World(servers[0], service), World(servers[1], service), url)
        finally:
            for process in (*(one.process for one in servers), service.process):
                if process is not None:
                    stop(process, signal.SIGKILL)


def environment(service: Service, url: str, settings: dict[str, str]) -> dict[str, str]:
    """What a gateway before ``service`` on the database ``url`` is started with."""
    return {
        **{key: value for key, value in os.environ.items() if not key.startswith("GATEWAY_")},
        "GATEWAY_ACTION_ORIGINS": f"http://support.internal={service.url}",
        "GATEWAY_ACTION_HOSTS": service.url.removeprefix("http://"),
        "GATEWAY_DATABASE_URL": url,
        "GATEWAY_ROOT_KEY": f"env:{ROOT_KEY}",
        "GATEWAY_MAX_DELAY": "60",  # as in ``make_world``
        **settings,
    }


def _server(folder: Path, service: Service, url: str, settings: dict[str, str]) -> Server:
    folder.mkdir()
    return Server(folder, environment(service, url, settings))


def start_all(servers: list[Server]) -> None:
    """Start gateways at the same moment; the first that cannot start fails the test."""
    failed: list[BaseException] = []

    def start(server: Server) -> None:
        try:
            server.start()
        except BaseException as error:  # told by the test's own thread
            failed.append(error)

    threads = [threading.Thread(target=start, args=(one,)) for one in servers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
