"""From entries to events: which facts are announced, and with which payload.

An event of the control plane comes from its own entry alone. That a command lists it among what it
emitted says nothing new, and a handler that claims to have emitted one would counterfeit it.
"""

from collections.abc import Callable, Iterator, Mapping

from gateway.model.decision import Verdict
from gateway.model.entry import Entry, EntryType
from gateway.model.event import Announcement, Origin
from gateway.model.execution import ExecutionStatus, RunMode
from gateway.model.json import JsonObject, digest

INTENT_RECEIVED = "controlPlane.intent.received"
PLAN_COMPILED = "controlPlane.plan.compiled"
PLAN_REJECTED = "controlPlane.plan.rejected"
STEP_STARTED = "controlPlane.execution.step.started"
STEP_BLOCKED = "controlPlane.execution.step.blocked"
STEP_COMPLETED = "controlPlane.execution.step.completed"
EXECUTION_COMPLETED = "controlPlane.execution.completed"
EXECUTION_FAILED = "controlPlane.execution.failed"
OVERRIDE_USED = "controlPlane.execution.override.used"
SKILL_INSTALLED = "controlPlane.skill.installed"
SKILL_REJECTED = "controlPlane.skill.rejected"

DERIVED = frozenset(
    {
        *(INTENT_RECEIVED, PLAN_COMPILED, PLAN_REJECTED),
        *(STEP_STARTED, STEP_BLOCKED, STEP_COMPLETED),
        *(EXECUTION_COMPLETED, EXECUTION_FAILED, OVERRIDE_USED),
        *(SKILL_INSTALLED, SKILL_REJECTED),
    }
)
"""The events that come from entries of their own."""

VERSION = "1.0.0"
"""The version of the derived events' contracts."""

Told = tuple[str, JsonObject]
"""The key of an event and its payload; members that are None are left out."""


def announcements(entry: Entry, origin: Origin | None) -> tuple[Announcement, ...]:
    """The events that an entry announces, in order; most entries announce none.

    ``origin`` is the execution of the entry, None for an entry without one. The result depends on
    what is durable alone, and is the same whenever it is asked for.
    """
    events = [(f"{key}@{VERSION}", payload) for key, payload in _derived(entry, origin)]
    events += _emitted(entry)
    return tuple(
        _announcement(entry, origin, index, ref, payload)
        for index, (ref, payload) in enumerate(events)
    )


def is_announced(kind: EntryType) -> bool:
    """True for entries that may announce something."""
    return kind in _DERIVATIONS or kind in _EMITTING


def _announcement(
    entry: Entry, origin: Origin | None, index: int, ref: str, payload: JsonObject
) -> Announcement:
    key, _, version = ref.partition("@")
    origin = origin or Origin()
    return Announcement(
        id=f"evt_{digest([entry.hash, index])[:32]}",
        position=entry.position,
        index=index,
        type=key,
        version=version,
        at=entry.at,
        workspace=entry.workspace,
        execution_id=entry.execution_id,
        run_id=payload.get("runId") if key in DERIVED else origin.run_id,
        payload=payload,
        submitter=origin.submitter,
    )


def _derived(entry: Entry, origin: Origin | None) -> Iterator[Told]:
    derive = _DERIVATIONS.get(entry.type)
    if derive is None:
        return
    for key, payload in derive(entry, origin or Origin()):
        yield key, {name: value for name, value in payload.items() if value is not None}


def _emitted(entry: Entry) -> list[Told]:
    """What the handler of an operation emitted, by reference."""
    if entry.type not in _EMITTING:
        return []
    events = entry.body.get("events") or []
    return [
        (event["event"], event["payload"])
        for event in events
        if event["event"].partition("@")[0] not in DERIVED
    ]


def _intent_received(entry: Entry, _: Origin) -> Iterator[Told]:
    body = entry.body
    yield (
        INTENT_RECEIVED,
        {
            "executionId": entry.execution_id,
            "intentId": body["intentId"],
            "receivedAt": entry.at,
            "actorId": body["submitter"]["subject"],
            "channelKey": body.get("channel"),
        },
    )


def _plan_compiled(entry: Entry, _: Origin) -> Iterator[Told]:
    yield (
        PLAN_COMPILED,
        {
            "executionId": entry.execution_id,
            "planId": entry.body["planId"],
            "compiledAt": entry.at,
            "stepCount": len(entry.body["steps"]),
        },
    )


def _plan_rejected(entry: Entry, _: Origin) -> Iterator[Told]:
    issues = entry.body.get("issues") or []
    reasons = [f"{issue['path']}: {issue['message']}" for issue in issues]
    yield PLAN_REJECTED, _rejected(entry, reasons)


def _rejected(entry: Entry, reasons: list[str]) -> JsonObject:
    return {
        "executionId": entry.execution_id,
        "planId": entry.body.get("planId"),
        "rejectedAt": entry.at,
        "reasons": reasons,
    }


def _plan_verified(entry: Entry, origin: Origin) -> Iterator[Told]:
    """Only a blocked plan is announced: it is rejected, its blocked steps never run, and that is
    the end of its execution."""
    body = entry.body
    if body["verdict"] != Verdict.BLOCKED.value:
        return
    yield PLAN_REJECTED, _rejected(entry, body["blockedReasons"])
    for step_id, decision in body["decisions"].items():
        if decision["verdict"] == Verdict.BLOCKED.value:
            yield STEP_BLOCKED, _blocked(entry, Origin(), step_id, " ".join(decision["reasons"]))
    yield from _failed(entry, origin)


def _step_dispatched(entry: Entry, origin: Origin) -> Iterator[Told]:
    """The first attempt of a round: ``base`` counts those of the rounds before a retry."""
    if entry.body["attempt"] == entry.body.get("base", 0) + 1:
        yield STEP_STARTED, _step(entry, origin, "startedAt")


def _step_completed(entry: Entry, origin: Origin) -> Iterator[Told]:
    yield STEP_COMPLETED, _step(entry, origin, "completedAt")


def _step_reconciled(entry: Entry, origin: Origin) -> Iterator[Told]:
    if entry.body["outcome"] == "done":
        yield from _step_completed(entry, origin)


def _step(entry: Entry, origin: Origin, moment: str) -> JsonObject:
    return {
        "executionId": entry.execution_id,
        "runId": origin.run_id,
        "stepId": entry.body["stepId"],
        moment: entry.at,
    }


def _step_blocked(entry: Entry, origin: Origin) -> Iterator[Told]:
    body = entry.body
    yield STEP_BLOCKED, _blocked(entry, origin, body["stepId"], body["problem"]["detail"])


def _approval_asked(entry: Entry, origin: Origin) -> Iterator[Told]:
    """People are asked, at first or after nobody decided and further ones may: whom to call."""
    body = entry.body
    yield STEP_BLOCKED, _blocked(entry, origin, body["stepId"], body["reason"])


def _blocked(entry: Entry, origin: Origin, step_id: str, reason: str) -> JsonObject:
    return {
        "executionId": entry.execution_id,
        "runId": origin.run_id,
        "stepId": step_id,
        "blockedAt": entry.at,
        "reason": reason,
    }


def _approval_overridden(entry: Entry, origin: Origin) -> Iterator[Told]:
    body = entry.body
    yield (
        OVERRIDE_USED,
        {
            "executionId": entry.execution_id,
            "runId": origin.run_id,
            "stepId": body["stepId"],
            "approvalId": body["approvalId"],
            "invokedBy": body["by"],
            "reason": body["reason"],
            "usedAt": entry.at,
        },
    )


def _run_ended(entry: Entry, origin: Origin) -> Iterator[Told]:
    if entry.body["executionStatus"] != ExecutionStatus.COMPLETED.value:
        yield from _failed(entry, origin)
        return
    is_dry = origin.mode is RunMode.DRY_RUN
    yield (
        EXECUTION_COMPLETED,
        {
            "executionId": entry.execution_id,
            "runId": origin.run_id,
            "completedAt": entry.at,
            "outcome": "dry_run" if is_dry else "completed",
        },
    )


def _failed(entry: Entry, origin: Origin) -> Iterator[Told]:
    """Every end short of the goal; one without a problem is named after the status."""
    body = entry.body
    problem = body.get("problem") or {}
    yield (
        EXECUTION_FAILED,
        {
            "executionId": entry.execution_id,
            "runId": origin.run_id,
            "failedAt": entry.at,
            "errorCode": problem.get("code") or body["executionStatus"].upper(),
            "errorMessage": problem.get("detail") or body.get("reason"),
            "problem": problem or None,
        },
    )


_INSTALLED = ("installationId", "skillKey", "version", "publisher", "provenance", "manifestDigest")
_NOT_INSTALLED = ("skillKey", "version", "reason", "provenance", "manifestDigest", "issues")


def _skill_installed(entry: Entry, _: Origin) -> Iterator[Told]:
    told = {name: entry.body.get(name) for name in _INSTALLED}
    yield SKILL_INSTALLED, {**told, "installedAt": entry.at}


def _skill_rejected(entry: Entry, _: Origin) -> Iterator[Told]:
    told = {name: entry.body.get(name) for name in _NOT_INSTALLED}
    yield SKILL_REJECTED, {**told, "rejectedAt": entry.at}


_DERIVATIONS: Mapping[EntryType, Callable[[Entry, Origin], Iterator[Told]]] = {
    EntryType.INTENT_RECEIVED: _intent_received,
    EntryType.PLAN_COMPILED: _plan_compiled,
    EntryType.PLAN_REJECTED: _plan_rejected,
    EntryType.PLAN_VERIFIED: _plan_verified,
    EntryType.STEP_DISPATCHED: _step_dispatched,
    EntryType.STEP_COMPLETED: _step_completed,
    EntryType.STEP_RECONCILED: _step_reconciled,
    EntryType.STEP_BLOCKED: _step_blocked,
    EntryType.APPROVAL_REQUESTED: _approval_asked,
    EntryType.APPROVAL_ESCALATED: _approval_asked,
    EntryType.APPROVAL_OVERRIDDEN: _approval_overridden,
    EntryType.RUN_ENDED: _run_ended,
    EntryType.SKILL_INSTALLED: _skill_installed,
    EntryType.SKILL_REJECTED: _skill_rejected,
}

_EMITTING = frozenset(
    {EntryType.STEP_COMPLETED, EntryType.STEP_RECONCILED, EntryType.CALL_COMPLETED}
)
