"""The last hour of a workspace, minute by minute, counted from the record.

A process remembers what it counted and reads only what came since: in short stretches, so that
nobody waits long behind them, and no more than ``MOST`` entries however many there are.
"""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial

from gateway.contracts import Registry
from gateway.model.activity import ActivityCount
from gateway.model.contract import OperationContract, Stability
from gateway.model.entry import EntryType
from gateway.model.execution import ExecutionStatus
from gateway.model.ports import Journal, Records
from gateway.model.problem import STANDARD
from gateway.model.time import after

MINUTES = 60
"""How many minutes are told; the last one is not over yet."""

STRETCH = 1_000
"""Entries that are read at once."""

MOST = 100_000
"""Entries that are read at most; where there were more, less than an hour is told."""

WORKSPACES = 64
"""Of how many workspaces the counts are remembered: those that were asked for last."""


class Figure(StrEnum):
    """What is counted. Calls that were allowed are those that came to their handler."""

    RUNS_STARTED = "runsStarted"
    RUNS_COMPLETED = "runsCompleted"
    RUNS_FAILED = "runsFailed"
    RUNS_STOPPED = "runsStopped"
    STEPS_COMPLETED = "stepsCompleted"
    STEPS_FAILED = "stepsFailed"
    CALLS_ALLOWED = "callsAllowed"
    CALLS_DENIED = "callsDenied"
    CALLS_FAILED = "callsFailed"


@dataclass(frozen=True, slots=True)
class Minute:
    """What came in the minute that began ``at``."""

    at: str
    counts: Mapping[Figure, int]


@dataclass(frozen=True, slots=True)
class Hour:
    """The minutes of an hour, the oldest first, as far as they were counted: from ``since`` on.

    ``deprecated`` are calls and steps of deprecated contracts.
    """

    since: str
    is_whole: bool
    minutes: tuple[Minute, ...]
    deprecated: Mapping[str, int]

    def total(self, figure: Figure) -> int:
        """The sum of a figure."""
        return sum(minute.counts[figure] for minute in self.minutes)


@dataclass(slots=True)
class _Counted:
    """What is remembered of a workspace: entries up to ``through``, those from ``since`` on; the
    last hour began at ``begin``."""

    through: int
    since: str
    begin: str = ""
    minutes: dict[str, Counter[Figure]] = field(default_factory=dict)
    deprecated: dict[str, Counter[str]] = field(default_factory=dict)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Activity:
    """Counts what workspaces did. ``registry`` says which contracts are deprecated."""

    def __init__(self, journal: Journal, registry: Registry) -> None:
        self._journal = journal
        self._registry = registry
        self._known: OrderedDict[str, _Counted] = OrderedDict()

    async def hour(self, workspace: str, now: str) -> Hour:
        """The hour of a workspace that ends at the stamp ``now``.

        Raises:
            ProblemError: SERVICE_UNAVAILABLE where the record cannot be read.
        """
        names = _minutes_until(now)
        counted = self._known.setdefault(workspace, _Counted(0, ""))
        self._known.move_to_end(workspace)
        if len(self._known) > WORKSPACES:
            self._known.popitem(last=False)
        async with counted.lock:
            await self._count_on(counted, workspace, _begin_of(names[0]))
            return _hour(counted, names)

    async def _count_on(self, counted: _Counted, workspace: str, begin: str) -> None:
        def find(records: Records) -> tuple[int, str, int]:
            last = records.last_position()
            first, cut = records.position_before(begin), last - MOST
            if cut <= first:
                return first, begin, last
            return cut, records.moment_behind(cut) or begin, last

        first, since, last = await self._journal.read(find)
        went_back = begin < counted.begin  # what lies in this hour was forgotten as too old
        if counted.through < first or not counted.since or went_back:
            counted.minutes.clear()
            counted.deprecated.clear()
            counted.through, counted.since = first, since
        counted.since, counted.begin = max(counted.since, begin), begin
        while counted.through < last:
            upto = min(counted.through + STRETCH, last)
            read = partial(_stretch, workspace=workspace, after=counted.through, through=upto)
            for one in await self._journal.read(read):
                self._add(counted, one)
            counted.through = upto

    def _add(self, counted: _Counted, one: ActivityCount) -> None:
        minute = counted.minutes.setdefault(one.minute, Counter())
        for figure in _figures(self._registry, one):
            minute[figure] += one.count
        contract = self._registry.operations.get(one.contract or "")
        if contract is not None and _is_use_of_old(contract, one.type):
            counted.deprecated.setdefault(one.minute, Counter())[contract.ref] += one.count


def _is_use_of_old(contract: OperationContract, kind: EntryType) -> bool:
    """Whether such an entry says that a deprecated contract was used: in a step, or by a call. A
    call of an action that changes something runs as a step, and is counted there."""
    is_step = kind is EntryType.STEP_DISPATCHED
    is_call = kind in _CALLS and not (contract.is_command and contract.handler is not None)
    return contract.meta.stability is Stability.DEPRECATED and (is_step or is_call)


def _stretch(records: Records, workspace: str, after: int, through: int) -> list[ActivityCount]:
    return records.activity(workspace, after, through)


def _minutes_until(now: str) -> list[str]:
    """The names of the minutes of an hour: the last one is that of ``now``."""
    return [after(now, -60 * back)[:16] for back in reversed(range(MINUTES))]


def _begin_of(minute: str) -> str:
    return f"{minute}:00.000000Z"


def _hour(counted: _Counted, names: list[str]) -> Hour:
    """What was counted in these minutes; what is older is forgotten."""
    for kept in (counted.minutes, counted.deprecated):
        for old in [name for name in kept if name < names[0]]:
            del kept[old]
    minutes = tuple(Minute(_begin_of(name), Counter(counted.minutes.get(name))) for name in names)
    deprecated = sum((counted.deprecated.get(name, Counter()) for name in names), Counter[str]())
    since = counted.since
    return Hour(since, since <= _begin_of(names[0]), minutes, deprecated)


_CALLS = frozenset({EntryType.CALL_COMPLETED, EntryType.CALL_FAILED, EntryType.QUERY_ANSWERED})

_BY_TYPE: Mapping[EntryType, Figure] = {
    EntryType.RUN_STARTED: Figure.RUNS_STARTED,
    EntryType.RUN_RETRIED: Figure.RUNS_STARTED,
    EntryType.STEP_COMPLETED: Figure.STEPS_COMPLETED,
    EntryType.STEP_FAILED: Figure.STEPS_FAILED,
    EntryType.CALL_COMPLETED: Figure.CALLS_ALLOWED,
    EntryType.CALL_FAILED: Figure.CALLS_ALLOWED,
    EntryType.QUERY_ANSWERED: Figure.CALLS_ALLOWED,
    EntryType.CALL_DENIED: Figure.CALLS_DENIED,
}

_BY_END: Mapping[str | None, Figure] = {
    ExecutionStatus.COMPLETED.value: Figure.RUNS_COMPLETED,
    ExecutionStatus.FAILED.value: Figure.RUNS_FAILED,
}


def _figures(registry: Registry, one: ActivityCount) -> list[Figure]:
    """What entries of a kind count as."""
    if one.type is EntryType.RUN_ENDED:
        return [_BY_END.get(one.outcome, Figure.RUNS_STOPPED)]
    found = [_BY_TYPE[one.type]] if one.type in _BY_TYPE else []
    if one.type is EntryType.CALL_FAILED and _is_failure(registry, one.contract, one.outcome):
        found.append(Figure.CALLS_FAILED)
    return found


def _is_failure(registry: Registry, ref: str | None, code: str | None) -> bool:
    """Whether a call failed for a reason that is not its caller's: by a status of 500 or more."""
    contract = registry.operations.get(ref or "")
    declared = contract.errors.get(code or "") if contract is not None else None
    standard = STANDARD.get(code or "")
    status = declared.http if declared else standard.status if standard else 500
    return status >= 500
