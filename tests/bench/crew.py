"""A gateway inside the bench process and workers as processes, on a PostgreSQL of their own."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from gateway.app import Gateway
from tests.bench.world import bench_gateway
from tests.postgres import Postgres
from tests.processes import GATEWAY, ROOT, start, stop


@dataclass
class Crew:
    """``gateway`` advances nothing; ``hire`` starts a worker that does."""

    gateway: Gateway
    server: Postgres
    url: str
    folder: Path
    given: dict[str, Any]
    workers: list[subprocess.Popen[str]] = field(default_factory=list)
    asking: psycopg.Connection[Any] | None = None

    async def hire(self, **given: Any) -> None:
        """Start a worker with the gateway's settings, and these ones."""
        settings = self.gateway.settings
        named = {
            "database_url": self.url,
            "dispatch": "procrastinate",
            "data_dir": settings.data_dir,
            "schema_dir": settings.schema_dir[0],
            "port": 0,
            "log_level": "warning",
            **self.given,
            **given,
        }
        env = {key: value for key, value in os.environ.items() if not key.startswith("GATEWAY_")}
        env |= {f"GATEWAY_{name.upper()}": str(value) for name, value in named.items()}
        log = self.folder / f"worker{len(self.workers)}.log"
        process, _ = await asyncio.to_thread(start, [*GATEWAY, "worker"], env, log)
        self.workers.append(process)

    async def dismiss(self) -> None:
        """End every worker."""
        for process in self.workers:
            await asyncio.to_thread(stop, process, signal.SIGKILL)
        self.workers.clear()

    def ask(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """The rows of a query, on a connection that is kept: making one costs the server more."""
        if self.asking is None:
            self.asking = psycopg.connect(self.url, autocommit=True)
        return self.asking.execute(query.encode(), values).fetchall()

    def change(self, statement: str) -> None:
        """Run a statement that gives no rows."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement.encode())


@contextlib.asynccontextmanager
async def bench_crew(folder: Path, **given: Any) -> AsyncIterator[Crew]:
    """A crew without workers yet; ``given`` are settings of all its processes."""
    sys.path.insert(0, str(ROOT))
    server = Postgres({"shared_buffers": "256MB"})
    await asyncio.to_thread(server.start)
    try:
        url = server.create()
        shared = {"database_url": url, "dispatch": "procrastinate", **given}
        async with bench_gateway(folder, **shared) as gateway:
            crew = Crew(gateway, server, url, folder, given)
            try:
                yield crew
            finally:
                await crew.dismiss()
                if crew.asking is not None:
                    crew.asking.close()
    finally:
        await asyncio.to_thread(server.remove)
