"""Views for people, folded from the entries of an execution: nothing in them comes from elsewhere.

The exporter writes them with PII as the exporting person may see it; who checks a bundle folds
them again and compares. Every item carries the ``seq`` of the entry that says so.
"""

from collections.abc import Iterable, Sequence

from gateway.evidence.entry_lines import Fact
from gateway.model.entry import EntryType
from gateway.model.execution import ExecutionStatus
from gateway.model.json import JsonObject

_T = EntryType
_DECIDED = ("decision", "access")
_APPROVAL_STATUS = {
    _T.APPROVAL_REJECTED: "rejected",
    _T.APPROVAL_EXPIRED: "expired",
    _T.APPROVAL_VOIDED: "void",
    _T.APPROVAL_OVERRIDDEN: "approved",
    _T.STEP_DISPATCHED: "used",
}
_OVER = frozenset(
    {"completed", "blocked", "failed", "rejected", "expired", "cancelled", "aborted"}
)  # fixed with the format of bundles, whatever the state machine becomes


def views_of(facts: Sequence[Fact]) -> dict[str, JsonObject]:
    """Every view by its file name, with PII sealed."""
    views = {
        "intent.json": intent(facts),
        "plan.json": plan(facts),
        "decisions.json": decisions(facts),
        "approvals.json": approvals(facts),
        "attempts.json": attempts(facts),
        "run.json": run(facts),
    }
    if attached := [_told(fact) for fact in facts if fact.type == _T.EVIDENCE_ATTACHED]:
        views["attachments.json"] = {"attachments": attached}
    return views


def intent(facts: Sequence[Fact]) -> JsonObject:
    """Who wanted what."""
    return {"intents": [_told(fact) for fact in facts if fact.type == _T.INTENT_RECEIVED]}


def plan(facts: Sequence[Fact]) -> JsonObject:
    """The plans that were compiled, the last of which counts, and drafts that were rejected."""
    compiled = [_told(fact) for fact in facts if fact.type == _T.PLAN_COMPILED]
    return {
        "current": compiled[-1]["body"].get("planId") if compiled else None,
        "plans": compiled,
        "rejected": [_told(fact) for fact in facts if fact.type == _T.PLAN_REJECTED],
    }


def decisions(facts: Sequence[Fact]) -> JsonObject:
    """What policy decided, each with its policy revision and rules, in order."""
    found = []
    for fact in facts:
        if fact.type == _T.PLAN_VERIFIED:
            found.append(_told(fact))
        elif any(isinstance(fact.body.get(name), dict) for name in (*_DECIDED, "decisions")):
            names = ("planId", "stepId", "attempt", "approvalId", *_DECIDED, "decisions")
            named = {name: fact.body[name] for name in names if fact.body.get(name) is not None}
            found.append({**_where(fact), **named})
    return {"policyRevisions": policy_revisions(facts), "decisions": found}


def approvals(facts: Sequence[Fact]) -> JsonObject:
    """Who was asked for what, and what people said, by request."""
    found: dict[str, JsonObject] = {}
    for fact in facts:
        approval_id = fact.body.get("approvalId")
        if not isinstance(approval_id, str):
            continue
        if fact.type == _T.APPROVAL_REQUESTED:
            asked = {"approvalId": approval_id, "status": "pending", "request": _told(fact)}
            found[approval_id] = {**asked, "history": []}
        elif approval_id in found:
            one = found[approval_id]
            one["status"] = _approval_status(fact) or one["status"]
            used = fact.type == _T.STEP_DISPATCHED  # all of it stands among the attempts
            one["history"].append(_where(fact) if used else _told(fact))
    return {"approvals": list(found.values())}


def _approval_status(fact: Fact) -> str | None:
    if fact.type == _T.APPROVAL_VOTED:
        return "approved" if fact.body.get("approved") is True else None
    return next((status for kind, status in _APPROVAL_STATUS.items() if kind == fact.type), None)


def attempts(facts: Sequence[Fact]) -> JsonObject:
    """What was done for each step: every attempt with what came of it."""
    found: list[JsonObject] = []
    open_ones: dict[tuple[str, ...], JsonObject] = {}
    for fact in facts:
        if not fact.type.startswith("step."):
            continue
        named = {name: fact.body.get(name) for name in ("planId", "stepId", "attempt")}
        key = tuple(map(repr, named.values()))
        if key not in open_ones or fact.type == _T.STEP_DISPATCHED:  # a retry may count anew
            open_ones[key] = {**named, "status": None, "entries": []}
            found.append(open_ones[key])
        open_ones[key]["status"] = fact.type.removeprefix("step.")
        open_ones[key]["entries"].append(_told(fact))
    return {"attempts": found}


def run(facts: Sequence[Fact]) -> JsonObject:
    """How the run went: its status, and whatever no other view tells."""
    elsewhere = {_T.INTENT_RECEIVED, _T.PLAN_COMPILED, _T.PLAN_REJECTED, _T.PLAN_VERIFIED}
    elsewhere.add(_T.EVIDENCE_ATTACHED)
    return {
        "runIds": run_ids(facts),
        "status": status(facts),
        "entries": [
            _told(fact)
            for fact in facts
            if fact.type not in elsewhere and not fact.type.startswith(("step.", "approval."))
        ],
    }


def run_ids(facts: Iterable[Fact]) -> list[str]:
    """The runs that were started, in order."""
    started = [fact.body.get("runId") for fact in facts if fact.type == _T.RUN_STARTED]
    return [run_id for run_id in started if isinstance(run_id, str)]


def status(facts: Iterable[Fact]) -> str | None:
    """The status of the execution after these entries, as stored."""
    found = None
    for fact in facts:
        if fact.type == _T.INTENT_RECEIVED:
            found = ExecutionStatus.RECEIVED.value
        elif fact.type == _T.PLAN_COMPILED:
            found = ExecutionStatus.COMPILED.value
        told = fact.body.get("executionStatus")
        found = told if isinstance(told, str) else found
    return found


def has_ended(stored: str | None) -> bool:
    """True for the status of an execution of which nothing runs or waits any more."""
    return stored in _OVER


def policy_revisions(facts: Iterable[Fact]) -> list[str]:
    """Every policy revision under which something was decided, sorted."""
    found: set[str] = set()
    for fact in facts:
        body = fact.body
        told = [body.get("revision"), body.get("policyRevision")]
        decided = [body.get(name) for name in _DECIDED]
        if isinstance(body.get("decisions"), dict):
            decided += body["decisions"].values()
        told += [one.get("policyRevision") for one in decided if isinstance(one, dict)]
        found.update(one for one in told if isinstance(one, str))
    return sorted(found)


def contracts_of(facts: Iterable[Fact]) -> dict[str, list[str]]:
    """The contracts that the plans bind: reference to content digests, both sorted."""
    found: dict[str, set[str]] = {}
    for fact in facts:
        steps = fact.body.get("steps") if fact.type == _T.PLAN_COMPILED else None
        for step in steps if isinstance(steps, list) else []:
            found.setdefault(str(step["contract"]), set()).add(str(step["contractDigest"]))
    return {ref: sorted(digests) for ref, digests in sorted(found.items())}


def _where(fact: Fact) -> JsonObject:
    return {"seq": fact.seq, "at": fact.at, "type": fact.type, "actor": fact.actor}


def _told(fact: Fact) -> JsonObject:
    return {**_where(fact), "body": fact.body}
