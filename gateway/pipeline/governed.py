"""One governed call: the ordered stages that every door passes, and the parts that plan steps use.

authenticate -> admit -> decide access -> validate input -> rate limit -> idempotency -> verdict
-> handler -> guard emitted events -> validate output -> mask PII -> record

The record of a command is part of its handler's unit of work, so it is written, with PII sealed,
before the answer is masked for the principal.
"""

import asyncio
from dataclasses import dataclass, field
from functools import partial

from msgspec.structs import replace

from gateway.contracts import Registry
from gateway.model.action import ActionCall
from gateway.model.decision import AccessDecision, Verdict, VerdictDecision
from gateway.model.execution import Call as RecordedCall
from gateway.model.json import JsonObject, JsonValue
from gateway.model.named_unit import naming
from gateway.model.pii import named_owner
from gateway.model.ports import Actions, Journal, Sealer, Tx
from gateway.model.problem import ProblemError, problem, refuse
from gateway.model.sealing import open_answer
from gateway.model.shown import Shown
from gateway.pipeline.admission import Admission, Priority
from gateway.pipeline.answers import declared_events, output_of, seal_events
from gateway.pipeline.call import Admitted, Call
from gateway.pipeline.consented import require_consent, require_consent_now
from gateway.pipeline.handlers import Bindings, Command, Direct, Query, Refused
from gateway.pipeline.keyed import earlier_call, require_unused_key
from gateway.pipeline.limiter import RateLimiter
from gateway.pipeline.masked import masked_output
from gateway.pipeline.record import CallRecorder
from gateway.pipeline.refusals import denial, of_call, told_about
from gateway.pipeline.standing import require_standing_now
from gateway.pipeline.storable import storable
from gateway.policy import Policies, mask_value
from gateway.telemetry.deciding import note_decision

_MOST_POLICIES = 3
"""Under how many policies, one after the other, access to one call is decided."""


@dataclass(slots=True)
class Pipeline:
    """The enforcement point. ``direct`` performs action commands, as executions of one step; a
    query may read ``answer_bytes`` of the record for its answer."""

    registry: Registry
    policies: Policies
    journal: Journal
    sealer: Sealer
    actions: Actions
    limiter: RateLimiter
    recorder: CallRecorder
    bindings: Bindings
    direct: Direct
    admission: Admission = field(default_factory=Admission)
    answer_bytes: int | None = None

    async def call(self, call: Call) -> JsonObject:
        """One governed call, from the decision to the recorded and masked answer.

        The door has authenticated the principal; the other stages come in the order below, and
        the handler's part (guard events, validate output, record) is one unit of work.

        Raises:
            ProblemError: the call was refused or failed. Denials are recorded.
        """
        if (refused := self.admission.admit(self._priority(call))) is not None:
            raise ProblemError(of_call(call, refused))
        try:
            return await self._govern(call)
        except ProblemError as error:
            raise ProblemError(told_about(call, error.problem)) from error
        finally:
            self.admission.leave()

    def _priority(self, call: Call) -> Priority:
        bound = self.bindings.get(call.contract.ref)
        if isinstance(bound, Command):
            return bound.priority
        return Priority.NEW if call.contract.is_command else Priority.ORDINARY

    async def _govern(self, call: Call) -> JsonObject:
        access = await self._decide_access(call)
        value = self._validate_input(call)
        await self._take_of_limit(call)
        admitted = Admitted(call, value, access)
        earlier = await self._earlier_answer(admitted)
        if earlier is not None:
            return await self._repeat(admitted, earlier)
        if call.contract.handler is not None:
            admitted = await self._decided_now(admitted)
            admitted = replace(admitted, verdict=self._decide_verdict(admitted))
        return await self._perform_once(admitted)

    async def _decide_access(self, call: Call) -> AccessDecision:
        offered = self.registry.of(call.principal.workspace).operations
        if call.contract.ref not in offered:  # that of a skill which is not installed here
            raise refuse("NOT_FOUND", f"There is no {call.contract.key} in your workspace.")
        await self.policies.settle()
        decision = self.policies.access(call.principal, call.contract)
        note_decision(decision.decision_id)
        if not decision.allowed:
            await self.recorder.denied(call, decision.to_json())
            raise ProblemError(denial(call, decision))
        return decision

    def _validate_input(self, call: Call) -> JsonObject:
        return storable(call, self.registry.input_of(call.contract).check(call.input, "/input"))

    async def _take_of_limit(self, call: Call) -> None:
        await self.limiter.take(call.contract, call.principal)

    async def _earlier_answer(self, admitted: Admitted) -> RecordedCall | None:
        call = admitted.call
        if call.idempotency_key is None or not call.contract.is_command:
            return None
        return await self.journal.read(lambda records: earlier_call(records, call))

    async def _decided_now(self, admitted: Admitted) -> Admitted:
        """An action as it is decided after it had to wait: policy may have moved meanwhile."""
        await self.policies.settle()
        if admitted.access.revision == self.policies.revision:
            return admitted
        return replace(admitted, access=await self._decide_access(admitted.call))

    def _decide_verdict(self, admitted: Admitted) -> VerdictDecision:
        return self.policies.verdict(admitted.principal, admitted.contract, admitted.value)

    async def _perform_once(self, admitted: Admitted) -> JsonObject:
        try:
            return await self._perform_and_record(admitted)
        except ProblemError as error:
            if error.problem.code != "CONFLICT":
                raise
            # A call with the same key may have come first between our look and our record.
            earlier = await self._earlier_answer(admitted)
            if earlier is None:
                raise
            return await self._repeat(replace(admitted, shown=Shown()), earlier)

    async def _perform_and_record(self, admitted: Admitted) -> JsonObject:
        """What the caller may see of the answer, once what it takes to say so is recorded."""
        contract = admitted.contract
        if contract.handler is not None:
            if contract.is_command:
                return await self._show(admitted, await self.direct.perform(admitted))
            return await self._perform_query_action(admitted)
        bound = self.bindings[contract.ref]
        if isinstance(bound, Query):
            return await self._answer_query(admitted, bound)
        return await self._apply_command(admitted, bound)

    async def _apply_command(self, admitted: Admitted, command: Command) -> JsonObject:
        """A command under the policy that is in force when it is recorded.

        Where that changed after access was decided, access is decided again.
        """
        for _ in range(_MOST_POLICIES):
            try:
                return await self._apply(admitted, command)
            except _PolicyMovedError:
                access = await self._decide_access(admitted.call)
                admitted = replace(admitted, access=access, prepared=None, shown=Shown())
        raise refuse("SERVICE_UNAVAILABLE", "Policy keeps changing. Try again.")

    async def _apply(self, admitted: Admitted, command: Command) -> JsonObject:
        """Handler, output, record and idempotency key in one durable unit of work."""
        if command.prepare is not None:
            admitted = replace(admitted, prepared=await command.prepare(admitted))

        def unit(tx: Tx) -> JsonObject | Refused:
            self._require_decided(admitted, tx)
            require_unused_key(tx, admitted.call)
            who, told = admitted.principal, (admitted.contract, admitted.value)
            require_consent(tx, self.sealer, who.workspace, *told, tx.now)
            done = command.apply(admitted, tx)
            if isinstance(done, Refused):
                tx.append(self.recorder.failed(admitted, done.problem))
                return done
            output = self.registry.output_of(admitted.contract).check(done, "/output")
            events = self._emitted(admitted, output, command.emits)
            masked = self._mask(admitted, output)
            tx.append(self.recorder.completed(admitted, output, events, command.recorded))
            return masked

        try:
            done = await self.journal.write(naming(unit, admitted.value.get("executionId")))
        except ProblemError as error:
            if error.problem.status < 500:
                await self.recorder.queue(self.recorder.failed(admitted, error.problem))
            raise
        if isinstance(done, Refused):
            raise ProblemError(done.problem)
        return done

    def _require_decided(self, admitted: Admitted, tx: Tx) -> None:
        """Refuse to go on under another policy than access was decided under."""
        head = tx.policy_head()
        if head is not None and head != admitted.access.revision:
            self.policies.observe(head)
            raise _PolicyMovedError

    def _emitted(
        self, admitted: Admitted, output: JsonObject, refs: tuple[str, ...] | None
    ) -> list[JsonObject]:
        """The events that a built-in command emits, as they are recorded with the call."""
        contract = admitted.contract
        refs = contract.emits if refs is None else refs
        events = declared_events(self.registry, refs, admitted.value, output)
        owner = named_owner(admitted.owner, contract.policy.subject, admitted.value, output)
        return seal_events(self.sealer, owner, self.registry, contract, events)

    async def _answer_query(self, admitted: Admitted, query: Query) -> JsonObject:
        await require_consent_now(self.journal, self.sealer, self.recorder, admitted)
        if query.prepare is not None:
            admitted = replace(admitted, prepared=await query.prepare(admitted))
        found = await self.journal.read(partial(query.answer, admitted), self.answer_bytes)
        output = self.registry.output_of(admitted.contract).check(found, "/output")
        kept = query.recorded(output) if query.recorded is not None else None
        reading = query.reading(admitted, output) if query.reading is not None else None
        masked = self._mask(admitted, output)
        entry = self.recorder.answered(admitted, kept, reading)
        record = self.recorder.write if query.durable else self.recorder.queue
        await record(entry)
        return masked

    async def _perform_query_action(self, admitted: Admitted) -> JsonObject:
        call, contract = admitted.call, admitted.contract
        if admitted.verdict is None or contract.handler is None:
            raise AssertionError("only contracts with a handler come here")
        if admitted.verdict.verdict is not Verdict.AUTONOMOUS:
            await self.recorder.blocked(admitted)
            raise refuse("FORBIDDEN", f"{contract.key}: {' '.join(admitted.verdict.reasons)}")
        await require_standing_now(self.journal, self.registry, admitted)
        await require_consent_now(self.journal, self.sealer, self.recorder, admitted)
        asked = ActionCall(
            contract=contract,
            input=admitted.value,
            idempotency_key=admitted.verdict.decision_id,
            timeout=contract.handler.timeout,
            trace_id=call.trace_id,
            take=self.registry.output_of(contract).take,
        )
        try:
            outcome = await self.actions.perform(asked)
        except asyncio.CancelledError:  # given up, but the service was asked all the same
            given_up = problem("TIMEOUT", f"{contract.key} was given up before it answered.")
            await self.recorder.queue(self.recorder.failed(admitted, given_up))
            raise
        try:
            output = output_of(self.registry, contract, admitted.value, outcome)
        except ProblemError as error:
            await self.recorder.queue(self.recorder.failed(admitted, error.problem))
            raise
        masked = self._mask(admitted, output)
        await self.recorder.queue(self.recorder.answered(admitted))
        return masked

    async def _repeat(self, admitted: Admitted, earlier: RecordedCall) -> JsonObject:
        """The answer to a call whose idempotency key was used before."""
        if earlier.input_digest != self.recorder.input_digest(admitted.call, admitted.value):
            raise refuse(
                "CONFLICT",
                f"The idempotency key was used for another input of {admitted.contract.key} at "
                f"{earlier.at}. Use a new key for a new call.",
            )
        output: JsonObject
        if earlier.execution_id is not None:
            output = await self.direct.resume(admitted, earlier.execution_id)
        else:
            output = open_answer(self.sealer, admitted.principal.workspace, earlier.output or {})
        return await self._show(admitted, output)

    async def _show(self, admitted: Admitted, output: JsonObject) -> JsonObject:
        """An answer that comes after the record of its call: what it shows is recorded now."""
        masked = self._mask(admitted, output)
        if admitted.shown:
            await self.recorder.queue(self.recorder.shown(admitted))
        return masked

    def _mask(self, admitted: Admitted, output: JsonObject) -> JsonObject:
        contract, principal = admitted.contract, admitted.principal
        hashed = partial(self.sealer.commit, principal.workspace)
        treat = admitted.shown.watching(partial(self.policies.treatment, principal))

        def mask(path: str, value: JsonValue) -> JsonValue:
            return mask_value(value, treat(contract.ref, f"output.{path}"), hashed)

        return masked_output(contract, output, mask)


class _PolicyMovedError(Exception):
    """Another policy revision came into force after access was decided."""
