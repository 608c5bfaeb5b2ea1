"""The governed call with its stages as spans, and counted. Made only where somebody looks: each
stage is that of ``Pipeline``, and where nobody looks that one is used as it is."""

import time

from msgspec.structs import replace

from gateway.model.decision import AccessDecision, VerdictDecision
from gateway.model.execution import Call as RecordedCall
from gateway.model.json import JsonObject
from gateway.model.problem import ProblemError
from gateway.pipeline.call import Admitted, Call
from gateway.pipeline.governed import Pipeline
from gateway.pipeline.handlers import Command
from gateway.telemetry import metrics, spans


class ObservedPipeline(Pipeline):
    """A pipeline that tells what it does."""

    __slots__ = ()

    async def call(self, call: Call) -> JsonObject:
        """One governed call; see ``Pipeline.call``."""
        began, outcome, ref = time.perf_counter(), "cancelled", call.contract.ref
        with spans.child(call.contract.key) as span:
            span.note(contract=ref)
            try:
                answer = await super().call(replace(call, traceparent=span.traceparent))
            except ProblemError as error:
                outcome = "refused" if error.problem.status < 500 else "failed"
                metrics.call_problems.add(ref, error.problem.code)
                raise
            except Exception:
                outcome = "failed"
                metrics.call_problems.add(ref, "INTERNAL_ERROR")
                raise
            else:
                outcome = "ok"
                return answer
            finally:
                span.note(outcome=outcome)
                metrics.call_seconds.observe(time.perf_counter() - began, ref, outcome)

    async def _decide_access(self, call: Call) -> AccessDecision:
        with spans.child("decide access") as span:
            decision = await super()._decide_access(call)
            span.note(decision_id=decision.decision_id, revision=decision.revision)
            return decision

    def _validate_input(self, call: Call) -> JsonObject:
        with spans.child("validate input"):
            return super()._validate_input(call)

    async def _take_of_limit(self, call: Call) -> None:
        with spans.child("rate limit"):
            await super()._take_of_limit(call)

    async def _earlier_answer(self, admitted: Admitted) -> RecordedCall | None:
        if admitted.call.idempotency_key is None:
            return await super()._earlier_answer(admitted)
        with spans.child("look up idempotency key"):
            return await super()._earlier_answer(admitted)

    def _decide_verdict(self, admitted: Admitted) -> VerdictDecision:
        with spans.child("decide verdict") as span:
            decision = super()._decide_verdict(admitted)
            span.note(decision_id=decision.decision_id, outcome=decision.verdict.value)
            return decision

    async def _perform_and_record(self, admitted: Admitted) -> JsonObject:
        with spans.child("perform and record"):
            return await super()._perform_and_record(admitted)

    async def _apply(self, admitted: Admitted, command: Command) -> JsonObject:
        with spans.child("commit"):
            return await super()._apply(admitted, command)
