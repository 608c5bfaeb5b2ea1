"""Who acts in a play: requesters, approvers, operators and readers, each a thread of its own.

What each of them does is drawn from a seeded generator of its own; when it happens is up to the
processes, as it would be in life.
"""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.faults.clients import Client
from tests.faults.follower import Follower
from tests.faults.history import OK, Operation
from tests.faults.plans import draft

JsonObject = dict[str, Any]

SUBMIT = ("controlPlaneIntentSubmit", "executionId intentId")
COMPILE = ("controlPlanePlanCompile", "planId")
VERIFY = ("controlPlanePlanVerify", "verdict")
START = ("controlPlaneExecutionStart", "runId status")
APPROVE = ("controlPlaneExecutionApprove", "status")
REJECT = ("controlPlaneExecutionReject", "status")
WAITING = ("controlPlaneApprovalList", "items { executionId stepId }")
READ = ("controlPlaneExecutionGet", "execution { status }")
COMMANDS = {
    "cancel": ("controlPlaneExecutionCancel", "cancelledBy"),
    "pause": ("controlPlaneExecutionPause", "pausedBy"),
    "resume": ("controlPlaneExecutionResume", "resumedBy"),
    "shutdown": ("controlPlaneExecutionShutdown", "shutdownBy"),
    "abort": ("controlPlaneExecutionAbort", "abortedBy"),
    "retry": ("controlPlaneExecutionRetry", "retriedBy"),
}
_DRAWN = ("pause",) * 4 + ("resume",) * 6 + ("retry",) * 2 + ("cancel", "shutdown", "abort")


@dataclass(frozen=True)
class Started:
    """A run that was started."""

    execution: str
    run: str


@dataclass
class Stage:
    """What all people of a play share: the runs that were started, and whether the play goes on."""

    started: list[Started] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def pause(self, moments: Random, longest: float) -> bool:
        """Wait a moment; True once the play is over."""
        return self.over.wait(moments.uniform(0.0, longest))


def request(stage: Stage, requester: Client, admin: Client, run: int) -> Started | None:
    """Take one run from its intent to its start; None where somebody was faster, or it failed."""
    drafted = draft(run, Random(run))  # noqa: S311 - a shape to be repeated, not a secret
    value: JsonObject = {"workspaceId": "acme", "text": f"Run {run}"}
    operation, intent = requester.do("submit", SUBMIT, value, key=f"submit-{run}")
    if operation.outcome != OK:
        return None
    execution = operation.execution = str(intent["executionId"])
    marks = {"steps": drafted.marks}
    value = {**_named(intent, "executionId", "intentId"), "draft": {"steps": drafted.steps}}
    given: JsonObject = {"execution": execution}
    done, plan = requester.do("compile", COMPILE, value, key=f"compile-{run}", noted=marks, **given)
    if done.outcome != OK:
        return None
    value = {"executionId": execution, "planId": plan["planId"]}
    done, _ = admin.do("verify", VERIFY, value, key=f"verify-{run}", **given)
    done, begun = admin.do("start", START, value, key=f"start-{run}", **given)
    if done.outcome != OK:
        return None
    made = Started(execution, str(begun["runId"]))
    stage.started.append(made)
    return made


def _named(of: JsonObject, *names: str) -> JsonObject:
    return {name: of[name] for name in names}


def decide(stage: Stage, approver: Client) -> None:
    """Approve most of what waits and reject some of it, as long as the play lasts."""
    while not stage.pause(approver.moments, 0.15):
        waiting = approver.look(WAITING, {"status": "PENDING"})
        items = waiting["items"] if waiting else []
        if items:
            rejects = approver.moments.random() < 0.12
            decide_one(approver, approver.moments.choice(items), rejects=rejects)


def decide_one(approver: Client, item: JsonObject, *, rejects: bool = False) -> Operation:
    """Approve or reject one request; half of the time with a key, until it is answered."""
    about = {"execution": item["executionId"], "step": item["stepId"]}
    key = f"{approver.name}-{approver.moments.getrandbits(60)}"
    given: JsonObject = {"key": key if approver.moments.random() < 0.5 else None, **about}
    if rejects:
        value = {**item, "rejectedBy": approver.name, "reason": "It is not due."}
        return approver.do("reject", REJECT, value, **given)[0]
    value = {**item, "approvedBy": approver.name}
    return approver.do("approve", APPROVE, value, **given)[0]


def operate(stage: Stage, operator: Client, longest: float) -> None:
    """Steer runs at random, as long as the play lasts."""
    while not stage.pause(operator.moments, longest):
        if stage.started:
            run = operator.moments.choice(stage.started[-8:])
            command(operator, operator.moments.choice(_DRAWN), run)


def command(operator: Client, kind: str, run: Started) -> Operation:
    """Give one command for a run; half of the time with a key, until it is answered."""
    field_, by = COMMANDS[kind]
    named = {"executionId": run.execution} if kind == "cancel" else {"runId": run.run}
    key = f"{operator.name}-{operator.moments.getrandbits(60)}"
    given = key if operator.moments.random() < 0.5 else None
    call = (field_, "status")
    value = {**named, by: operator.name}
    return operator.do(kind, call, value, key=given, execution=run.execution)[0]


def watch(stage: Stage, reader: Client) -> None:
    """Read the state of runs, as long as the play lasts."""
    while not stage.pause(reader.moments, 0.08):
        if stage.started:
            read(reader, reader.moments.choice(stage.started[-12:]).execution)


def read(reader: Client, execution: str) -> str | None:
    """The state of an execution, as the reader is told it; None where there was no answer."""
    operation, told = reader.do("read", READ, {"executionId": execution}, execution=execution)
    if operation.outcome == OK:
        operation.status = told["execution"]["status"]
    return operation.status


def follow(stage: Stage, follower: Follower) -> None:
    """Follow the events, as long as the play lasts."""
    while not stage.pause(follower.client.moments, 0.1):
        follower.read()


def start_runs(
    stage: Stage, requester: Client, admin: Client, runs: Iterator[int], pace: float
) -> None:
    """Start runs one after the other, as long as the play lasts."""
    while True:
        began = time.monotonic()
        request(stage, requester, admin, next(runs))
        if stage.over.wait(max(0.0, began + pace - time.monotonic())):
            return
