"""One play: a cluster under load, one kind of fault at random moments, calm, and the verdict."""

import itertools
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from tests.faults.calm import calm_down
from tests.faults.cast import Cast
from tests.faults.checker.check import Verdict, check
from tests.faults.checker.feed import feed_faults
from tests.faults.checker.record import Entry
from tests.faults.cluster import Cluster
from tests.faults.follower import Follower
from tests.faults.history import History
from tests.faults.nemesis import FAULTS
from tests.faults.nemesis_deployed import DEPLOYED_FAULTS
from tests.faults.people import Stage, decide, follow, operate, start_runs, watch
from tests.faults.recovery import recoveries

Make = Callable[[Path], Cluster]


@dataclass(frozen=True)
class Plot:
    """What is played: a fault, how often it strikes, and how busy people are.

    ``pace`` is the seconds between two starts of a requester, ``haste`` the longest pause of an
    operator, ``between`` the mean pause between two strikes, ``calm`` how long runs may take to be
    over once everything works again. ``felt`` are things of which one must have been met.
    ``takeover`` is within how many seconds others must have taken the runs of one that is gone.
    """

    fault: str
    strikes: int = 4
    pace: float = 0.4
    operators: int = 2
    haste: float = 0.6
    between: float = 0.5
    calm: float = 45.0
    felt: tuple[str, ...] = ()
    takeover: float | None = None


@dataclass(frozen=True)
class Result:
    """What came of a play.

    ``recoveries`` are seconds, one for each strike, ``takeovers`` those until runs of a process
    that was gone were taken by another. ``met`` counts what showed that the fault was
    felt: refusals, silence, and attempts that did not just complete.
    """

    plot: Plot
    seed: int
    runs: int
    verdict: Verdict
    recoveries: list[float] = field(default_factory=list)
    met: Counter[str] = field(default_factory=Counter)
    takeovers: list[float] = field(default_factory=list)

    @property
    def is_felt(self) -> bool:
        """Whether something was met that shows that the fault was felt."""
        return any(self.met[name] for name in self.plot.felt)

    def __str__(self) -> str:
        slowest = max(self.recoveries, default=0.0)
        taken = f", taken over in {max(self.takeovers):.2f} s" if self.takeovers else ""
        return (
            f"{self.plot.fault} (seed {self.seed}): {self.runs} runs, recovered in {slowest:.2f} s "
            f"at most{taken}, {self.verdict}; met {dict(sorted(self.met.items()))}"
        )


def play(plot: Plot, seed: int, folder: Path, make: Make = Cluster) -> Result:
    """Play a plot; the history, the record and the logs stay in ``folder``."""
    cluster = make(folder)
    history, stage = History(), Stage()
    try:
        cluster.start()
        cast = Cast(cluster, history, seed, plot.operators)
        strikes = _perform(plot, seed, cluster, stage, cast)
        cluster.start()
        people = (cast.approvers[0], cast.operators[0], cast.reader)
        left = calm_down(stage, history, cluster.service, people, plot.calm)
        followed = cast.follower.read_to_end()
        listed = Follower(cast.follower.client).read_to_end()
        effects, damage, record = cluster.effects(), cluster.verify(), cluster.record()
        history.write(folder / "history.jsonl")
        cast.close()
    finally:
        stage.over.set()
        cluster.end()
    verdict = check(history, record, effects)
    more = [f"{run.execution} was not over in time" for run in left]
    more += feed_faults(followed, listed, record)
    more += [f"verification: {damage}"] if damage else []
    verdict = Verdict(verdict.operations, (*verdict.anomalies, *more))
    took = recoveries(strikes, history, record, clocks_right=cluster.is_on_time)
    met = _met(history, record) + cluster.met()
    return Result(plot, seed, len(stage.started), verdict, took, met, cluster.takeovers)


def _met(history: History, record: list[Entry]) -> Counter[str]:
    met: Counter[str] = Counter()
    for operation in history.operations:
        met.update(operation.met)
    rough = ("step.retrying", "step.unresolved", "step.failed", "step.late")
    met.update(entry.type for entry in record if entry.type in rough)
    return met


def _perform(plot: Plot, seed: int, cluster: Cluster, stage: Stage, cast: Cast) -> list[float]:
    """Let everybody act while the fault strikes; returns from when each recovery counts."""
    runs = itertools.count()
    acts: list[Callable[[], None]] = [
        *(
            lambda who=who: start_runs(stage, who, cast.admin, runs, plot.pace)  # type: ignore[misc]
            for who in cast.requesters
        ),
        lambda: watch(stage, cast.reader),
        lambda: follow(stage, cast.follower),
        *(lambda who=who: decide(stage, who) for who in cast.approvers),  # type: ignore[misc]
        *(lambda who=who: operate(stage, who, plot.haste) for who in cast.operators),  # type: ignore[misc]
    ]
    moments = Random(f"{seed} nemesis")  # noqa: S311 - moments to be repeated, not secrets
    with ThreadPoolExecutor(len(acts)) as threads:
        acting = [threads.submit(act) for act in acts]
        try:
            strikes = _strike(plot, cluster, moments)
        finally:
            stage.over.set()
        _await(acting, seconds=90)
    return strikes


def _strike(plot: Plot, cluster: Cluster, moments: Random) -> list[float]:
    fault: Any = {**FAULTS, **DEPLOYED_FAULTS}[plot.fault]
    strikes = []
    for _ in range(plot.strikes):
        time.sleep(moments.uniform(0.2, 0.2 + 2 * plot.between))
        strikes.append(fault(cluster, moments))
    time.sleep(1.0)  # what comes after the last one is load too
    return strikes


def _await(acting: list[Future[None]], seconds: float) -> None:
    for act in acting:
        act.result(timeout=seconds)
