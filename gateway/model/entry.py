"""Journal entries: the facts, in the order in which they became durable.

``EntryType`` names are compatibility data: they are stored and hashed. What each body holds is
written beside the code that appends it and read by the projections.

The two kinds of entries are named tuples, because one of each is made for every fact: a frozen
dataclass takes five times as long to make.
"""

from enum import StrEnum
from typing import NamedTuple

from gateway.model.json import JsonObject

ENTRY_FORMAT = 1
"""The version of the form in which entries are encoded and hashed."""

GENESIS = "0" * 64
"""What the first entry of a chain names as its predecessor's hash."""


class EntryType(StrEnum):
    """Every kind of fact."""

    INTENT_RECEIVED = "intent.received"
    PLAN_COMPILED = "plan.compiled"
    PLAN_REJECTED = "plan.rejected"
    PLAN_VERIFIED = "plan.verified"
    RUN_STARTED = "run.started"
    RUN_CLAIMED = "run.claimed"
    RUN_WAITING = "run.waiting"
    RUN_PAUSED = "run.paused"
    RUN_RESUMED = "run.resumed"
    RUN_STOPPING = "run.stopping"
    RUN_RETRIED = "run.retried"
    RUN_ENDED = "run.ended"
    COMPENSATION_STARTED = "compensation.started"
    STEP_DISPATCHED = "step.dispatched"
    STEP_COMPLETED = "step.completed"
    STEP_FAILED = "step.failed"
    STEP_RETRYING = "step.retrying"
    STEP_UNRESOLVED = "step.unresolved"
    STEP_BLOCKED = "step.blocked"
    STEP_SKIPPED = "step.skipped"
    STEP_RECONCILED = "step.reconciled"
    STEP_COMPENSATED = "step.compensated"
    STEP_LATE = "step.late"
    APPROVAL_REQUESTED = "approval.requested"
    APPROVAL_VOTED = "approval.voted"
    APPROVAL_REJECTED = "approval.rejected"
    APPROVAL_EXPIRED = "approval.expired"
    APPROVAL_VOIDED = "approval.voided"
    APPROVAL_ESCALATED = "approval.escalated"
    APPROVAL_OVERRIDDEN = "approval.overridden"
    GRANT_ISSUED = "grant.issued"
    GRANT_REVOKED = "grant.revoked"
    GRANT_USED = "grant.used"
    LANE_ASSIGNED = "lane.assigned"
    LANE_APPROVED = "lane.approved"
    LANE_HANDED_OVER = "lane.handed_over"
    EVIDENCE_ATTACHED = "evidence.attached"
    EVIDENCE_EXPORTED = "evidence.exported"
    SKILL_INSTALLED = "skill.installed"
    SKILL_REJECTED = "skill.rejected"
    SKILL_DISABLED = "skill.disabled"
    WEBHOOK_SERVED = "webhook.served"
    WEBHOOK_DEAD = "webhook.dead"
    WEBHOOK_REPLAYED = "webhook.replayed"
    CALL_COMPLETED = "call.completed"
    CALL_FAILED = "call.failed"
    CALL_DENIED = "call.denied"
    CALLS_DENIED = "calls.denied"
    QUERY_ANSWERED = "query.answered"
    ANSWER_SHOWN = "answer.shown"
    EVENTS_SHOWN = "events.shown"
    AUDIT_EXPORTED = "audit.exported"
    POLICY_DRAFTED = "policy.drafted"
    POLICY_REVISED = "policy.revised"
    POLICY_ANALYZED = "policy.analyzed"
    POLICY_SHADOWED = "policy.shadowed"
    POLICY_APPROVED = "policy.approved"
    POLICY_REJECTED = "policy.rejected"
    POLICY_WITHDRAWN = "policy.withdrawn"
    POLICY_ACTIVATED = "policy.activated"
    ERASURE_REQUESTED = "privacy.erasure.requested"
    ERASURE_APPROVED = "privacy.erasure.approved"
    ERASURE_REJECTED = "privacy.erasure.rejected"
    ERASURE_HELD = "privacy.erasure.held"
    KEYS_CONDEMNED = "privacy.keys.condemned"
    KEYS_RESTATED = "privacy.keys.restated"
    SUBJECT_ERASED = "privacy.subject.erased"
    RETENTION_SWEPT = "privacy.retention.swept"
    HOLD_PLACED = "privacy.hold.placed"
    HOLD_LIFTED = "privacy.hold.lifted"
    CONSENT_RECORDED = "privacy.consent.recorded"
    CONSENT_WITHDRAWN = "privacy.consent.withdrawn"
    RECORD_ARCHIVED = "record.archived"
    RECORD_RETURNED = "record.returned"
    RECORD_RESTORED = "record.restored"


class NewEntry(NamedTuple):
    """A fact about to be recorded.

    ``execution_id`` puts it on the chain of that execution; without one it goes to the chain of
    the workspace and this writer. ``actor`` is the subject who caused it, empty for the gateway
    itself. ``body`` must be JSON, with PII already sealed.
    """

    type: EntryType
    workspace: str
    body: JsonObject
    execution_id: str | None = None
    actor: str = ""


class Entry(NamedTuple):
    """A recorded fact. ``position`` is its place in this store, ``seq`` its place in its chain
    (from 1), ``at`` RFC 3339 in UTC with microseconds, hashes are hex."""

    position: int
    chain: str
    seq: int
    at: str
    type: EntryType
    workspace: str
    execution_id: str | None
    actor: str
    body: JsonObject
    previous: str
    hash: str
