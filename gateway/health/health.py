"""Looking how a gateway fares, at most every few seconds for each workspace."""

import asyncio
import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.anchoring import Destinations
from gateway.contracts import Registry
from gateway.health.alerts import Findings, alerts_of
from gateway.health.checks import Checks
from gateway.health.hour import WORKSPACES, Activity
from gateway.health.recorded import record_state
from gateway.health.report import ProcessState, RecordState, Report, budget_of
from gateway.model.activity import Holder
from gateway.model.ports import Clock, Journal, Page, Records
from gateway.model.problem import ProblemError
from gateway.model.skill import Installation, SkillFilter, SkillStatus
from gateway.model.standing import Workload
from gateway.model.time import after, stamp
from gateway.policy import Policies
from gateway.rights import Reading

FRESH = 2.0
"""Seconds for which a report is given again."""

UP_TO = 10_000
"""How far is counted what waits."""

MOST_HOLDERS = 100
"""Of how many processes it is told what they advance."""

_SKILLS = Page(200)


@dataclass(frozen=True, slots=True)
class Watched:
    """What is looked at. ``runs_waiting`` and ``delay`` are those of this process, ``verifies``
    says whether an installed skill is trusted still. ``interval`` is the seconds between two
    checkpoints, ``believes_both`` whether development tokens are believed beside others,
    ``believed`` how far the clock is."""

    journal: Journal
    registry: Registry
    policies: Policies
    clock: Clock
    destinations: Destinations
    verifies: Callable[[Installation], bool]
    runs_waiting: Callable[[], int]
    delay: Callable[[], float]
    objective: float
    interval: float
    believes_both: bool
    believed: Callable[[], Reading]


@dataclass(frozen=True, slots=True)
class _Read:
    """What the record said at one moment."""

    workload: Workload
    holders: Sequence[Holder]
    record: RecordState
    head: str | None
    skills: Sequence[Installation]


class Health:
    """Makes reports, and gives each again while it is fresh."""

    def __init__(self, watched: Watched, checks: Checks) -> None:
        self._watched = watched
        self._checks = checks
        self._activity = Activity(watched.journal, watched.registry)
        self._reports: OrderedDict[str, Report] = OrderedDict()
        self._one_at_a_time = asyncio.Lock()

    async def report(self, workspace: str) -> Report:
        """How the gateway fares, with what is the workspace's own of it.

        Raises:
            ProblemError: SERVICE_UNAVAILABLE where the record cannot be read.
        """
        async with self._one_at_a_time:
            now = stamp(self._watched.clock.now())
            known = self._reports.get(workspace)
            if known is not None and after(now, -FRESH) < known.at <= now:
                return known
            self._reports[workspace] = made = await self._look(workspace, now)
            self._reports.move_to_end(workspace)
            if len(self._reports) > WORKSPACES:
                self._reports.popitem(last=False)
            return made

    async def _look(self, workspace: str, now: str) -> Report:
        watched = self._watched
        hour = await self._activity.hour(workspace, now)
        read = await watched.journal.read(lambda records: self._read(records, workspace, now))
        unverified = await asyncio.to_thread(self._unverified, read.skills)
        budget, process = budget_of(hour, watched.objective), self._process()
        cases = self._checks.cases()
        found = Findings(
            now=now,
            contracts=tuple(watched.registry.of(workspace).operations.values()),
            unverified=unverified,
            deprecated=hour.deprecated,
            cases=cases,
            schemas=self._checks.schemas(),
            budget=budget,
            record=read.record,
            process=process,
            head=read.head,
            interval=watched.interval,
            believes_both=watched.believes_both,
            clock=await asyncio.to_thread(self._clock),
        )
        told = (budget, read.record, read.head, cases, process, alerts_of(found))
        return Report(now, hour, read.workload, read.holders, *told)

    def _read(self, records: Records, workspace: str, now: str) -> _Read:
        skills, _ = records.skills(SkillFilter(workspace, SkillStatus.INSTALLED), _SKILLS)
        return _Read(
            workload=records.workload(workspace, now, UP_TO),
            holders=records.holders(workspace, now, MOST_HOLDERS),
            record=record_state(records, self._watched.destinations),
            head=records.policy_head(),
            skills=skills,
        )

    def _unverified(self, skills: Sequence[Installation]) -> list[str]:
        return [one.ref for one in skills if not self._watched.verifies(one)]

    def _clock(self) -> Reading | None:
        """How far the clock is believed; None where the key store cannot tell it."""
        try:
            return self._watched.believed()
        except (sqlite3.Error, ProblemError):
            return None

    def _process(self) -> ProcessState:
        watched, policies = self._watched, self._watched.policies
        timings = sorted(policies.timings.copy())
        return ProcessState(
            revision=policies.revision,
            timed=len(timings),
            p50=_percentile(timings, 0.50),
            p95=_percentile(timings, 0.95),
            runs_waiting=watched.runs_waiting(),
            delay=watched.delay(),
        )


def _percentile(ordered: Sequence[float], share: float) -> float | None:
    """The value below or at which this share of them lies (nearest rank)."""
    if not ordered:
        return None
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]
