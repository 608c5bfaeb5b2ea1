"""The checker: one verdict over a history of clients, the record and the effects at the service."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.faults.checker.acknowledged import record_faults
from tests.faults.checker.ledger import effect_faults
from tests.faults.checker.linear import explain
from tests.faults.checker.record import Entry, by_execution, order_faults
from tests.faults.checker.tables import OVER
from tests.faults.checker.walk import Walk, walk
from tests.faults.history import DIFFER, FAIL, OK, History, Operation

JsonObject = dict[str, Any]

EXPECTED = frozenset({"CONFLICT", "SERVICE_UNAVAILABLE", "RATE_LIMITED", "UNREACHABLE"})
"""Why an operation may fail; any other refusal of what the clients send is an anomaly."""


@dataclass(frozen=True)
class Verdict:
    """How many operations were checked, and what was found."""

    operations: int
    anomalies: tuple[str, ...]

    def __str__(self) -> str:
        told = [f"operations checked {self.operations}, anomalies {len(self.anomalies)}"]
        return "\n  ".join([*told, *self.anomalies[:40]])


def check(history: History, record: list[Entry], effects: Sequence[JsonObject]) -> Verdict:
    """Hold the three against one another."""
    operations = history.operations
    walks = {name: walk(name, entries) for name, entries in by_execution(record).items()}
    found = [
        *_unexpected(operations),
        *order_faults(record),
        *(fault for walked in walks.values() for fault in walked.faults),
        *record_faults(operations, record),
        *_orderless(operations),
        *effect_faults(operations, walks, effects),
        *_unfinished(operations, walks),
    ]
    return Verdict(len(operations), tuple(found))


def _unexpected(operations: Sequence[Operation]) -> list[str]:
    refused = [
        f"[{one}] was refused unexpectedly: {one.detail}"
        for one in operations
        if one.outcome == FAIL and one.code not in EXPECTED
    ]
    differing = [one for one in operations if DIFFER in one.met]
    return [*refused, *(f"[{one}] came twice and was answered in two ways" for one in differing)]


def _orderless(operations: Sequence[Operation]) -> list[str]:
    grouped: dict[str, list[Operation]] = defaultdict(list)
    for operation in operations:
        took_part = operation.outcome != FAIL or operation.code == "CONFLICT"
        if operation.execution is not None and took_part:
            grouped[operation.execution].append(operation)
    told = {execution: explain(of_one) for execution, of_one in grouped.items()}
    return [f"{execution}: {why}" for execution, why in told.items() if why]


def _unfinished(operations: Sequence[Operation], walks: Mapping[str, Walk]) -> list[str]:
    """Runs that everything was done for, and that stand where nothing moves them any more."""
    found = []
    for execution, walked in walks.items():
        status = walked.status or ""
        if not any(one.kind == "start" and one.outcome == OK for one in operations
                   if one.execution == execution):  # fmt: skip
            continue
        steps = {step.status for step in walked.steps.values()}
        if status not in OVER | {"UNRESOLVED"}:
            found.append(f"{execution} is left {status} with steps {sorted(steps)}")
        elif "DISPATCHED" in steps:
            found.append(f"{execution} is {status}, and an attempt of it was never settled")
        elif status == "COMPLETED" and steps - {"COMPLETED", "SKIPPED", "COMPENSATED"}:
            found.append(f"{execution} is COMPLETED with steps {sorted(steps)}")
        elif status == "UNRESOLVED" and "UNRESOLVED" not in steps:
            found.append(f"{execution} is UNRESOLVED, and no step of it is")
    return found
