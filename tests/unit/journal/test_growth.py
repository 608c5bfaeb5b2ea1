"""What is asked again and again costs the same however much has been and gone.

What it costs is counted in the steps of SQLite's machine; that what is over is far more than what
is open is what makes a statement without its index show.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from gateway.journal.checkpoint_file import CheckpointFile
from gateway.journal.claims import SqlClaimQueue
from gateway.journal.database import open_writer
from gateway.journal.dialects import POSTGRES
from gateway.journal.records import SqlRecords
from gateway.journal.rights import privacy_condemned
from gateway.journal.rights_records import _UNCONDEMNED
from gateway.journal.session import Session
from gateway.journal.sqlite_session import SqliteSession
from gateway.journal.statement import creating
from gateway.model.json import encode

FEW, MANY = 20, 2_000
_MORE = 2
"""By how much the steps may be more: pages of an index are searched a little longer."""

Fill = Callable[[sqlite3.Connection, int, Path], None]
Ask = Callable[[Session, Path], None]


class _Claims(SqlClaimQueue):
    """Changes claims over a session."""

    def __init__(self, session: Session) -> None:
        self._change, self._now = session.change, "2026-01-01T00:00:00Z"


def steps(folder: Path, fill: Fill, over: int, ask: Ask) -> int:
    """How many steps it takes to ask where so much is over."""
    folder.mkdir()
    with closing(open_writer(folder / "gateway.db")) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        fill(connection, over, folder)
        connection.execute("COMMIT")
        taken = 0

        def count() -> int:
            nonlocal taken
            taken += 1
            return 0

        session = SqliteSession(connection.cursor())
        connection.set_progress_handler(count, 1)
        ask(session, folder)
        connection.set_progress_handler(None, 1)
        return taken


def rows(connection: sqlite3.Connection, table: str, made: Iterator[dict[str, object]]) -> None:
    """Add rows; columns that are not named are empty texts, or zero."""
    columns = connection.execute(f"PRAGMA table_info({table})").fetchall()
    names = [name for _, name, *_ in columns]
    empty = {
        name: (0 if kind == "INTEGER" else "") if needed else None
        for _, name, kind, needed, *_ in columns
    }
    connection.executemany(
        f"INSERT INTO {table} VALUES ({', '.join('?' * len(names))})",  # noqa: S608 our own tables
        [tuple({**empty, **one}[name] for name in names) for one in made],
    )


def claims(connection: sqlite3.Connection, over: int, _folder: Path) -> None:
    """Runs that are over, and one that waits."""
    rows(connection, "claim", ({"run_id": f"run_{n:06}"} for n in range(over)))
    rows(connection, "claim", iter([{"run_id": "run_waits", "wake_at": "2999"}]))


def checkpoints(connection: sqlite3.Connection, over: int, folder: Path) -> None:
    """Checkpoints of a hundred bytes each, of which the file lacks the last."""
    line = "x" * 99
    told = ({"number": n, "ends_at": 100 * n, "line": line} for n in range(1, over + 1))
    rows(connection, "checkpoint", told)
    CheckpointFile(folder).path.write_bytes(b"x" * (100 * (over - 1)))


def changesets(connection: sqlite3.Connection, over: int, _folder: Path) -> None:
    """Changesets that were ended."""
    told = ({"id": f"change_{n:06}", "status": "rejected"} for n in range(over))
    rows(connection, "policy_changeset", told)


def erasures(connection: sqlite3.Connection, over: int, _folder: Path) -> None:
    """Erasures that were carried out."""
    told = ({"id": f"erasure_{n:06}", "status": "erased"} for n in range(over))
    rows(connection, "privacy_erasure", told)


def wake(session: Session, _folder: Path) -> None:
    assert _Claims(session).wake_waiting() == 1


def mirror(session: Session, folder: Path) -> None:
    file = CheckpointFile(folder)
    before = file.path.stat().st_size
    file.complete(session)
    assert file.path.stat().st_size == before + 100


def shadows(session: Session, _folder: Path) -> None:
    assert SqlRecords(session).shadowing_changesets() == []


def to_do(session: Session, _folder: Path) -> None:
    assert SqlRecords(session).erasures_to_do() == []


@pytest.mark.parametrize(
    ("fill", "ask"),
    [
        pytest.param(claims, wake, id="waking what waits"),
        pytest.param(checkpoints, mirror, id="the copy of the checkpoints"),
        pytest.param(changesets, shadows, id="which changeset decides in the shadow"),
        pytest.param(erasures, to_do, id="erasures that are to be carried out"),
    ],
)
def test_what_is_over_costs_nothing(fill: Fill, ask: Ask, tmp_path: Path) -> None:
    few, many = (steps(tmp_path / f"{n}", fill, n, ask) for n in (FEW, MANY))
    assert many <= few * _MORE


def test_asking_of_destroyed_keys_reads_no_others(postgres) -> None:
    """A start asks of every tombstone, and retention leaves one for each run."""
    destroyed, asked = 50_000, 50
    with psycopg.connect(postgres.create(), autocommit=True) as connection:
        for command in creating(privacy_condemned, dialect=POSTGRES):
            connection.execute(command.encode())
        connection.execute(
            "INSERT INTO privacy_condemned SELECT md5(n::text), 'acme', 'retention'"
            " FROM generate_series(1, %s) n",
            (destroyed,),
        )
        connection.execute("VACUUM ANALYZE privacy_condemned")
        connection.execute("SET work_mem = '64kB'")  # as little as more keys leave of 4 MB
        named = connection.execute("SELECT key_id FROM privacy_condemned LIMIT %s", (asked,))
        given = encode([*(key for (key,) in named), "fresh"])
        connection.execute(f"PREPARE asked AS {_UNCONDEMNED.postgres.sql}".encode())
        explain = f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE asked('{given}')"
        (plan,) = connection.execute(explain.encode()).fetchone() or ()
        found = connection.execute(f"EXECUTE asked('{given}')".encode()).fetchall()
    assert found == [("fresh",)]
    assert _rows_of("privacy_condemned", plan[0]["Plan"]) <= 2 * asked


def _rows_of(table: str, plan: dict[str, Any]) -> int:
    """How many rows of a table were looked at."""
    below = sum(_rows_of(table, one) for one in plan.get("Plans", ()))
    if plan.get("Relation Name") != table:
        return below
    seen = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
    return below + int(seen * plan["Actual Loops"])
