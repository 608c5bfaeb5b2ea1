"""Recording calls: what the journal keeps of a call beside the facts that its handler appended."""

import asyncio
from collections import Counter
from collections.abc import Callable
from threading import Lock

from msgspec.structs import replace

from gateway.contracts import pii_of
from gateway.model.entry import EntryType, NewEntry
from gateway.model.json import JsonObject, JsonValue
from gateway.model.pii import named_owner
from gateway.model.ports import Clock, Journal, Sealer, Tx
from gateway.model.problem import Problem
from gateway.model.sealing import seal_paths
from gateway.model.shown import Shown
from gateway.model.tasks import cancelled
from gateway.model.time import stamp
from gateway.pipeline.answers import seal_output
from gateway.pipeline.call import Admitted, Call

_MINUTE = 60.0


class CallRecorder:
    """Writes the record of calls; holds the counts of anonymous denials of this minute."""

    def __init__(self, journal: Journal, sealer: Sealer, clock: Clock) -> None:
        self._journal = journal
        self._sealer = sealer
        self._clock = clock
        self._denied: Counter[str] = Counter()
        self._minute = ""
        self._lock = Lock()
        self._flushing: asyncio.Task[None] | None = None

    def input_digest(self, call: Call, value: JsonObject) -> str:
        """The keyed digest of an input: tells two inputs apart without telling what they are."""
        return self._sealer.commit(call.principal.workspace, value)

    def completed(
        self,
        admitted: Admitted,
        output: JsonObject,
        events: list[JsonObject],
        kept: Callable[[JsonObject], JsonObject] | None = None,
    ) -> NewEntry:
        """The record of a built-in command that was performed; ``events`` are sealed.

        ``kept`` takes from the answer what the record keeps of it, where that is not the whole. An
        idempotency key has no effect then: what is not kept cannot be answered again.
        """
        if kept is not None:
            return self._completed(admitted, kept(output), None, events, keyed=False)
        contract = admitted.contract
        owner = named_owner(admitted.owner, contract.policy.subject, admitted.value)
        sealed = seal_output(self._sealer, owner, contract, output)
        return self._completed(admitted, sealed, None, events)

    def now(self) -> str:
        """The present moment as a stamp."""
        return stamp(self._clock.now())

    def started(self, admitted: Admitted, execution_id: str) -> NewEntry:
        """The record of a direct call: its answer is that of the execution, and comes later."""
        later = replace(admitted, shown=Shown(later=True))
        return self._completed(later, None, execution_id, [])

    def _completed(
        self,
        admitted: Admitted,
        output: JsonObject | None,
        execution_id: str | None,
        events: list[JsonObject],
        *,
        keyed: bool = True,
    ) -> NewEntry:
        call = admitted.call
        return self._entry(
            EntryType.CALL_COMPLETED,
            call,
            {
                "key": call.contract.ref,
                "idempotencyKey": call.idempotency_key if keyed else None,
                "inputDigest": self.input_digest(call, admitted.value),
                "output": output,
                "executionId": execution_id,
                "events": events,
                "decision": admitted.access.to_json(),
                "seen": admitted.shown.to_json(),
            },
        )

    def failed(self, admitted: Admitted, problem: Problem) -> NewEntry:
        """The record of a command that its handler refused."""
        kind = EntryType.CALL_DENIED if problem.status == 403 else EntryType.CALL_FAILED
        return self._entry(
            kind,
            admitted.call,
            {
                "inputDigest": self.input_digest(admitted.call, admitted.value),
                "code": problem.code,
                "decision": admitted.access.to_json(),
                **self._verdict(admitted),
            },
        )

    def answered(
        self,
        admitted: Admitted,
        answer: JsonObject | None = None,
        reading: JsonObject | None = None,
    ) -> NewEntry:
        """The record of a query that was answered: what is kept of the ``answer``, what was
        looked for (``reading``), and what of personal data the caller was shown."""
        return self._entry(
            EntryType.QUERY_ANSWERED,
            admitted.call,
            {
                "inputDigest": self.input_digest(admitted.call, admitted.value),
                "decision": admitted.access.to_json(),
                "verdict": None,
                **self._verdict(admitted),
                **({} if answer is None else {"answer": answer}),
                **({} if reading is None else {"reading": reading}),
                "seen": admitted.shown.to_json(),
            },
        )

    def shown(self, admitted: Admitted) -> NewEntry:
        """What a caller was shown in an answer that came after the record of the call."""
        body = {"decisionId": admitted.access.decision_id, "seen": admitted.shown.to_json()}
        return self._entry(EntryType.ANSWER_SHOWN, admitted.call, body)

    def events_shown(self, admitted: Admitted, told: JsonObject) -> NewEntry:
        """What a subscriber was shown in a stretch of a stream, by how many events."""
        body = {"decisionId": admitted.access.decision_id, "seen": admitted.shown.to_json()}
        return self._entry(EntryType.EVENTS_SHOWN, admitted.call, {**body, **told})

    async def denied(self, call: Call, decision: JsonObject, **more: JsonValue) -> None:
        """Record a denial; anonymous ones are counted, one entry for each minute that has any."""
        if call.principal.is_anonymous:
            await self._counted(call.contract.ref)
        else:
            body = {"decision": decision, **more}
            await self.queue(self._entry(EntryType.CALL_DENIED, call, body))

    async def blocked(self, admitted: Admitted) -> None:
        """Record a query that its verdict does not let run, which is a denial."""
        told = self._verdict(admitted)
        decision = told.pop("verdict", {})
        await self.denied(admitted.call, decision, access=admitted.access.to_json(), **told)

    def _verdict(self, admitted: Admitted) -> JsonObject:
        """The verdict on a query with all that it came from, so that it can be decided again.

        That of a command stands with its execution.
        """
        contract = admitted.contract
        if admitted.verdict is None or contract.is_command:
            return {}
        sealed = seal_paths(
            self._sealer,
            admitted.owner,
            contract.ref,
            "input",
            admitted.value,
            pii_of(contract, "input"),
            subject=contract.policy.subject,
        )
        return {
            "verdict": admitted.verdict.to_json(),
            "input": sealed,
            "contractDigest": contract.digest,
        }

    async def write(self, entry: NewEntry) -> None:
        """Record, and return once that is durable.

        Raises:
            ProblemError: SERVICE_UNAVAILABLE when it could not be made durable.
        """
        await self._journal.write(lambda tx: tx.append(entry))

    async def queue(self, entry: NewEntry) -> None:
        """Record without waiting for durability; waits only while the queue is full."""

        def unit(tx: Tx) -> None:
            tx.append(entry)

        await self._journal.record(unit)

    def start(self) -> None:
        """Begin to write the counts of anonymous denials once a minute."""
        self._flushing = asyncio.create_task(self._flush_periodically())

    async def stop(self) -> None:
        """Write the counts that are left."""
        await cancelled(self._flushing)
        await self.flush()

    async def _flush_periodically(self) -> None:
        while True:
            await asyncio.sleep(_MINUTE)
            await self.flush()

    async def flush(self) -> None:
        """Record the anonymous denials counted so far."""
        with self._lock:
            entry = self._take()
        if entry:
            await self.queue(entry)

    async def refused_token(self) -> None:
        """Count a caller whose token does not hold."""
        await self._counted("authentication")

    async def _counted(self, what: str) -> None:
        entry = self._count(what)
        if entry:
            await asyncio.shield(self.queue(entry))  # counts that are taken are recorded

    def _count(self, what: str) -> NewEntry | None:
        minute = self._clock.now().strftime("%Y-%m-%dT%H:%MZ")
        with self._lock:
            entry = self._take() if minute != self._minute else None
            self._minute = minute
            self._denied[what] += 1
        return entry

    def _take(self) -> NewEntry | None:
        if not self._denied:
            return None
        counts, minute = dict(self._denied), self._minute
        self._denied.clear()
        body = {"minute": minute, "counts": counts, "principal": "anonymous"}
        return NewEntry(EntryType.CALLS_DENIED, "", body)

    def _entry(self, kind: EntryType, call: Call, body: JsonObject) -> NewEntry:
        who = call.principal
        told = {
            "contract": call.contract.ref,
            "subject": who.subject,
            "principalType": who.type.value,
            "roles": sorted(who.roles),
            "capabilities": None if who.capabilities is None else sorted(who.capabilities),
            "session": who.session,
            "traceId": call.trace_id,
            **body,
        }
        return NewEntry(kind, who.workspace, told, actor=who.subject)
