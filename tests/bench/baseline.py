"""The baselines of the durable rates: the same rows, one SQLAlchemy async commit for each write.

Nothing is made up: the statements are those that one real run caused (its journal entries and the
changes of the projections), replayed under other ids by as many concurrent writers as the gateway
has runs in flight. Nothing else is done: no plan, no policy, no hash.
"""

import asyncio
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy.engine import Dialect
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from gateway.journal import tables
from gateway.journal.dialects import POSTGRES, SQLITE
from gateway.journal.projections import project
from gateway.journal.statement import Statement, inserting
from gateway.model.entry import Entry, EntryType
from gateway.model.json import decode

Write = tuple[Statement, dict[str, Any]]
"""A statement with its values by name."""

_INSERT_ENTRY = inserting(tables.entry)
_ENTRIES = "SELECT * FROM entry WHERE execution_id = ? ORDER BY position"
_CALLS = "SELECT * FROM entry WHERE type = 'call.completed' ORDER BY position DESC LIMIT 4"
_NAMED = ("plan_id", "run_id", "intent_id")


def writes_of_a_run(database: Path) -> tuple[list[Write], list[str]]:
    """Every write that the newest completed run caused, in order, and the ids that it used."""
    with closing(sqlite3.connect(database)) as connection:
        connection.row_factory = sqlite3.Row
        newest = "SELECT * FROM execution WHERE status = 'completed' ORDER BY id DESC LIMIT 1"
        execution = connection.execute(newest).fetchone()
        rows = connection.execute(_ENTRIES, (execution["id"],)).fetchall()
        rows += connection.execute(_CALLS).fetchall()
    writes: list[Write] = []
    for row in rows:
        writes.append((_INSERT_ENTRY, dict(row)))
        writes += project(_entry(row))
    return writes, [execution["id"], *(execution[name] for name in _NAMED)]


def _entry(row: sqlite3.Row) -> Entry:
    return Entry(
        row["position"],
        row["chain"],
        row["seq"],
        row["at"],
        EntryType(row["type"]),
        row["workspace"],
        row["execution_id"],
        row["actor"],
        decode(row["body"]),
        row["previous"],
        row["hash"],
    )


def _renamed(writes: list[Write], ids: list[str], run: int) -> list[Write]:
    """The writes of another run: the same, under ids (and workspace chains) of its own."""

    def rename(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        for known in ids:
            value = value.replace(known, f"{known}-{run}")
        return f"{value}-{run}" if value.startswith("workspace/") else value

    return [
        (one, {name: rename(value) for name, value in values.items()}) for one, values in writes
    ]


async def baseline_rate(
    folder: Path, writes: list[Write], ids: list[str], *, runs: int, in_flight: int
) -> float:
    """Runs a second on SQLite when every write is a transaction of its own."""
    path = folder / "baseline.db"
    path.unlink(missing_ok=True)
    # SQLite has one writer: more connections only wait for one another.
    engine = _engine(f"sqlite+aiosqlite:///{path}", connections=1)
    async with engine.connect() as connection:
        await connection.exec_driver_sql("PRAGMA journal_mode = WAL")
        await connection.exec_driver_sql("PRAGMA synchronous = FULL")
        await connection.run_sync(tables.metadata.create_all)
        await connection.commit()
    return await _rate(engine, SQLITE, writes, ids, runs, in_flight)


async def postgres_baseline_rate(
    url: str, writes: list[Write], ids: list[str], *, runs: int, in_flight: int
) -> float:
    """Runs a second on an empty PostgreSQL database when every write is a transaction of its own,
    with a connection for each run in flight."""
    driver = url.replace("postgresql://", "postgresql+psycopg://")
    engine = _engine(driver, connections=in_flight)
    async with engine.connect() as connection:
        await connection.run_sync(tables.metadata.create_all)
        await connection.commit()
    return await _rate(engine, POSTGRES, writes, ids, runs, in_flight)


def _engine(url: str, connections: int) -> AsyncEngine:
    return create_async_engine(
        url,
        poolclass=AsyncAdaptedQueuePool,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=600,
    )


async def _rate(
    engine: AsyncEngine,
    dialect: Dialect,
    writes: list[Write],
    ids: list[str],
    runs: int,
    in_flight: int,
) -> float:
    positions = count(1)
    prepared = [_bound(_renamed(writes, ids, run), dialect, positions) for run in range(runs)]
    gate = asyncio.Semaphore(in_flight)
    loop = asyncio.get_running_loop()
    began = loop.time()
    await asyncio.gather(*(_write_run(engine, gate, run) for run in prepared))
    took = loop.time() - began
    await engine.dispose()
    return runs / took


def _bound(
    writes: list[Write], dialect: Dialect, positions: Iterator[int]
) -> list[tuple[str, tuple[Any, ...]]]:
    """The writes as the driver takes them, entries at positions of their own."""
    bound = []
    for statement, values in writes:
        given = values
        if statement is _INSERT_ENTRY:
            given = {**values, "position": next(positions)}
        form = statement.on(dialect)
        sql, parameters = form.sql, form.parameters(given)
        if dialect is POSTGRES:
            sql, parameters = _for_psycopg(sql, parameters)
        bound.append((sql, parameters))
    return bound


def _for_psycopg(sql: str, values: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
    """``$1`` and so on as the marks that psycopg takes, with a value for each mark."""
    places = [int(place) for place in re.findall(r"\$(\d+)", sql)]
    marked = re.sub(r"\$\d+", "%s", sql.replace("%", "%%"))
    return marked, tuple(values[place - 1] for place in places)


async def _write_run(
    engine: AsyncEngine, gate: asyncio.Semaphore, writes: list[tuple[str, tuple[Any, ...]]]
) -> None:
    async with gate:
        for sql, values in writes:
            async with engine.connect() as connection:
                await connection.exec_driver_sql(sql, values)
                await connection.commit()
