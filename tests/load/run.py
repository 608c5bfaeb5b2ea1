"""``make load``: puts load on real gateways, prints what came of it, writes ``build/load.json``.

``DURATION`` is how many seconds the steady load lasts (60); 1800 shows whether memory stays flat.
``SITES`` are those that are measured (``embedded,workers``). ``SHARE`` is the steady load's part of
the most that the site can do (0.5). With ``ONLY=steady`` the other phases are left out.
"""

import json
import os
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.load.clients import Measured, closed, opened, probed  # noqa: E402 - needs the path
from tests.load.memory import Sampler, slope  # noqa: E402 - as above
from tests.load.site import SITES, Site  # noqa: E402 - as above

VISITORS = 64
OVERLOADS = (2, 5)
"""So many times as much is asked as the gateway can do."""
APPROVALS = 0.1
GOODPUT = 0.7
"""What of its best the gateway must still do when far more is asked of it."""
RECOVERED = 2.0
"""Latency is back once a second's median is at most so many times the steady one."""
RECOVERED_WITHIN = 5
_IN_A_ROW = 3
"""Of so many seconds in a row, for one alone may be a lucky one; whatever holds up a second later
on has another reason."""
FLAT = 1024 * 1024 / 60
"""Growth of memory, in bytes a second, up to which it counts as flat over half an hour."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be measured: a steady load for ``duration`` seconds at a ``share`` of the most
    that can be done, and whatever else there is unless ``only_steady``."""

    duration: float
    share: float
    only_steady: bool

    @property
    def short(self) -> float:
        """The seconds of each other phase."""
        return max(15.0, min(self.duration / 3, 30.0))


def measure(site: Site, asked: Asked) -> dict[str, Any]:
    """All phases, one after the other, on one site."""
    memory = Sampler(site.pids)
    closed(site, asked.short / 2, VISITORS)
    peak = _peak(site, asked.short)
    rate = peak.rate("completed") * asked.share
    memory.start()
    steady = opened(site, asked.duration, (asked.duration, rate), approvals=APPROVALS)
    memory.stop()
    _tell("steady", steady)
    found = {
        "peak": _figures(peak),
        "steady": _figures(steady),
        "memory": _memory(memory, asked.duration, steady.rate("completed")),
    }
    return found if asked.only_steady else found | _too_much(site, asked.short, peak, steady, rate)


def _too_much(
    site: Site, short: float, peak: Measured, steady: Measured, rate: float
) -> dict[str, Any]:
    """Bursts, more than can be done, and what it is like afterwards."""
    burst = opened(site, short, (1.0, peak.rate("completed") * 1.5), (3.0, rate / 2))
    _tell("bursts", burst)
    over: dict[str, Any] = {}
    for times in OVERLOADS:
        before = _peak(site, short)
        asked = before.rate("completed") * times
        with probed(site, short) as operator:
            flood = opened(site, short, (short, asked))
        after = opened(site, short, (short, rate))
        _tell(f"{times} times as much", flood)
        _tell("right afterwards", after)
        best = (before.rate("completed") + _peak(site, short).rate("completed")) / 2
        over[f"overload x{times}"] = {
            **_overload(best, flood),
            "operator meanwhile": _operator(operator[0]),
            "recovery": _recovery(steady, after),
        }
    return {"burst": _figures(burst), **over}


def _peak(site: Site, seconds: float) -> Measured:
    """As much as it can. What else runs on the machine changes that from minute to minute, so
    whatever is compared with it is measured between two of these."""
    peak = closed(site, seconds, VISITORS)
    _tell("as much as it can", peak)
    return peak


def _figures(one: Measured) -> dict[str, Any]:
    return {
        "visits/s": round(one.rate("visits"), 1),
        "starts/s": round(one.rate("started"), 1),
        "completed runs/s": round(one.rate("completed"), 1),
        "start -> done p50 ms": round(one.done(0.5), 1),
        "start -> done p99 ms": round(one.done(0.99), 1),
        "approve -> done p50 ms": round(one.woken(0.5), 1),
        "approve -> done p99 ms": round(one.woken(0.99), 1),
        "refused": one.tally["refused"],
        "failed": one.tally["failed"],
        "client CPU": round(one.tally["cpu"], 2),
    }


def _overload(best: float, one: Measured) -> dict[str, Any]:
    share = one.goodput / best
    return {
        **_figures(one),
        "goodput/s": round(one.goodput, 1),
        "share of peak": round(share, 2),
        "refused without Retry-After": one.tally["bare_refusals"],
        "met": share >= GOODPUT and not one.tally["bare_refusals"] and not one.tally["failed"],
    }


def _operator(one: Measured) -> dict[str, Any]:
    names = ("controlPlaneExecutionApprove", "controlPlaneExecutionCancel", "/healthz", "/readyz")
    told: dict[str, Any] = {
        f"{name} p50 / max ms": f"{one.call(name, 0.5):.0f} / {one.call(name, 1.0):.0f}"
        for name in names
    }
    refused, failed = one.tally["refused"], one.tally["failed"]
    return {**told, "refused": refused, "failed": failed, "met": not refused and not failed}


def _recovery(steady: Measured, after: Measured) -> dict[str, Any]:
    bound = RECOVERED * steady.done(0.5)
    seconds = after.by_second()
    is_back = [told <= bound for told in seconds]
    rows = (number for number in range(len(is_back)) if all(is_back[number:][:_IN_A_ROW]))
    back = next(rows, len(seconds))
    return {
        "seconds until latency is back": back,
        "met": back <= RECOVERED_WITHIN,
        "start -> done p50 ms by second": [round(told, 1) for told in seconds],
    }


def _memory(memory: Sampler, duration: float, runs: float) -> dict[str, Any]:
    """How much there was, and how it grew in the second half, with so many ``runs`` a second."""
    told: dict[str, Any] = {}
    for name, samples in memory.samples.items():
        grows = slope(samples)
        told[name] = {
            "first MB": round(samples[0][1] / 1e6, 1),
            "median MB": round(statistics.median(size for _, size in samples) / 1e6, 1),
            "last MB": round(samples[-1][1] / 1e6, 1),
            "second half grows KB/min": round(grows * 60 / 1024, 1),
            "second half grows KB/1000 runs": round(grows / 1024 / max(runs, 0.1) * 1000, 1),
            "met": grows <= FLAT if duration >= 600 else None,
        }
    return told


def _tell(name: str, one: Measured) -> None:
    told = ", ".join(f"{key} {value}" for key, value in _figures(one).items() if value)
    print(f"  {name}: {told}", flush=True)


def _print(told: Any, indent: str = "  ") -> None:
    for key, value in told.items():
        if isinstance(value, dict) and value:
            print(f"{indent}{key}")
            _print(value, indent + "  ")
        else:
            print(f"{indent}{key:40} {value}")


def main() -> int:
    """Measure every site; 1 where a goal was missed."""
    asked = Asked(
        duration=float(os.environ.get("DURATION") or 60),
        share=float(os.environ.get("SHARE") or 0.5),
        only_steady=os.environ.get("ONLY") == "steady",
    )
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="gateway-load-") as name:
        for kind in (os.environ.get("SITES") or ",".join(SITES)).split(","):
            print(f"measuring: {kind}, load {os.getloadavg()[0]:.1f} before", flush=True)
            with SITES[kind](Path(name) / kind) as site:
                results[kind] = measure(site, asked)
            results[kind]["record"] = site.verified
    _print(results)
    path = ROOT / "build" / "load.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(results, indent=2) + "\n")
    missed = '"met": false' in path.read_text() or "FAILED" in path.read_text()
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
