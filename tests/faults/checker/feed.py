"""What a follower of the events was given, held against a reading from the start and the record.

A cursor that skips what a slower process committed later would lose events here.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from tests.faults.checker.record import Entry

JsonObject = dict[str, Any]

_RECEIVED = "controlPlane.intent.received"
_COMPILED = "controlPlane.plan.compiled"
_STARTED = "controlPlane.execution.step.started"
_COMPLETED = "controlPlane.execution.step.completed"
_WATCHED = (_RECEIVED, _COMPILED, _STARTED, _COMPLETED)


def feed_faults(
    followed: Sequence[JsonObject], listed: Sequence[JsonObject], record: Sequence[Entry]
) -> list[str]:
    """Events that the follower lacks, got twice or in another order, and that nobody announced."""
    found = []
    ids = [event["id"] for event in followed]
    whole = [event["id"] for event in listed]
    if twice := [own for own, count in Counter(ids).items() if count > 1]:
        found.append(f"the follower got {len(twice)} events twice, such as {twice[0]}")
    if missing := [own for own in whole if own not in set(ids)]:
        found.append(f"the follower never got {len(missing)} events, such as {missing[0]}")
    elif not twice and ids != whole:
        found.append("the follower got the events in another order than they stand in")
    wanted = Counter((kind, entry.execution) for entry in record if (kind := _announced(entry)))
    told = Counter(
        (event["type"], event["executionId"]) for event in listed if event["type"] in _WATCHED
    )
    return [
        *found,
        *(
            f"{named[1]} should announce {wanted[named]} {named[0]}, {told[named]} are listed"
            for named in sorted({*wanted, *told}, key=str)
            if wanted[named] != told[named]
        ),
    ]


def _announced(entry: Entry) -> str | None:
    """Which of the watched events an entry is announced as."""
    body = entry.body
    if entry.type == "intent.received":
        return _RECEIVED
    if entry.type == "plan.compiled":
        return _COMPILED
    if entry.type == "step.dispatched":  # a step starts once, however many attempts it takes
        return _STARTED if body["attempt"] == body.get("base", 0) + 1 else None
    done = entry.type == "step.reconciled" and body["outcome"] == "done"
    return _COMPLETED if done or entry.type == "step.completed" else None
