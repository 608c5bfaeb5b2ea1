"""controlPlane.health.get"""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.anchoring import TargetStatus
from gateway.health import Alert, Cases, Figure, Health, Report
from gateway.health.health import UP_TO
from gateway.health.hour import Hour
from gateway.model.json import JsonObject
from gateway.model.ports import Records
from gateway.operations.common import present
from gateway.pipeline import Admitted, Bindings, Query


@dataclass(frozen=True, slots=True)
class _Handlers:
    health: Health

    async def prepare(self, admitted: Admitted) -> Report:
        """The report, which takes several reads of the record."""
        return await self.health.report(admitted.principal.workspace)

    def get(self, admitted: Admitted, _: Records) -> JsonObject:
        """How the gateway fares, for the workspace of the caller."""
        report: Report = admitted.prepared
        return {
            "at": report.at,
            "alerts": [_alert(one) for one in report.alerts],
            "rates": _rates(report.hour),
            "minutes": [
                {"at": one.at, **{figure.value: one.counts[figure] for figure in Figure}}
                for one in report.hour.minutes
            ],
            "budget": _budget(report),
            "queue": _queue(report),
            "workers": [
                {"name": one.owner, "runs": one.runs, "leaseUntil": one.lease_until}
                for one in report.holders
            ],
            "record": _record(report),
            "policy": _policy(report),
            "process": _process(report),
        }


def bind_health(health: Health) -> Bindings:
    """The handler of what tells how a gateway fares."""
    handlers = _Handlers(health)
    return {"controlPlane.health.get@1.0.0": Query(handlers.get, handlers.prepare)}


def _alert(one: Alert) -> JsonObject:
    return {
        "kind": one.kind.value.upper(),
        "severity": one.severity.value.upper(),
        "message": one.message,
        "remedy": one.remedy,
        "about": list(one.about),
        "count": one.count,
    }


def _rates(hour: Hour) -> JsonObject:
    totals = {figure: hour.total(figure) for figure in Figure}
    denied = totals[Figure.CALLS_DENIED]
    decided = totals[Figure.CALLS_ALLOWED] + denied
    return present(
        {
            "since": hour.since,
            "isWholeHour": hour.is_whole,
            **{figure.value: total for figure, total in totals.items()},
            "deniedShare": denied / decided if decided else None,
        }
    )


def _budget(report: Report) -> JsonObject:
    budget = report.budget
    return {
        "objective": budget.objective,
        "counted": budget.counted,
        "failed": budget.failed,
        "allowed": budget.allowed,
        "left": budget.left,
    }


def _queue(report: Report) -> JsonObject:
    work = report.workload
    return {
        "due": work.due,
        "held": work.held,
        "parked": work.parked,
        "running": work.executions["running"],
        "waitingApproval": work.executions["waiting_approval"],
        "paused": work.executions["paused"],
        "unresolved": work.executions["unresolved"],
        "approvals": work.approvals,
        "countedUpTo": UP_TO,
    }


def _record(report: Report) -> JsonObject:
    record = report.record
    return present(
        {
            "entries": record.position,
            "checkpoint": record.checkpoint or None,
            "checkpointAt": record.signed_at,
            "entriesSince": record.unsigned,
            "chain": record.chain.value.upper(),
            "targets": _targets(record.targets),
            "restoredAt": record.restored_at,
        }
    )


def _targets(targets: Sequence[TargetStatus]) -> list[JsonObject]:
    return [
        {
            "kind": one.progress.kind.value.upper(),
            "id": one.progress.target,
            "behind": one.behind,
        }
        for one in targets
    ]


def _policy(report: Report) -> JsonObject:
    here = report.process.revision
    return present(
        {
            "inForce": report.head,
            "processRevision": here,
            "isFollowed": report.head in (None, here),
            "processCases": _cases(report.cases) if report.cases else None,
        }
    )


def _cases(cases: Cases) -> JsonObject:
    return {
        "passed": cases.passed,
        "failed": len(cases.failed),
        "skipped": cases.skipped,
        "isReadable": cases.is_readable,
    }


def _process(report: Report) -> JsonObject:
    process = report.process
    return present(
        {
            "processDecisionsTimed": process.timed,
            "processDecisionP50Milliseconds": _milliseconds(process.p50),
            "processDecisionP95Milliseconds": _milliseconds(process.p95),
            "processRunsWaiting": process.runs_waiting,
            "processWriteDelaySeconds": process.delay,
        }
    )


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1000
