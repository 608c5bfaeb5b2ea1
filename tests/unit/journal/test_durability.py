"""What was acknowledged survives a kill; a full disk is told and survived."""

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

from gateway.journal import verify_record
from gateway.journal.database import open_reader
from tests.forking import Forked

ROOT = Path(__file__).resolve().parents[3]

WRITING = """
    import asyncio, sys
    from pathlib import Path
    from gateway.journal import SqliteJournal
    from tests.contract.journal_story import SteppingClock, Story

    async def one(journal, number):
        story = Story(f"{number}")
        for entry in story.whole("x"):
            written = await journal.write(lambda tx: tx.append(entry))
            print(written.position, written.hash, flush=True)

    async def main():
        path = Path(sys.argv[1])
        journal = await SqliteJournal.open(path, clock=SteppingClock(), writer="w")
        for wave in range(10_000):
            await asyncio.gather(*(one(journal, wave * 16 + n) for n in range(16)))

    asyncio.run(main())
"""

FILLING = """
    import asyncio, resource, sys
    from pathlib import Path
    from gateway.journal import SqliteJournal
    from gateway.model.problem import ProblemError
    from tests.contract.journal_story import SteppingClock, call

    def limit(size):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    async def main():
        path = Path(sys.argv[1])
        journal = await SqliteJournal.open(path, clock=SteppingClock(), writer="w")
        kept = lost = 0
        limit(400_000)
        while not lost:
            units = [lambda tx: tx.append(call(None, output={"x": "y" * 500}))] * 8
            writes = (asyncio.wait_for(journal.write(unit), 30) for unit in units)
            for outcome in await asyncio.gather(*writes, return_exceptions=True):
                if isinstance(outcome, ProblemError):
                    assert outcome.problem.code == "SERVICE_UNAVAILABLE", outcome
                    assert "SQLITE_" in outcome.problem.detail, outcome
                    lost += 1
                else:
                    kept += 1
                    assert outcome.seq == kept, outcome
        limit(resource.RLIM_INFINITY)
        written = await journal.write(lambda tx: tx.append(call(None)))
        assert written.seq == kept + 1, (written.seq, kept)
        await journal.close()
        print(kept, lost)

    asyncio.run(main())
"""


def started(script: str, path: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", textwrap.dedent(script), str(path)]
    return Forked(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def test_every_acknowledged_write_survives_sigkill(tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"
    with started(WRITING, path) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(500)]
        process.send_signal(signal.SIGKILL)
        lines += process.stdout.readlines()
    acknowledged = [line.split() for line in lines if line.endswith("\n")]

    connection = open_reader(path)
    stored = dict(connection.execute("SELECT position, hash FROM entry").fetchall())
    connection.close()

    assert len(acknowledged) >= 500
    assert all(stored[int(position)] == own for position, own in acknowledged)
    report = verify_record(path, [])
    assert report.ok, report.findings
    assert report.entries == len(stored)


def test_a_full_disk_is_told_and_survived(tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"
    with started(FILLING, path) as process:
        output, _ = process.communicate(timeout=60)

    assert process.returncode == 0
    kept, lost = map(int, output.split())
    assert kept > 0
    assert lost > 0
    report = verify_record(path, [])
    assert report.ok, report.findings
    assert report.entries == kept + 1
