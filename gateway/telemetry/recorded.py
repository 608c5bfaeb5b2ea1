"""Entries of the journal as metrics: what became durable is counted, and nothing else."""

from collections.abc import Callable
from functools import partial

from gateway.model.entry import EntryType, NewEntry
from gateway.telemetry import metrics

_OF = {"step": metrics.steps, "approval": metrics.approvals}


def counting(entry: NewEntry) -> Callable[[], None]:
    """What counts an entry, to be called once it is durable."""
    status = entry.body.get("executionStatus")
    return partial(_count, EntryType(entry.type), status if isinstance(status, str) else "none")


def _count(kind: EntryType, status: str) -> None:
    metrics.entries.add(kind.value)
    area, _, what = kind.value.partition(".")
    if area in _OF:
        _OF[area].add(what)
    elif kind is EntryType.RUN_STARTED:
        metrics.runs.add(what)
    elif kind is EntryType.RUN_ENDED:
        metrics.runs.add(status)
