"""Verifying a whole record: ``gateway audit verify`` as a process, over a generated record."""

import os
import resource
import subprocess
import sys
import time
from pathlib import Path

from gateway.privacy import CheckpointKeys
from tests.bench.audit_journal import write_record
from tests.bench.figures import Figure, at_most

ENTRIES = int(os.environ.get("BENCH_AUDIT_ENTRIES", "100000"))
"""How many entries to verify: the goal is told for a million, and measured with as many."""

MILLION = 1_000_000
_COMMAND = [sys.executable, "-m", "gateway.cli", "audit", "verify"]


async def verifying_figures(folder: Path) -> list[Figure]:
    """Measure how long it takes to verify a record of runs."""
    seconds, processor = measure(folder, ENTRIES)
    name = "1 million entries verified, in processor time"
    name += "" if ENTRIES >= MILLION else ", extrapolated"
    return [
        Figure("entries verified, with projections and roots", ENTRIES / seconds, "1/s"),
        # Two processes side by side: the sum is the longest it can take, whoever else computes.
        at_most(Figure(name, processor / ENTRIES * MILLION, "s"), 60),
    ]


def measure(folder: Path, entries: int) -> tuple[float, float]:
    """The seconds that the command takes over a record of at least this many entries, and the
    seconds of processor time."""
    data = folder / "data"
    if not (data / "gateway.db").exists():
        write_record(
            data / "gateway.db", entries, CheckpointKeys(data.with_name("data-keys")).current()
        )
    began, used = time.perf_counter(), _processor_time()
    subprocess.run([*_COMMAND, "--data-dir", str(data)], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began, _processor_time() - used


def _processor_time() -> float:
    """Seconds that processes of ours have computed, once they ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    print(
        "{:.1f} s, {:.1f} s of processor time".format(*measure(Path(sys.argv[1]), int(sys.argv[2])))
    )
