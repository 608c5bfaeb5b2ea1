"""The baseline of the durable rate: the same rows, one SQLAlchemy async commit for each write.

Nothing is made up: the statements are those that one real run caused (its journal entries and the
changes of the projections), replayed under other ids by as many concurrent writers as the gateway
has runs in flight. Nothing else is done: no plan, no policy, no hash.
"""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from gateway.journal import statements, tables
from gateway.journal.projections import project
from gateway.model.entry import Entry, EntryType
from gateway.model.json import decode

Write = tuple[str, tuple[Any, ...]]

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
        writes.append((statements.INSERT_ENTRY.sqlite.sql, (None, *tuple(row)[1:])))
        changes = project(_entry(row))
        writes.extend((one.sqlite.sql, one.sqlite.parameters(values)) for one, values in changes)
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

    return [(sql, tuple(rename(value) for value in values)) for sql, values in writes]


async def baseline_rate(
    folder: Path, writes: list[Write], ids: list[str], *, runs: int, in_flight: int
) -> float:
    """Runs a second when every write is a transaction of its own."""
    path = folder / "baseline.db"
    path.unlink(missing_ok=True)
    engine = create_async_engine(
        f"sqlite+aiosqlite:///{path}",
        poolclass=AsyncAdaptedQueuePool,
        pool_size=1,  # SQLite has one writer: more connections only wait for one another
        max_overflow=0,
        pool_timeout=600,
    )
    async with engine.connect() as connection:
        await connection.exec_driver_sql("PRAGMA journal_mode = WAL")
        await connection.exec_driver_sql("PRAGMA synchronous = FULL")
        await connection.run_sync(tables.metadata.create_all)
        await connection.commit()
    prepared = [_renamed(writes, ids, run) for run in range(runs)]
    gate = asyncio.Semaphore(in_flight)
    loop = asyncio.get_running_loop()
    began = loop.time()
    await asyncio.gather(*(_write_run(engine, gate, run) for run in prepared))
    took = loop.time() - began
    await engine.dispose()
    return runs / took


async def _write_run(engine: AsyncEngine, gate: asyncio.Semaphore, writes: list[Write]) -> None:
    async with gate:
        for sql, values in writes:
            async with engine.connect() as connection:
                await connection.exec_driver_sql(sql, values)
                await connection.commit()
