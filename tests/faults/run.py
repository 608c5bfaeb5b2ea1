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
from pathlib import Path

from tests.faults.play import Result, play
from tests.faults.plots import PLOTS, faults_of

HEAD = "| fault | plays | runs | operations | anomalies | recovery p50 | recovery max |"


def main() -> int:
    """Play, tell each result as it comes, then the table."""
    parser = argparse.ArgumentParser(description="Play runs under faults and check the history.")
    parser.add_argument("faults", nargs="*", metavar="FAULT", help="; ".join(PLOTS))
    parser.add_argument("--seeds", type=int, default=5, help="plays of each fault")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    asked = parser.parse_args()
    unknown = set(asked.faults) - set(PLOTS)
    if unknown:
        parser.error(f"there is no fault {', '.join(sorted(unknown))}")
    began = time.monotonic()
    results: dict[str, list[Result]] = {}
    for fault in asked.faults or PLOTS:
        for seed in range(asked.first, asked.first + asked.seeds):
            results.setdefault(fault, []).append(_play(fault, seed))
    print(f"\n{HEAD}\n| --- | --- | --- | --- | --- | --- | --- |")
    found = [_row(fault, played) for fault, played in results.items()]
    operations = sum(one.verdict.operations for played in results.values() for one in played)
    print(f"\noperations checked {operations}, anomalies {sum(found)}", end="")
    print(f" ({time.monotonic() - began:.0f} s)")
    return 1 if any(found) else 0


def _play(fault: str, seed: int) -> Result:
    folder = Path(tempfile.mkdtemp(prefix="gateway-faults-"))
    result = play(PLOTS[fault], seed, folder)
    print(result, flush=True)
    if wrong := faults_of(result):
        print("\n".join([f"  {told}" for told in wrong] + [f"  see {folder}"]), flush=True)
    else:
        shutil.rmtree(folder)
    return result


def _row(fault: str, played: list[Result]) -> int:
    """Tell one row; returns how many anomalies it has."""
    took = [seconds for one in played for seconds in one.recoveries]
    anomalies = sum(len(faults_of(one)) for one in played)
    cells = (
        fault,
        len(played),
        sum(one.runs for one in played),
        sum(one.verdict.operations for one in played),
        anomalies,
        f"{statistics.median(took):.2f} s" if took else "-",
        f"{max(took):.2f} s" if took else "-",
    )
    print(f"| {' | '.join(map(str, cells))} |")
    return anomalies


if __name__ == "__main__":
    sys.exit(main())
