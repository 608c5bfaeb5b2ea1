"""What really happened at the service, held against what the record says of each step.

A step of a keyed contract has its effect once, whatever was killed or cut; one without a key never
twice, unless an operator had it tried again while it was in doubt. A completed step has had its
effect, one that was never sent or failed for certain has not.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from tests.faults.checker.walk import Walk, Walked
from tests.faults.history import Operation

JsonObject = dict[str, Any]

_TOLD_BY = {"refund": "cents", "reply": "body", "cancellation": "subscriptionId"}


def marker_of(effect: JsonObject) -> str:
    """What an effect is known by: its kind and what is unique in it."""
    kind = effect["kind"]
    return f"{kind}:{effect['payload'].get(_TOLD_BY.get(kind, ''))}"


def effect_faults(
    operations: Iterable[Operation], walks: Mapping[str, Walk], effects: Iterable[JsonObject]
) -> list[str]:
    """Effects that are missing, doubled or of nobody, and keys that had more than one."""
    happened = Counter(marker_of(effect) for effect in effects)
    keys: dict[str, list[str]] = defaultdict(list)
    told_by: dict[str, set[str]] = defaultdict(set)
    for effect in effects:
        if effect["key"]:
            keys[effect["key"]].append(marker_of(effect))
            told_by[marker_of(effect)].add(effect["key"])
    found = [f"key {key} had {told}" for key, told in keys.items() if len(told) > 1]
    expected: set[str] = set()
    for drafted, execution in _drafted(operations):
        marker = drafted["marker"]
        expected.add(marker)
        walked = walks.get(execution)
        step = _step(walked, drafted["key"])
        why = _wrong(step, happened[marker], keyed=drafted["keyed"]) or _strange(
            step, told_by[marker]
        )
        if why is not None:
            found.append(f"{execution}, step {drafted['key']} ({marker}): {why}")
    return [*found, *(f"nobody asked for {marker}" for marker in set(happened) - expected)]


def _drafted(operations: Iterable[Operation]) -> Iterable[tuple[JsonObject, str]]:
    for operation in operations:
        if operation.kind == "compile" and operation.execution is not None:
            for drafted in operation.value["steps"]:
                if drafted["marker"] is not None:
                    yield drafted, operation.execution


def _step(walked: Walk | None, key: str) -> Walked | None:
    if walked is None:
        return None
    return next((step for step in walked.steps.values() if step.key == key), None)


def _strange(step: Walked | None, keys: set[str]) -> str | None:
    """A key of its effects under which the record never sent it."""
    never = keys.difference(step.keys if step is not None else ())
    return (
        f"it happened under the key {min(never)}, which it was never sent under" if never else None
    )


def _wrong(step: Walked | None, times: int, *, keyed: bool) -> str | None:
    """Why so many effects of a step cannot be right; None where they are."""
    if step is None or step.sent == 0:
        return f"it was never sent and happened {times} times" if times else None
    most = 1 if keyed else 1 + step.repeats
    if times > most:
        return f"it happened {times} times, at most {most} are right"
    if step.status == "COMPLETED" and times == 0:
        return "it is completed and never happened"
    if step.status == "FAILED" and not step.doubted and times:
        return "it failed for certain and yet happened"
    return None
