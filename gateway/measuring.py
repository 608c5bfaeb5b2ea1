"""Measuring: what is read of a running gateway when somebody asks for its metrics.

What the record says is read at most once a second, however often is asked, and for no longer than
``WITHIN``: whoever scrapes must not be what holds the record up.
"""

import asyncio
import logging
import platform
import time
from collections.abc import Iterator
from dataclasses import dataclass

from gateway import __version__
from gateway.app import Gateway
from gateway.health import RecordState, record_state
from gateway.model.ports import Records
from gateway.model.problem import ProblemError
from gateway.model.standing import Standing
from gateway.model.time import parse, stamp
from gateway.telemetry import metrics
from gateway.telemetry.exposition import CONTENT_TYPE, Exposition, Reading

_log = logging.getLogger(__name__)

FRESH = 1.0
"""Seconds for which what the record said is told again."""

WITHIN = 5.0
"""Seconds within which the record must answer, or else it counts as down."""

UP_TO = 10_000
"""How far is counted what waits: beyond it, a number says no more than that it is too many."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the record said."""

    head: str | None
    record: RecordState
    standing: Standing


class Measuring:
    """The metrics of a gateway, which is that of this process."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._exposition = Exposition()
        self._one_at_a_time = asyncio.Lock()
        self._read: list[Reading] = []
        self._read_at = float("-inf")

    async def read(self) -> tuple[bytes, str]:
        """All metrics as text, and its content type."""
        async with self._one_at_a_time:
            if time.monotonic() - self._read_at >= FRESH:
                self._read = await self._of_record()
                self._read_at = time.monotonic()
        return self._exposition.text([*self._of_process(), *self._read]), CONTENT_TYPE

    def _of_process(self) -> Iterator[Reading]:
        gateway = self._gateway
        yield Reading(metrics.build, 1, (__version__, platform.python_version().rstrip("+")))
        yield Reading(metrics.policy, 1, (gateway.policies.revision,))
        yield Reading(metrics.calls_under_way, gateway.pipeline.admission.in_progress)
        yield Reading(metrics.connections, len(gateway.connections))
        yield Reading(metrics.journal_delay, gateway.journal.delay())
        yield Reading(metrics.runs_here, gateway.loop.dispatcher.waiting())

    async def _of_record(self) -> list[Reading]:
        now = stamp(self._gateway.loop.clock.now())
        try:
            async with asyncio.timeout(WITHIN):
                seen = await self._gateway.journal.read(lambda records: self._look(records, now))
        except (ProblemError, TimeoutError):
            return [Reading(metrics.record_up, 0)]
        except Exception:  # a bug here must not hide what was counted
            _log.exception("reading what the record says for metrics failed")
            return [Reading(metrics.record_up, 0)]
        return [Reading(metrics.record_up, 1), *self._told(seen, now)]

    def _look(self, records: Records, now: str) -> _Seen:
        return _Seen(
            head=records.policy_head(),
            record=record_state(records, self._gateway.destinations),
            standing=records.standing(now, UP_TO),
        )

    def _told(self, seen: _Seen, now: str) -> Iterator[Reading]:
        here, record = self._gateway.policies.revision, seen.record
        yield Reading(metrics.policy_followed, int(seen.head == here))
        yield from how_signed(record, now)
        yield from _to_do(seen.standing)
        behind: dict[str, int] = {}
        for one in record.targets:
            kind = one.progress.kind.value
            behind[kind] = max(one.behind, behind.get(kind, 0))
        for kind, count in behind.items():
            yield Reading(metrics.anchor_backlog, count, (kind,))


def how_signed(record: RecordState, now: str) -> Iterator[Reading]:
    """How far checkpoints cover the record at the moment ``now``.

    How long entries wait is told from the start, where no checkpoint was ever signed too: of what
    is not there, no rule says anything.
    """
    if record.signed_at is not None:
        yield Reading(metrics.checkpoint_age, _age(record.signed_at, now))
    yield Reading(metrics.unsigned, record.unsigned)
    waits = 0.0 if record.unsigned_since is None else _age(record.unsigned_since, now)
    yield Reading(metrics.unsigned_age, waits)


def _age(moment: str, now: str) -> float:
    return max((parse(now) - parse(moment)).total_seconds(), 0.0)


def _to_do(standing: Standing) -> Iterator[Reading]:
    yield Reading(metrics.runs_due, standing.due)
    yield Reading(metrics.runs_held, standing.held)
    yield Reading(metrics.runs_parked, standing.parked)
    for status, count in standing.executions.items():
        yield Reading(metrics.executions, count, (status,))
    yield Reading(metrics.approvals_open, standing.approvals)
    yield Reading(metrics.webhook_backlog, standing.deliveries)
