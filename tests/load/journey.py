"""What one visitor does: from the intent to the event that says that the run is over."""

import asyncio
import json
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.bench.world import ASKS, FIVE_STEPS
from tests.load.connections import Answer, Connections, GoneError
from tests.load.following import BLOCKED, COMPLETED, FAILED, Following

WORKSPACE = "load"
_TRIES = 6
_DONE_WITHIN = 120.0
_REFUSALS = frozenset({"SERVICE_UNAVAILABLE", "RATE_LIMITED"})

SUBMIT = ("controlPlaneIntentSubmit", "executionId intentId")
COMPILE = ("controlPlanePlanCompile", "planId")
VERIFY = ("controlPlanePlanVerify", "verdict")
START = ("controlPlaneExecutionStart", "runId")
APPROVE = ("controlPlaneExecutionApprove", "status")
CANCEL = ("controlPlaneExecutionCancel", "status")


class GivenUpError(Exception):
    """The visit ended before its run was over; the tally says why."""


@dataclass
class Tally:
    """What came of all visits. Times are in seconds; ``seconds`` of the run on the clock."""

    began: float = field(default_factory=time.perf_counter)
    visits: int = 0
    started: int = 0
    completed: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    bare_refusals: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    took: dict[str, list[float]] = field(default_factory=dict)
    done: list[tuple[float, float]] = field(default_factory=list)
    woken: list[float] = field(default_factory=list)

    def answered(self, what: str, answer: Answer) -> None:
        """Count an answer that was no refusal."""
        self.took.setdefault(what, []).append(answer.took)

    def finished(self, since: float, at: float) -> None:
        """Count a run that was started at ``since`` and over at ``at``."""
        self.completed += 1
        self.done.append((at - self.began, at - since))


@dataclass
class Visitor:
    """Makes visits to the gateways behind ``connections``, in turn."""

    connections: list[Connections]
    tokens: dict[str, str]
    following: Following
    tally: Tally
    _next: int = 0

    async def call(self, who: str, operation: tuple[str, str], value: Any, tries: int = 1) -> Any:
        """Send a mutation; one that is refused is sent again after the time that it names.

        Raises:
            GivenUpError: it failed, or was refused as often as there are tries.
        """
        field_name, selection = operation
        query = (
            f"mutation ($input: {field_name[0].upper()}{field_name[1:]}Input!) "
            f"{{ {field_name}(input: $input) {{ {selection} }} }}"
        )
        text = json.dumps({"query": query, "variables": {"input": value}}, separators=(",", ":"))
        body = text.encode()  # as JavaScript writes it
        for left in reversed(range(tries)):
            try:
                answer = await self._send(who, body)
            except GoneError as error:
                self.tally.failed[f"{field_name}: {error}"] += 1
                raise GivenUpError from error
            code = answer.refusal
            if code is None:
                self.tally.answered(field_name, answer)
                return answer.body["data"][field_name]
            if code not in _REFUSALS:
                self.tally.failed[f"{field_name}: {code}"] += 1
                break
            self.tally.refused[field_name] += 1
            self.tally.bare_refusals += answer.retry_after is None
            if left:
                await asyncio.sleep(answer.retry_after or 1.0)
        raise GivenUpError

    async def _send(self, who: str, body: bytes) -> Answer:
        self._next += 1
        connections = self.connections[self._next % len(self.connections)]
        return await connections.send(
            connections.request("POST", "/graphql", self.tokens[who], body)
        )

    async def prepare(self, draft: Any) -> dict[str, str]:
        """Submit, compile and verify; returns what start takes."""
        intent = await self.call("agent", SUBMIT, {"workspaceId": WORKSPACE, "text": "add"})
        ids = {"executionId": intent["executionId"]}
        given = {**ids, "intentId": intent["intentId"], "draft": draft}
        ids["planId"] = (await self.call("agent", COMPILE, given, _TRIES))["planId"]
        await self.call("agent", VERIFY, ids, _TRIES)
        return ids

    async def visit(self) -> bool:
        """A run of five steps, from the intent to its end; False if it did not get there."""
        self.tally.visits += 1
        try:
            ids = await self.prepare(FIVE_STEPS)
            execution = ids["executionId"]
            done = self.following.expect(execution, COMPLETED)
            began = time.perf_counter()
            await self.call("olga", START, ids, _TRIES)
            self.tally.started += 1
            return await self._until(done, execution, began)
        except GivenUpError:
            return False

    async def park(self) -> dict[str, str]:
        """Start a run that waits for an approval; returns what approve takes."""
        ids = await self.prepare(ASKS)
        execution = ids["executionId"]
        blocked = self.following.expect(execution, BLOCKED)
        await self.call("olga", START, ids, _TRIES)
        _, payload = await asyncio.wait_for(blocked, _DONE_WITHIN)
        return {"executionId": execution, "stepId": payload["stepId"]}

    async def approve(self, parked: dict[str, str]) -> None:
        """Approve, and wait for the run to end; the time counts from the sending."""
        done = self.following.expect(parked["executionId"], COMPLETED)
        began = time.perf_counter()
        await self.call("fiona", APPROVE, {**parked, "approvedBy": "fiona"})
        at, _ = await asyncio.wait_for(done, _DONE_WITHIN)
        self.tally.woken.append(at - began)

    async def cancel(self, parked: dict[str, str]) -> None:
        """Cancel a run."""
        value = {"executionId": parked["executionId"], "cancelledBy": "olga"}
        await self.call("olga", CANCEL, value)

    async def _until(
        self, done: "asyncio.Future[tuple[float, Any]]", execution: str, began: float
    ) -> bool:
        failed = self.following.expect(execution, FAILED)
        both = {done, failed}
        await asyncio.wait(both, timeout=_DONE_WITHIN, return_when=asyncio.FIRST_COMPLETED)
        self.following.forget(execution)
        if done.done():
            self.tally.finished(began, done.result()[0])
        else:
            self.tally.failed["run failed" if failed.done() else "run not over in time"] += 1
        return done.done()
