"""The life of an execution up to its run: received, compiled, verified, started.

Each function is one move of the state machine, made inside the caller's unit of work.
"""

from dataclasses import dataclass

from gateway.model.claims import DueRun
from gateway.model.decision import Verdict
from gateway.model.entry import EntryType, NewEntry
from gateway.model.execution import (
    Execution,
    ExecutionStatus,
    PlanRecord,
    RunMode,
    conflict,
    require_transition,
)
from gateway.model.json import JsonObject, JsonValue
from gateway.model.pii import execution_owner
from gateway.model.plan import Plan
from gateway.model.ports import Dispatcher, Ids, Records, Sealer, Tx
from gateway.model.principal import Principal
from gateway.model.problem import Problem, problem, refuse
from gateway.model.sealing import seal_paths
from gateway.runtime import facts
from gateway.runtime.stored_plan import seal_plan
from gateway.runtime.verifier import Verification
from gateway.telemetry.trace_context import parse_traceparent

INTENT_CONTRACT = "controlPlane.intent.submit@1.0.0"
"""The contract whose PII the text of an intent is."""


@dataclass(frozen=True, slots=True)
class Intent:
    """What somebody wants done, in their words; ``direct`` for the one behind a direct call.

    ``compensates`` is the id of the execution that it is to undo. ``traceparent`` names the span
    within which it came, where there is one; it is recorded if it is of the trace ``trace_id``.
    """

    text: str
    channel: str | None = None
    trace_id: str | None = None
    metadata: JsonObject | None = None
    direct: bool = False
    compensates: str | None = None
    traceparent: str | None = None

    @property
    def span(self) -> JsonObject:
        """What the record keeps of the span, for whoever goes on from there."""
        told = parse_traceparent(self.traceparent or "")
        is_same = told is not None and told.trace_id == self.trace_id
        return {"traceparent": self.traceparent} if is_same else {}


@dataclass(frozen=True, slots=True)
class Received:
    """The ids that an intent was given."""

    execution_id: str
    intent_id: str


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """Moves executions; ``dispatcher`` hears of runs once they are durable."""

    ids: Ids
    sealer: Sealer
    dispatcher: Dispatcher

    def receive(self, tx: Tx, submitter: Principal, intent: Intent) -> Received:
        """Create the execution of an intent."""
        execution_id, intent_id = self.ids.new("exec"), self.ids.new("intent")
        owner = execution_owner(submitter.workspace, execution_id)
        text: JsonValue = intent.text
        if text:
            text = self.sealer.seal(owner, INTENT_CONTRACT, "input.text", text)
        metadata = intent.metadata
        if metadata is not None:
            # Nothing of it is PII, but nobody may plant an envelope in it.
            metadata = seal_paths(self.sealer, owner, INTENT_CONTRACT, "input", metadata, ())
        tx.append(
            NewEntry(
                EntryType.INTENT_RECEIVED,
                submitter.workspace,
                {
                    "intentId": intent_id,
                    "submitter": submitter.to_json(),
                    "text": text,
                    "channel": intent.channel,
                    "traceId": intent.trace_id,
                    "metadata": metadata,
                    "direct": intent.direct,
                    "compensates": intent.compensates,
                    **intent.span,
                },
                execution_id,
                submitter.subject,
            )
        )
        return Received(execution_id, intent_id)

    def compiled(
        self,
        tx: Tx,
        execution: Execution,
        plan: Plan,
        compiler: str,
        planner_model: str | None = None,
        lane: str | None = None,
    ) -> None:
        """Record the plan of an execution; a later plan takes the place of an earlier one.

        ``lane`` is the one that its draft names; without one the execution stays where it is.
        """
        require_transition(execution.id, execution.status, ExecutionStatus.COMPILED)
        sealed = seal_plan(self.sealer, execution.owner, plan)
        tx.append(facts.plan_compiled(execution, sealed, compiler, planner_model, lane))
        if lane is not None:
            tx.append(facts.lane_assigned(execution, lane, compiler))

    def rejected(self, tx: Tx, execution: Execution, compiler: str, told: Problem) -> None:
        """Record that a draft could not be compiled; the execution stays as it is."""
        issues = [issue.to_json() for issue in told.issues]
        body = {"issues": issues}
        tx.append(facts.fact(execution, EntryType.PLAN_REJECTED, body, actor=compiler))

    def verified(self, tx: Tx, execution: Execution, found: Verification, verifier: str) -> None:
        """Record what verification said: the execution becomes VERIFIED or BLOCKED."""
        blocked = found.verdict is Verdict.BLOCKED
        status = ExecutionStatus.BLOCKED if blocked else ExecutionStatus.VERIFIED
        require_transition(execution.id, execution.status, status)
        told = problem("FORBIDDEN", " ".join(found.blocked_reasons)) if blocked else None
        tx.append(
            facts.fact(
                execution,
                EntryType.PLAN_VERIFIED,
                {
                    "planId": execution.plan_id,
                    "verdict": found.verdict.value,
                    "risk": found.risk.value,
                    "decisions": found.decisions(),
                    "revision": found.revision,
                    "verifiedBy": verifier,
                    "blockedReasons": found.blocked_reasons,
                    "executionStatus": status.value,
                },
                actor=verifier,
                problem=told.to_json() if told else None,
            )
        )

    def prepared(
        self, tx: Tx, who: Principal, intent: Intent, plan: Plan, found: Verification
    ) -> Execution:
        """Receive, compile and verify at once, where plan and verdict are there already."""
        received = self.receive(tx, who, intent)
        execution = require_execution(tx, who.workspace, received.execution_id)
        self.compiled(tx, execution, plan, who.subject)
        execution = require_execution(tx, who.workspace, execution.id)
        self.verified(tx, execution, found, who.subject)
        return require_execution(tx, who.workspace, execution.id)

    def started(
        self, tx: Tx, execution: Execution, mode: RunMode, starter: str, revision: str
    ) -> str:
        """Start the run of a verified execution; it is advanced once this is durable.

        Returns the id of the run.
        """
        if execution.status is not ExecutionStatus.VERIFIED:
            raise conflict(execution.id, execution.status, "only a verified one can be started")
        run_id = self.ids.new("run")
        tx.append(
            facts.fact(
                execution,
                EntryType.RUN_STARTED,
                {
                    "runId": run_id,
                    "planId": execution.plan_id,
                    "mode": mode.value,
                    "starter": starter,
                    "revision": revision,
                    "executionStatus": ExecutionStatus.RUNNING.value,
                },
                actor=starter,
            )
        )
        tx.enlist(run_id, execution.id)
        self._submit(tx, run_id, execution)
        return run_id

    def wake(self, tx: Tx, execution: Execution) -> None:
        """Have the run of an execution looked at again, once this unit is durable."""
        run_id = execution.run_id
        if run_id is not None:
            tx.wake(run_id)
            self._submit(tx, run_id, execution)

    def _submit(self, tx: Tx, run_id: str, execution: Execution) -> None:
        run = DueRun(run_id, execution.workspace, urgent=execution.direct)
        tx.after_commit(lambda: self.dispatcher.submit(run))


def require_execution(records: Records, workspace: str, execution_id: str) -> Execution:
    """The execution of this id in this workspace.

    Raises:
        ProblemError: NOT_FOUND, the same for one that another workspace has.
    """
    execution = records.execution(workspace, execution_id)
    if execution is None:
        raise refuse(
            "NOT_FOUND",
            f"There is no execution {execution_id} in this workspace. "
            "controlPlaneExecutionList and controlPlaneExecutionMine name those that there are.",
        )
    return execution


def require_run(records: Records, workspace: str, run_id: str) -> Execution:
    """The execution that this run belongs to, in this workspace.

    Raises:
        ProblemError: NOT_FOUND, the same for one that another workspace has.
    """
    execution = records.execution_of_run(run_id)
    if execution is None or execution.workspace != workspace:
        raise refuse("NOT_FOUND", f"There is no run {run_id} in this workspace.")
    return execution


def require_plan(records: Records, execution: Execution, plan_id: str | None) -> PlanRecord:
    """The plan of an execution: the one named, or the current one.

    Raises:
        ProblemError: PRECONDITION_FAILED where nothing was compiled, NOT_FOUND for another id.
    """
    wanted = plan_id or execution.plan_id
    if wanted is None:
        raise refuse("PRECONDITION_FAILED", f"Execution {execution.id} has no plan. Compile one.")
    record = records.plan(wanted)
    if record is None or record.execution_id != execution.id:
        raise refuse("NOT_FOUND", f"Execution {execution.id} has no plan {wanted}.")
    return record


def require_current_plan(records: Records, execution: Execution, plan_id: str) -> PlanRecord:
    """The plan of this id, if it is the execution's present one.

    Raises:
        ProblemError: CONFLICT where a later plan took its place.
    """
    record = require_plan(records, execution, plan_id)
    if execution.plan_id != plan_id:
        raise conflict(execution.id, execution.status, f"its plan is {execution.plan_id} now")
    return record
