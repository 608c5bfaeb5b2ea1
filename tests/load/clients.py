"""Starts the processes of the clients and reads what they measured."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.bench.figures import percentile
from tests.load.site import Site
from tests.processes import ROOT

CONNECTIONS = 1000
RAMP = 5.0
"""Seconds from the first visitors until what comes out shows what goes in."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What came of one job."""

    seconds: float
    tally: dict[str, Any]

    def rate(self, what: str) -> float:
        """So many ``what`` a second, over the seconds in which visitors came."""
        return float(self.tally[what]) / self.seconds

    @property
    def goodput(self) -> float:
        """Runs a second that were over while visitors came, once the first of them could be."""
        over = sum(RAMP < at <= self.seconds for at, _ in self.tally["done"])
        return over / (self.seconds - RAMP)

    def done(self, share: float) -> float:
        """Milliseconds from start to done, below which ``share`` of the runs lie."""
        return _ms([took for _, took in self.tally["done"]], share)

    def woken(self, share: float) -> float:
        """The same from approve to done."""
        return _ms(self.tally["woken"], share)

    def call(self, name: str, share: float) -> float:
        """The same of the answers to one operation."""
        return _ms(self.tally["took"].get(name, []), share)

    def by_second(self) -> list[float]:
        """The median of start to done, in milliseconds, of the runs that ended in each second."""
        buckets: dict[int, list[float]] = {}
        for at, took in self.tally["done"]:
            buckets.setdefault(int(at), []).append(took)
        return [_ms(buckets.get(second, []), 0.5) for second in range(int(self.seconds))]


def _ms(values: list[float], share: float) -> float:
    return percentile(values, share) * 1e3 if values else float("nan")


def _client() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.load.traffic"],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def _give(process: subprocess.Popen[str], site: Site, job: dict[str, Any]) -> None:
    assert process.stdin is not None
    whole = {"urls": site.urls, "tokens": site.tokens, "connections": CONNECTIONS, **job}
    process.stdin.write(json.dumps(whole) + "\n")
    process.stdin.flush()


def _take(process: subprocess.Popen[str], seconds: float) -> Measured:
    assert process.stdout is not None
    line = process.stdout.readline()
    if process.wait() != 0 or not line:
        raise RuntimeError("the clients failed")
    return Measured(seconds, json.loads(line))


def closed(site: Site, seconds: float, visitors: int) -> Measured:
    """So much as the gateway can, with so many ``visitors`` at a time."""
    process = _client()
    _give(process, site, {"shape": "closed", "seconds": seconds, "visitors": visitors})
    return _take(process, seconds)


def opened(
    site: Site, seconds: float, *rates: tuple[float, float], approvals: float = 0.0
) -> Measured:
    """Visitors at ``rates`` (seconds and visits a second, over and over), of whom a share come
    for an approval."""
    job = {"shape": "open", "seconds": seconds, "rates": rates, "approvals": approvals}
    process = _client()
    _give(process, site, job)
    return _take(process, seconds)


@contextlib.contextmanager
def probed(site: Site, seconds: float) -> Iterator[list[Measured]]:
    """An operator at work meanwhile; what came of that is in the list afterwards."""
    process = _client()
    _give(process, site, {"shape": "probe", "seconds": seconds})
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdout.readline()
    process.stdin.write("go\n")
    process.stdin.flush()
    measured: list[Measured] = []
    yield measured
    measured.append(_take(process, seconds))
