"""The long form: every plot with several seeds, and a table of what came of them.

``python -m tests.faults.run [--seeds N] [--first SEED] [FAULT ...]``; ends with 1 where there is an
anomaly. What a play with anomalies left behind is kept, and its place is told.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from tests.faults.deployment import workers_beside
from tests.faults.play import Result, play
from tests.faults.plots import DEPLOYED_PLOTS, PLOTS, TRIES, faults_of
from tests.postgres import Postgres

_APART = 1000
"""How far the seed of a play is from that of its repetition."""

HEAD = (
    "| fault | plays | runs | operations | anomalies | recovery p50 | recovery max | takeover max |"
)


def main() -> int:
    """Play, tell each result as it comes, then the table."""
    parser = argparse.ArgumentParser(description="Play runs under faults and check the history.")
    plots = PLOTS | DEPLOYED_PLOTS
    parser.add_argument("faults", nargs="*", metavar="FAULT", help="; ".join(plots))
    parser.add_argument("--seeds", type=int, default=5, help="plays of each fault")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    asked = parser.parse_args()
    unknown = set(asked.faults) - set(plots)
    if unknown:
        parser.error(f"there is no fault {', '.join(sorted(unknown))}")
    began = time.monotonic()
    results: dict[str, list[Result]] = {}
    postgres = Postgres()
    postgres.start()
    try:
        for fault in asked.faults or plots:
            for seed in range(asked.first, asked.first + asked.seeds):
                results.setdefault(fault, []).append(_felt(fault, seed, postgres))
    finally:
        postgres.remove()
    print(f"\n{HEAD}\n|{' --- |' * 8}")
    found = [_row(fault, played) for fault, played in results.items()]
    operations = sum(one.verdict.operations for played in results.values() for one in played)
    print(f"\noperations checked {operations}, anomalies {sum(found)}", end="")
    print(f" ({time.monotonic() - began:.0f} s)")
    return 1 if any(found) else 0


def _felt(fault: str, seed: int, postgres: Postgres) -> Result:
    """A play whose fault somebody felt: one that nobody felt proves nothing, so that it is played
    again then, from other seeds."""
    for other in range(seed, seed + TRIES * _APART, _APART):
        result = _play(fault, other, postgres)
        if result.is_felt or len(faults_of(result)) > 1:
            break
    return result


def _play(fault: str, seed: int, postgres: Postgres) -> Result:
    folder = Path(tempfile.mkdtemp(prefix="gateway-faults-"))
    if fault in PLOTS:
        result = play(PLOTS[fault], seed, folder)
    else:
        made = partial(workers_beside, postgres=postgres)
        result = play(DEPLOYED_PLOTS[fault], seed, folder, made)
    print(result, flush=True)
    if wrong := faults_of(result):
        print("\n".join([f"  {told}" for told in wrong] + [f"  see {folder}"]), flush=True)
    else:
        shutil.rmtree(folder)
    return result


def _row(fault: str, played: list[Result]) -> int:
    """Tell one row; returns how many anomalies it has."""
    took = [seconds for one in played for seconds in one.recoveries]
    taken = [seconds for one in played for seconds in one.takeovers]
    anomalies = sum(len(faults_of(one)) for one in played)
    cells = (
        fault,
        len(played),
        sum(one.runs for one in played),
        sum(one.verdict.operations for one in played),
        anomalies,
        f"{statistics.median(took):.2f} s" if took else "-",
        f"{max(took):.2f} s" if took else "-",
        f"{max(taken):.2f} s" if taken else "-",
    )
    print(f"| {' | '.join(map(str, cells))} |")
    return anomalies


if __name__ == "__main__":
    sys.exit(main())
