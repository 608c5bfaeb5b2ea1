"""Verifying a whole record: ``gateway audit verify`` as a process, over a generated record."""

import os
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


async def audit_figures(folder: Path) -> list[Figure]:
    """Measure how long it takes to verify a record of runs."""
    seconds = measure(folder, ENTRIES)
    name = "verifying 1 million entries"
    name += "" if ENTRIES >= MILLION else f", extrapolated from {ENTRIES}"
    return [
        Figure("entries verified, with projections and roots", ENTRIES / seconds, "1/s"),
        at_most(Figure(name, seconds / ENTRIES * MILLION, "s"), 60),
    ]


def measure(folder: Path, entries: int) -> float:
    """The seconds that the command takes over a record of at least this many entries."""
    data = folder / "data"
    if not (data / "gateway.db").exists():
        write_record(data / "gateway.db", entries, CheckpointKeys(data / "keys").current())
    began = time.perf_counter()
    subprocess.run([*_COMMAND, "--data-dir", str(data)], check=True, stdout=subprocess.DEVNULL)  # our own command
    return time.perf_counter() - began


if __name__ == "__main__":
    print(f"{measure(Path(sys.argv[1]), int(sys.argv[2])):.1f} s")
