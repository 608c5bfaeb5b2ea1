"""A direct call of an action command: an execution of one step, under the rules of any plan."""

import asyncio

from gateway.model.decision import Verdict
from gateway.model.execution import Execution, ExecutionStatus, RunMode, Step, StepStatus
from gateway.model.json import JsonObject
from gateway.model.ports import Records, Tx
from gateway.model.problem import Problem, ProblemError, problem
from gateway.model.sealing import open_answer
from gateway.pipeline import Admitted, CallRecorder, require_standing
from gateway.runtime import Intent, Loop, require_execution

_PATIENCE = 15.0
"""Seconds that a direct call waits while its step is tried again."""

_LOOK = 0.25
"""Seconds between two looks at such a step."""


class DirectCalls:
    """Performs direct calls through the loop."""

    def __init__(self, loop: Loop, recorder: CallRecorder) -> None:
        self._loop = loop
        self._recorder = recorder

    async def perform(self, admitted: Admitted) -> JsonObject:
        """Run the call as an execution and answer with what came of it.

        Raises:
            ProblemError: FORBIDDEN where policy blocks it, APPROVAL_REQUIRED where a human must
                approve (with executionId and stepId), or the problem of the step.
        """
        execution_id, run_id = await self._loop.journal.write(lambda tx: self._start(tx, admitted))
        return await self._answer(admitted, execution_id, run_id)

    async def resume(self, admitted: Admitted, execution_id: str) -> JsonObject:
        """Answer from the execution that an earlier call with the same key started."""
        workspace = admitted.principal.workspace
        execution = await self._loop.journal.read(
            lambda records: require_execution(records, workspace, execution_id)
        )
        return await self._answer(admitted, execution_id, execution.run_id)

    def _start(self, tx: Tx, admitted: Admitted) -> tuple[str, str | None]:
        """Intent, plan, verdict, start and the record of the call, in one unit of work.

        Returns the id of the execution, and that of its run unless policy blocks it.
        """
        loop, who = self._loop, admitted.principal
        require_standing(tx, loop.registry, who.workspace, (admitted.contract.ref,))
        call = admitted.call
        intent = Intent(*("", "direct", call.trace_id), direct=True, traceparent=call.traceparent)
        plan = loop.compiler.single(who.workspace, admitted.contract, admitted.value)
        found = loop.verifier.verify(plan, who)
        execution = loop.lifecycle.prepared(tx, who, intent, plan, found)
        run_id = None
        if found.verdict is not Verdict.BLOCKED:
            revision = loop.policies.revision
            run_id = loop.lifecycle.started(
                tx, execution, RunMode.AUTONOMOUS, who.subject, revision
            )
        tx.append(self._recorder.started(admitted, execution.id))
        return execution.id, run_id

    async def _answer(
        self, admitted: Admitted, execution_id: str, run_id: str | None
    ) -> JsonObject:
        loop, workspace = self._loop, admitted.principal.workspace

        def query(records: Records) -> tuple[Execution, Step]:
            execution = require_execution(records, workspace, execution_id)
            return execution, records.steps(execution.plan_id or "")[0]

        give_up = asyncio.get_running_loop().time() + _PATIENCE
        while True:
            if run_id is not None:
                await loop.dispatcher.settled(run_id)
            execution, step = await loop.journal.read(query)
            if not _is_retrying(execution, step) or asyncio.get_running_loop().time() > give_up:
                break
            await asyncio.sleep(_LOOK)
        if step.status is StepStatus.COMPLETED and step.output is not None:
            admitted.shown.belongs_to(execution_id)
            return open_answer(loop.sealer, workspace, step.output)
        raise ProblemError(_problem_of(execution, step))


def _is_retrying(execution: Execution, step: Step) -> bool:
    is_between = step.status is StepStatus.READY and step.attempt > 0
    return is_between and execution.status is ExecutionStatus.RUNNING


def _problem_of(execution: Execution, step: Step) -> Problem:
    where = {"executionId": execution.id, "stepId": step.id}
    if step.status is StepStatus.WAITING_APPROVAL:
        reasons = " ".join((step.decision or {}).get("reasons", []))
        return problem("APPROVAL_REQUIRED", f"{reasons} Wait for its approval.", extra=where)
    status = execution.status
    if status in (ExecutionStatus.RUNNING, ExecutionStatus.VERIFIED, ExecutionStatus.PAUSED):
        # A problem that the step has now is that of an attempt, and not yet the call's.
        how = "paused by an operator" if status is ExecutionStatus.PAUSED else "still under way"
        detail = f"The call is {how}. Repeat it with the same idempotency key."
        return problem("SERVICE_UNAVAILABLE", detail, extra=where)
    told = step.problem or execution.problem
    if told is not None:
        return problem_from(told, where)
    detail = f"The execution behind this call is {status.value.upper()}."
    return problem("CONFLICT", detail, extra=where)


def problem_from(told: JsonObject, extra: JsonObject) -> Problem:
    """A recorded problem as one that can be answered."""
    return Problem(
        code=told["code"],
        title=told["title"],
        status=told["status"],
        detail=told["detail"],
        category=told["category"],
        retryable=told["retryable"],
        extra=extra,
    )
