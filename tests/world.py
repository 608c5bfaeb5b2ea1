"""A real gateway and the real example service, each in its own process, over real HTTP."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from gateway.identity import LocalIssuer
from gateway.model.principal import PrincipalType

ROOT = Path(__file__).resolve().parents[1]
GATEWAY = [sys.executable, "-m", "gateway.cli"]
JsonObject = dict[str, Any]

# One client for all callers, since making one takes long; it keeps no connection, so that a server
# that was killed leaves none behind.
_HTTP = httpx.Client(timeout=30, limits=httpx.Limits(max_keepalive_connections=0))


def start(command: list[str], env: dict[str, str], log: Path) -> tuple[subprocess.Popen[str], str]:
    """Start a process and wait for the line that says where it listens."""
    with log.open("a") as errors:
        process = subprocess.Popen(
            command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=errors, text=True
        )
    assert process.stdout is not None
    line = process.stdout.readline()
    found = re.search(r"http://\S+", line)
    if found is None:
        process.kill()
        raise AssertionError(f"{command} did not start: {line!r} {log.read_text()[-3000:]}")
    return process, found[0]


def stop(process: subprocess.Popen[str], how: signal.Signals = signal.SIGTERM) -> int:
    """End a process that we started, and wait for it."""
    if process.poll() is None:
        process.send_signal(how)
    code = process.wait(timeout=30)
    if process.stdout is not None:
        process.stdout.close()
    return code


@dataclass
class Service:
    """The example service as a process; its effects can be counted."""

    folder: Path
    process: subprocess.Popen[str] | None = None
    url: str = ""

    def start(self) -> None:
        command = [sys.executable, "-m", "examples.support_service"]
        port = self.url.rpartition(":")[2] or "0"
        db = str(self.folder / "support.db")
        self.process, self.url = start(
            [*command, "--port", port, "--db", db], dict(os.environ), self.folder / "service.log"
        )

    def effects(self, kind: str | None = None) -> list[JsonObject]:
        """What really happened at the service."""
        answer = _HTTP.get(f"{self.url}/effects", params={"kind": kind} if kind else {})
        found: list[JsonObject] = answer.json()["effects"]
        return found

    def fault(self, path: str, mode: str, **more: object) -> None:
        """Make the service fail on the next requests to ``path``."""
        body = {"path": path, "mode": mode, **more}
        _HTTP.post(f"{self.url}/_faults", json=body).raise_for_status()

    def clear_faults(self) -> None:
        """Let the service work as it should."""
        _HTTP.delete(f"{self.url}/_faults").raise_for_status()


@dataclass
class Server:
    """A gateway as a process, with a data folder of its own."""

    folder: Path
    env: dict[str, str]
    process: subprocess.Popen[str] | None = None
    url: str = ""

    @property
    def data_dir(self) -> Path:
        return self.folder / "data"

    @property
    def serving(self) -> list[str]:
        """The command that serves on this data folder."""
        return [*GATEWAY, "serve", "--port", "0", "--data-dir", str(self.data_dir)]

    def start(self) -> None:
        self.process, self.url = start(self.serving, self.env, self.folder / "gateway.log")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        assert self.process is not None
        return stop(self.process, how)

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run ``gateway ...`` beside the server, on its data folder."""
        return subprocess.run(
            [*GATEWAY, *arguments, "--data-dir", str(self.data_dir)],
            cwd=ROOT, env=self.env, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    def token(self, subject: str, *roles: str, kind: str = "human", workspace: str = "acme") -> str:
        """A development token; signed here, because starting the command each time takes long."""
        issuer = LocalIssuer.open(self.data_dir)
        return issuer.issue(
            subject=subject,
            type=PrincipalType(kind),
            roles=roles or ("user",),
            workspace=workspace,
            ttl=3600,
        )

    def caller(
        self, subject: str, *roles: str, kind: str = "human", workspace: str = "acme"
    ) -> "Caller":
        return Caller(self, self.token(subject, *roles, kind=kind, workspace=workspace))

    def anonymous(self) -> "Caller":
        return Caller(self, None)

    def log(self) -> str:
        return (self.folder / "gateway.log").read_text()


@dataclass
class Caller:
    """Somebody with a token, who sends GraphQL."""

    server: Server
    token: str | None

    def send(
        self, query: str, variables: JsonObject | None = None, **headers: str
    ) -> httpx.Response:
        if self.token is not None:
            headers = {"authorization": f"Bearer {self.token}", **headers}
        body = {"query": query, "variables": variables or {}}
        return _HTTP.post(f"{self.server.url}/graphql", json=body, headers=headers)

    def _call(self, kind: str, field: str, selection: str, value: JsonObject, key: str | None):  # type: ignore[no-untyped-def]
        name = field[0].upper() + field[1:]
        declared, passed = "", ""
        variables: JsonObject = {"input": value}
        if key is not None:
            declared, passed = ", $key: String", ", idempotencyKey: $key"
            variables["key"] = key
        query = (
            f"{kind} ($input: {name}Input!{declared}) "
            f"{{ {field}(input: $input{passed}) {{ {selection} }} }}"
        )
        return self.send(query, variables).json()

    def mutate(
        self, field: str, selection: str, value: JsonObject, key: str | None = None
    ) -> JsonObject:
        """Call a mutation; returns its output, or fails the test."""
        answer = self._call("mutation", field, selection, value, key)
        assert "errors" not in answer, answer
        output: JsonObject = answer["data"][field]
        return output

    def query(self, field: str, selection: str, value: JsonObject) -> JsonObject:
        """Call a query; returns its output, or fails the test."""
        answer = self._call("query", field, selection, value, None)
        assert "errors" not in answer, answer
        output: JsonObject = answer["data"][field]
        return output

    def refused(
        self,
        field: str,
        selection: str,
        value: JsonObject,
        key: str | None = None,
        kind: str = "mutation",
    ) -> JsonObject:
        """Call something that must be refused; returns the error's extensions."""
        answer = self._call(kind, field, selection, value, key)
        assert "errors" in answer, answer
        extensions: JsonObject = answer["errors"][0]["extensions"]
        return extensions


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


def make_world(folder: Path, **settings: str) -> World:
    """Start the example service and a gateway that may call it."""
    service = Service(folder)
    service.start()
    host = service.url.removeprefix("http://")
    env = {
        **{key: value for key, value in os.environ.items() if not key.startswith("GATEWAY_")},
        "GATEWAY_ACTION_ORIGINS": f"http://support.internal={service.url}",
        "GATEWAY_ACTION_HOSTS": host,
        **settings,
    }
    gateway = Server(folder, env)
    try:
        gateway.start()
        return World(gateway, service)
    except BaseException:
        assert service.process is not None
        stop(service.process)
        raise


def end_world(world: World) -> None:
    """Stop both processes."""
    for process in (world.gateway.process, world.service.process):
        if process is not None:
            stop(process)
