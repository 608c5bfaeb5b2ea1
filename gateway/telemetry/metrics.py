"""Every metric, by its name in Prometheus. What each means stands in ``docs/observability.md``."""

import time

from gateway.model.entry import EntryType
from gateway.model.execution import TRANSITIONS, UNDER_WAY, ExecutionStatus
from gateway.telemetry.instruments import (
    SLOW,
    Counter,
    Gauge,
    Histogram,
    Instrument,
    is_counting,
)

_INSTANT = (0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.005, 0.025, 0.1)
_UNITS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


def facts_of(area: str) -> list[str]:
    """What entries of the journal say of steps or of approvals, behind the area's name."""
    return [kind.partition(".")[2] for kind in EntryType if kind.partition(".")[0] == area]


# --- Counted as it happens

http_seconds = Histogram(
    "gateway_http_request_duration_seconds",
    "Seconds until the answer to an HTTP request began.",
    *("method", "route", "status"),
)
websockets = Counter("gateway_websockets_total", "WebSockets that ended.", "close_code")
operations = Counter(
    "gateway_graphql_operations_total",
    "GraphQL operations that ended, by their first problem.",
    *("transport", "operation_type", "problem"),
)
call_seconds = Histogram(
    "gateway_call_duration_seconds",
    "Seconds that governed calls took.",
    *("contract", "outcome"),
)
call_problems = Counter(
    "gateway_call_problems_total",
    "Governed calls that ended with a problem.",
    "contract",
    "problem",
)
decisions = Counter(
    "gateway_decisions_total",
    "Decisions of policy: on calls, on plans, and on steps at their dispatch.",
    *("decision", "outcome"),
)
decision_seconds = Histogram(
    "gateway_decision_duration_seconds",
    "Seconds that decisions took.",
    "decision",
    bounds=_INSTANT,
)
runs = Counter(
    "gateway_runs_total",
    "Runs that were started, and that ended.",
    "outcome",
    known=("started", *sorted(TRANSITIONS[ExecutionStatus.RUNNING] - UNDER_WAY)),
)
steps = Counter(
    "gateway_steps_total",
    "What became of steps, fact by fact.",
    "outcome",
    known=facts_of("step"),
)
approvals = Counter(
    "gateway_approvals_total",
    "What became of approval requests.",
    "outcome",
    known=facts_of("approval"),
)
attempt_seconds = Histogram(
    "gateway_attempt_duration_seconds",
    "Seconds that attempts of steps took, once there was a place for them.",
    *("contract", "outcome"),
    bounds=SLOW,
)
rate_limited = Counter(
    "gateway_rate_limited_total", "Calls and attempts over the rate limit.", "contract"
)
overload = Counter(
    "gateway_overload_refusals_total",
    "What was refused because it was too much.",
    "reason",
    known=("calls", "runs", "delay", "requests", "connections"),
)
entries = Counter(
    "gateway_journal_entries_total", "Entries of this process that became durable.", "entry_type"
)
batch_seconds = Histogram(
    "gateway_journal_batch_duration_seconds", "Seconds from a batch's begin to its commit.", "part"
)
batch_units = Histogram(
    "gateway_journal_batch_units",
    "Units of work, or queries, that shared a transaction.",
    "part",
    bounds=_UNITS,
)
lost_units = Counter("gateway_journal_lost_units_total", "Records of calls that were lost.")
gaps = Counter(
    "gateway_journal_gaps_total",
    "Gaps that whoever follows the record met: entries that are missing, and not archived.",
)
privacy_failures = Counter(
    "gateway_privacy_failures_total",
    "Erasures and parts of sweeps of personal data that failed and are tried again.",
)
checkpoints = Counter(
    "gateway_checkpoints_total",
    "Checkpoints, by what came of them.",
    "outcome",
    known=("signed", "failed", "damaged"),
)
webhook_attempts = Counter(
    "gateway_webhook_attempts_total",
    "Attempts to deliver to webhook endpoints.",
    "outcome",
    known=("delivered", "retryable", "dead"),
)

# --- Read when asked for, in this process

build = Gauge("gateway_build_info", "1, by what runs.", "version", "python")
policy = Gauge("gateway_policy_revision_info", "1, by what this process decides under.", "revision")
calls_under_way = Gauge("gateway_calls_under_way", "Governed calls in progress.")
connections = Gauge("gateway_connections", "WebSockets and event streams that are open.")
journal_delay = Gauge("gateway_journal_delay_seconds", "Seconds that a write has to wait.")
runs_here = Gauge("gateway_runs_waiting_here", "Runs that wait for a place in this process.")

# --- Read when asked for, in the record

record_up = Gauge("gateway_record_up", "1 while the record answers; else nothing below is told.")
policy_followed = Gauge(
    "gateway_policy_in_force", "1 while this process decides under the policy in force."
)
runs_due = Gauge("gateway_runs_due", "Runs that are due and that nobody advances.")
runs_held = Gauge("gateway_runs_under_way", "Runs that some process advances at this moment.")
runs_parked = Gauge("gateway_runs_parked", "Runs that wait for a moment to come.")
executions = Gauge("gateway_executions", "Executions that are not over, by status.", "outcome")
approvals_open = Gauge("gateway_approvals_open", "Approval requests that wait for somebody.")
checkpoint_age = Gauge("gateway_checkpoint_age_seconds", "Seconds since the last checkpoint.")
unsigned = Gauge("gateway_entries_since_checkpoint", "Entries that no checkpoint covers yet.")
unsigned_age = Gauge(
    "gateway_unsigned_entry_age_seconds",
    "Seconds that the oldest entry which no checkpoint covers has waited; 0 where there is none.",
)
webhook_backlog = Gauge("gateway_webhook_deliveries_pending", "Deliveries still to be made.")
anchor_backlog = Gauge(
    "gateway_anchor_checkpoints_behind",
    "Checkpoints that the anchor or witness which lacks most has not got.",
    "target_kind",
)


def catalogue() -> list[Instrument]:
    """Every metric, in the order of the documentation."""
    return [one for one in globals().values() if isinstance(one, Instrument)]


def decided(decision: str, outcome: str, began: float) -> None:
    """Count a decision that began at ``began`` by ``time.perf_counter``."""
    if is_counting():
        decisions.add(decision, outcome)
        decision_seconds.observe(time.perf_counter() - began, decision)
