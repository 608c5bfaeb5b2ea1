"""Drafts: the untyped plan that a planner sends, read strictly and with every issue at once.

A draft is ``{"steps": [{"key", "contract", "input", "dependsOn"}]}``; it may name a ``lane``,
and ask with ``"onFailure": "compensate"`` that completed steps be undone if the run fails.
"""

import re
from dataclasses import dataclass

from gateway.model.json import JsonObject, JsonValue, pointer, shown_name
from gateway.model.lane import LANES
from gateway.model.problem import Issue

MAX_STEPS = 500
"""How many steps a plan may have."""

COMPENSATE = "compensate"
"""What ``onFailure`` says to have completed steps undone if the run fails."""

_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_FIELDS = frozenset({"steps", "lane", "onFailure"})
_STEP_FIELDS = frozenset({"key", "contract", "input", "dependsOn"})


@dataclass(frozen=True, slots=True)
class DraftStep:
    """One step as it was drafted; ``at`` is the JSON pointer to it."""

    at: str
    key: str
    contract: str
    input: JsonObject
    depends_on: tuple[str, ...]


def read_draft(draft: JsonObject, base: str) -> tuple[list[DraftStep], list[Issue]]:
    """The steps of a draft that could be read, and what is wrong with the others.

    ``base`` is the JSON pointer to the draft in the caller's input.
    """
    told = "A draft has no such field; it has `steps`, and may have `lane` and `onFailure`."
    issues = [
        Issue(base + pointer(shown_name(name)), "UNKNOWN_FIELD", told)
        for name in sorted(set(draft) - _FIELDS)
    ]
    if "lane" in draft:
        issues.extend(lane_issues(draft["lane"], f"{base}/lane"))
    if draft.get("onFailure", COMPENSATE) != COMPENSATE:
        told = f"`onFailure` is {COMPENSATE!r}, or is left out."
        issues.append(Issue(f"{base}/onFailure", "NOT_ALLOWED", told))
    raw = draft.get("steps")
    at = f"{base}/steps"
    if not isinstance(raw, list) or not raw:
        issues.append(Issue(at, "REQUIRED", "A draft needs a list `steps` with at least one step."))
        return [], issues
    if len(raw) > MAX_STEPS:
        issues.append(Issue(at, "TOO_MANY", f"A plan has at most {MAX_STEPS} steps."))
        return [], issues
    steps: list[DraftStep] = []
    for index, item in enumerate(raw):
        step = _read_step(item, f"{at}/{index}", issues)
        if step is not None:
            steps.append(step)
    _find_duplicates(steps, issues)
    return steps, issues


def compensates(draft: JsonObject) -> bool:
    """True where a draft asks that completed steps be undone if the run fails."""
    return draft.get("onFailure") == COMPENSATE


def lane_issues(lane: JsonValue, at: str) -> list[Issue]:
    """What is wrong with the name of a lane; ``at`` is the JSON pointer to it."""
    if isinstance(lane, str) and lane in LANES:
        return []
    return [Issue(at, "UNKNOWN_LANE", f"There is no such lane. The lanes are {', '.join(LANES)}.")]


def _read_step(item: JsonValue, at: str, issues: list[Issue]) -> DraftStep | None:
    if not isinstance(item, dict):
        issues.append(Issue(at, "WRONG_TYPE", "A step is an object {key, contract, input}."))
        return None
    found = [
        Issue(
            at + pointer(shown_name(name)),
            "UNKNOWN_FIELD",
            f"A step has no field {shown_name(name)!r}.",
        )
        for name in sorted(set(item) - _STEP_FIELDS)
    ]
    key, contract = item.get("key"), item.get("contract")
    value, depends_on = item.get("input", {}), item.get("dependsOn", [])
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        told = "A step needs a key: a letter, then letters, digits, - or _ (64 at most)."
        found.append(Issue(f"{at}/key", "INVALID_FORMAT", told))
    if not isinstance(contract, str):
        told = "A step names its contract as `key` or `key@version`."
        found.append(Issue(f"{at}/contract", "REQUIRED", told))
    if not isinstance(value, dict):
        found.append(Issue(f"{at}/input", "WRONG_TYPE", "The input of a step is an object."))
    if not isinstance(depends_on, list) or not all(isinstance(name, str) for name in depends_on):
        told = "`dependsOn` is a list of keys of other steps."
        found.append(Issue(f"{at}/dependsOn", "WRONG_TYPE", told))
    issues.extend(found)
    if found:
        return None
    return DraftStep(at, str(key), str(contract), value, tuple(depends_on))


def _find_duplicates(steps: list[DraftStep], issues: list[Issue]) -> None:
    seen: dict[str, str] = {}
    for step in steps:
        if step.key in seen:
            told = f"The key {step.key!r} is also that of {seen[step.key]}. Keys are unique."
            issues.append(Issue(f"{step.at}/key", "DUPLICATE_STEP", told))
        seen.setdefault(step.key, step.at)
