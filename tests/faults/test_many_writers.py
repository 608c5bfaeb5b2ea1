"""Many processes write one record on PostgreSQL; some of them are killed, and so is the server."""

import asyncio
import json
import signal
import sqlite3
import subprocess
import sys
import threading
from collections import defaultdict
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gateway.journal import verify_record
from gateway.journal.postgres import PostgresJournal, create_schema
from gateway.journal.postgres.copying import copied
from gateway.model.entry import EntryType
from gateway.model.system import SystemClock
from tests.contract.journal_story import Story
from tests.faults.journal_child import SHARED
from tests.postgres import Postgres
from tests.processes import ROOT

pytestmark = pytest.mark.fault


class Writers:
    """Processes that write, and what each was told is durable; all of them begin at once."""

    def __init__(self, url: str, many: int, units: int) -> None:
        self.acknowledged: list[list[Any]] = []
        self.processes = [self._start(url, number, units) for number in range(many)]
        for process in self.processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        self._readers = [threading.Thread(target=self._read, args=(p,)) for p in self.processes]
        for reader in self._readers:
            reader.start()
        for process in self.processes:
            assert process.stdin is not None
            with process.stdin:
                process.stdin.write("begin\n")

    def _start(self, url: str, number: int, units: int) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.faults.journal_child", url]
        return subprocess.Popen(
            [*command, f"process-{number}", str(units), str(number)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                self.acknowledged.append(json.loads(line))

    def join(self) -> list[str]:
        """Wait for all of them; returns what they wrote to standard error."""
        told = []
        for process, reader in zip(self.processes, self._readers, strict=True):
            assert process.stderr is not None
            with process.stderr:
                told.append(process.stderr.read())
            process.wait(timeout=60)
            reader.join()
        return told


async def prepared(url: str, folder: Path) -> None:
    """A record with the executions that everybody writes to."""
    create_schema(url)
    journal = await PostgresJournal.open(url, data_dir=folder, clock=SystemClock())
    for number in range(SHARED):
        story = Story(str(number))
        await journal.write(lambda tx, story=story: tx.append(story.received()))
    await journal.close()


async def followed(url: str, folder: Path, until: threading.Event) -> list[int]:
    """The positions that somebody sees who follows the record, each behind the last one."""
    journal = await PostgresJournal.open(url, data_dir=folder, clock=SystemClock())
    seen: list[int] = []
    while not until.is_set():
        after = seen[-1] if seen else 0
        entries = await journal.read(lambda records, after=after: records.entries_after(after, 50))
        seen += [entry.position for entry in entries]
        if not entries:
            await asyncio.sleep(0.002)
    await journal.close()
    return seen


def counts(path: Path) -> dict[str, list[tuple[int, str, int]]]:
    """What stands on each shared chain: what was counted, who counted and which unit that was."""
    found: dict[str, list[tuple[int, str, int]]] = defaultdict(list)
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(
            "SELECT execution_id, body FROM entry WHERE type = ? ORDER BY position",
            (EntryType.RUN_CLAIMED.value,),
        )
        for execution_id, body in rows:
            read = json.loads(body)
            found[execution_id].append((read["count"], read["who"], read["number"]))
    return found


def assert_nothing_lost(url: str, acknowledged: list[list[Any]]) -> None:
    with copied(url) as path:
        report = verify_record(path, [])
        assert report.findings == ()
        found = counts(path)
    for execution_id, chain in found.items():
        # Each unit counted what stood there when it became durable: no number twice, none left out.
        assert [count for count, _, _ in chain] == list(range(len(chain))), execution_id
        assert len({(who, number) for _, who, number in chain}) == len(chain)
    recorded = {(one, *entry) for one, chain in found.items() for entry in chain}
    told = {(execution_id, seen, who, number) for execution_id, seen, who, number in acknowledged}
    assert told <= recorded
    assert len(told) == len(acknowledged)


def test_nobody_who_follows_misses_anything_and_no_unit_decides_on_what_is_over(
    database_url: str, tmp_path: Path
) -> None:
    asyncio.run(prepared(database_url, tmp_path))
    over = threading.Event()
    positions: list[int] = []
    follower = threading.Thread(
        target=lambda: positions.extend(asyncio.run(followed(database_url, tmp_path, over)))
    )
    follower.start()
    writers = Writers(database_url, many=3, units=120)
    assert writers.join() == ["", "", ""]
    over.set()
    follower.join()

    assert len(writers.acknowledged) == 3 * 118
    assert_nothing_lost(database_url, writers.acknowledged)
    assert positions == list(range(1, len(positions) + 1))


def test_what_was_acknowledged_outlives_whoever_is_killed(tmp_path: Path) -> None:
    server = Postgres()
    server.start()
    try:
        url = server.create()
        asyncio.run(prepared(url, tmp_path))
        writers = Writers(url, many=3, units=200)
        while len({who for _, _, who, _ in writers.acknowledged}) < 3:
            assert all(process.poll() is None for process in writers.processes)
        writers.processes[0].send_signal(signal.SIGKILL)
        while len(writers.acknowledged) < 200:
            assert writers.processes[1].poll() is None
        server.kill()
        server.start()
        told = writers.join()

        assert not [text for text in told[1:] if "Traceback" in text]
        assert_nothing_lost(url, writers.acknowledged)
        lived = [who for _, _, who, _ in writers.acknowledged if who != "process-0"]
        assert len(lived) == 2 * 196
    finally:
        server.remove()
