"""A gateway before the example service, and the people who act in the tests."""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.processes import Caller, JsonObject, Server, Service, stop


@dataclass
class World:
    """A gateway before the example service, and the people of the story."""

    gateway: Server
    service: Service

    def __post_init__(self) -> None:
        self.agent = self.gateway.caller("agent-7", "user", "planner", kind="agent")
        self.olga = self.gateway.caller("olga", "admin")
        self.fiona = self.gateway.caller("fiona", "user", "approver")

    def submit(self, who: Caller | None = None, text: str = "Please refund o-1001") -> JsonObject:
        """Submit an intent."""
        return (who or self.agent).mutate(
            "controlPlaneIntentSubmit",
            "executionId intentId status receivedAt",
            {"workspaceId": "acme", "text": text},
        )

    def compile(
        self, steps: list[JsonObject], who: Caller | None = None, submitter: Caller | None = None
    ) -> JsonObject:
        """Submit and compile a draft; returns executionId, intentId and planId."""
        intent = self.submit(submitter or who)
        plan = (who or self.agent).mutate(
            "controlPlanePlanCompile",
            "planId stepCount deterministicHash compiledAt",
            {
                "executionId": intent["executionId"],
                "intentId": intent["intentId"],
                "draft": {"steps": steps},
            },
        )
        return {**intent, **plan}

    def verify(self, planned: JsonObject, who: Caller | None = None) -> JsonObject:
        return (who or self.olga).mutate(
            "controlPlanePlanVerify",
            "verdict requiresApproval blockedReasons verifiedAt",
            {"executionId": planned["executionId"], "planId": planned["planId"]},
        )

    def run(self, steps: list[JsonObject], mode: str | None = None) -> JsonObject:
        """Submit, compile, verify and start; returns what start answered too."""
        planned = self.compile(steps)
        self.verify(planned)
        value = {"executionId": planned["executionId"], "planId": planned["planId"]}
        started = self.olga.mutate(
            "controlPlaneExecutionStart",
            "runId status startedAt",
            {**value, **({"mode": mode} if mode else {})},
        )
        return {**planned, **started}

    def execution(self, execution_id: str) -> JsonObject:
        found = self.olga.query(
            "controlPlaneExecutionGet",
            "execution { executionId intentId planId runId status riskTier requiresApproval }",
            {"executionId": execution_id},
        )
        execution: JsonObject = found["execution"]
        return execution

    def wait(self, execution_id: str, *statuses: str, seconds: float = 20.0) -> JsonObject:
        """Wait until the execution has one of these statuses."""
        found: JsonObject = {}

        def reached() -> bool:
            found.update(self.execution(execution_id))
            return found["status"] in statuses

        wait_until(reached, seconds, lambda: f"{found} is none of {statuses}")
        return found

    def plan(self, execution_id: str, who: Caller | None = None) -> JsonObject:
        return (who or self.olga).query(
            "controlPlanePlanGet",
            "planId deterministicHash verdict steps { stepId key contract status verdict riskTier "
            "dependsOn input output problem reasons attempt attempts { number status "
            "idempotencyKey problem } } edges { source target path }",
            {"executionId": execution_id},
        )

    def step(self, execution_id: str, key: str) -> JsonObject:
        steps = self.plan(execution_id)["steps"]
        return next(step for step in steps if step["key"] == key)

    def approvals(self, execution_id: str, status: str | None = None) -> list[JsonObject]:
        found = self.fiona.query(
            "controlPlaneApprovalList",
            "total items { approvalId executionId stepId contract requestedBy arguments reason "
            "risk requestedAt expiresAt status approverRole quorum approvals }",
            {"executionId": execution_id, **({"status": status} if status else {})},
        )
        items: list[JsonObject] = found["items"]
        return items

    def trace(self, execution_id: str, payloads: bool = False) -> list[JsonObject]:
        found = self.olga.query(
            "controlPlaneTraceGet",
            "entries { timestamp stage status actorId metadata }",
            {"executionId": execution_id, "includePayloads": payloads},
        )
        entries: list[JsonObject] = found["entries"]
        return entries


def wait_until(
    reached: Callable[[], bool], seconds: float, told: Callable[[], str] = lambda: "too late"
) -> None:
    """Poll until ``reached``."""
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline, told()
        time.sleep(0.02)


def make_world(folder: Path, module: str = "gateway.cli", **settings: str) -> World:
    """Start the example service and a gateway, by ``module``, that may call it."""
    service = Service(folder)
    service.start()
    host = service.url.removeprefix("http://")
    env = {
        **{key: value for key, value in os.environ.items() if not key.startswith("GATEWAY_")},
        "GATEWAY_ACTION_ORIGINS": f"http://support.internal={service.url}",
        "GATEWAY_ACTION_HOSTS": host,
        "GATEWAY_MAX_DELAY": "60",  # a slow disk is no reason to refuse what a test asks for
        **settings,
    }
    gateway = Server(folder, env, module=module)
    try:
        gateway.start()
        return World(gateway, service)
    except BaseException:
        assert service.process is not None
        stop(service.process)
        raise


def end_world(world: World) -> None:
    """End both processes. Nobody looks at what they leave, so nothing is waited for."""
    for process in (world.gateway.process, world.service.process):
        if process is not None:
            stop(process, signal.SIGKILL)
