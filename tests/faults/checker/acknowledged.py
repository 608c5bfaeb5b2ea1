"""Each acknowledged command is in the record once, a refused one never, in the order of time."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tests.faults.checker.record import Entry
from tests.faults.history import FAIL, OK, Operation

_BY_TYPE = {
    "plan.compiled": "compile",
    "plan.verified": "verify",
    "run.started": "start",
    "approval.voted": "approve",
    "approval.rejected": "reject",
    "run.paused": "pause",
    "run.resumed": "resume",
    "run.stopping": "cancel or shutdown",
    "run.retried": "retry",
    "step.reconciled": "reconcile",
}
_ENDS = {"cancelled": "cancel or shutdown", "aborted": "abort"}
_TOGETHER = {"cancel": "cancel or shutdown", "shutdown": "cancel or shutdown"}

Name = tuple[str, str, str, str]
"""What a command is known by on both sides: kind, execution, step and who gave it."""


@dataclass
class Told:
    """Operations and entries of one name."""

    operations: list[Operation] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)


def record_faults(operations: Sequence[Operation], record: Sequence[Entry]) -> list[str]:
    """Commands that the record lacks, or holds too often, or in another order than they came."""
    told: dict[Name, Told] = defaultdict(Told)
    for operation in operations:
        name = _name_of(operation)
        if name is not None:
            told[name].operations.append(operation)
    for entry in record:
        written = _written(entry)
        if written is not None:
            told[written].entries.append(entry)
    found = [why for name, one in told.items() if (why := _miscounted(name, one))]
    return [*found, *_submitted(operations, record), *_out_of_order(told.values())]


def _name_of(operation: Operation) -> Name | None:
    if operation.kind in ("submit", "read") or operation.execution is None:
        return None
    kind = _TOGETHER.get(operation.kind, operation.kind)
    return kind, operation.execution, operation.step or "", operation.client


def _written(entry: Entry) -> Name | None:
    kind = _BY_TYPE.get(entry.type)
    if entry.type == "run.ended" and entry.actor:
        kind = _ENDS.get(entry.body["executionStatus"])
    if kind is None or entry.execution is None:
        return None
    step = entry.step if kind in ("approve", "reject", "reconcile") else ""
    return kind, entry.execution, step or "", entry.actor


def _miscounted(name: Name, told: Told) -> str | None:
    outcomes = Counter(operation.outcome for operation in told.operations)
    unknown = len(told.operations) - outcomes[OK] - outcomes[FAIL]
    if outcomes[OK] <= len(told.entries) <= outcomes[OK] + unknown:
        return None
    places = [entry.position for entry in told.entries]
    return (
        f"{' '.join(name)}: {outcomes[OK]} were acknowledged and {unknown} are of unknown outcome, "
        f"the record has {len(places)} {places}"
    )


def _submitted(operations: Sequence[Operation], record: Sequence[Entry]) -> list[str]:
    """Intents have no name before they are received: they are counted."""
    received = [entry.execution for entry in record if entry.type == "intent.received"]
    own = [one for one in operations if one.kind == "submit"]
    acknowledged = [one.execution for one in own if one.outcome == OK]
    unknown = sum(one.outcome not in (OK, FAIL) for one in own)
    found = [
        f"the intent of {execution} was acknowledged and is {count} times in the record"
        for execution in acknowledged
        if (count := received.count(execution)) != 1
    ]
    others = len(set(received) - set(acknowledged))
    if others > unknown:
        found.append(f"{others} intents are in the record, only {unknown} are of unknown outcome")
    return found


def _out_of_order(told: Iterable[Told]) -> list[str]:
    """Commands of which one was answered before another was given, recorded the other way round."""
    placed = [
        (one.operations[0], one.entries[0].position)
        for one in told
        if len(one.operations) == len(one.entries) == 1 and one.operations[0].outcome == OK
    ]
    answered = sorted(placed, key=lambda pair: pair[0].ended or 0.0)
    found, highest, at = [], (0, ""), 0
    for operation, position in sorted(placed, key=lambda pair: pair[0].invoked):
        while at < len(answered) and (answered[at][0].ended or 0.0) < operation.invoked:
            highest = max(highest, (answered[at][1], str(answered[at][0])))
            at += 1
        if position < highest[0]:
            found.append(f"[{operation}] is recorded before [{highest[1]}]")
    return found
