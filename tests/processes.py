"""The processes of a test: a real gateway, the real example service, and who calls them."""

import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import httpx

from gateway.environment import load_settings
from gateway.identity import LocalIssuer
from gateway.loading import local_issuer
from gateway.model.ports import Clock
from gateway.model.principal import PrincipalType
from tests.forking import Forked, run_to_end
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[1]
GATEWAY = [sys.executable, "-m", "gateway.cli"]
JsonObject = dict[str, Any]

_NAMING_KEYS = ("GATEWAY_DATABASE_URL", "GATEWAY_KEY_STORE", "GATEWAY_ROOT_KEY")
"""What says where keys are that processes share."""

# One client for all callers, since making one takes long; it keeps no connection, so that a server
# that was killed leaves none behind.
HTTP = httpx.Client(timeout=30, limits=httpx.Limits(max_keepalive_connections=0))


def start(command: list[str], env: dict[str, str], log: Path) -> tuple[subprocess.Popen[str], str]:
    """Start a process and wait for the line that says where it listens."""
    with log.open("a") as errors:
        process = Forked(
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

    more: ClassVar[tuple[str, ...]] = ()
    """Further arguments of its command."""

    folder: Path
    process: subprocess.Popen[str] | None = None
    url: str = ""

    def start(self) -> None:
        command = [sys.executable, "-m", "examples.support_service"]
        port = self.url.rpartition(":")[2] or str(free_port())
        db = str(self.folder / "support.db")
        self.process, self.url = start(
            [*command, "--port", port, "--db", db, *self.more],
            dict(os.environ),
            self.folder / "service.log",
        )

    def effects(self, kind: str | None = None) -> list[JsonObject]:
        """What really happened at the service."""
        answer = HTTP.get(f"{self.url}/effects", params={"kind": kind} if kind else {})
        found: list[JsonObject] = answer.json()["effects"]
        return found

    def fault(self, path: str, mode: str, **more: object) -> None:
        """Make the service fail on the next requests to ``path``."""
        body = {"path": path, "mode": mode, **more}
        HTTP.post(f"{self.url}/_faults", json=body).raise_for_status()

    def clear_faults(self) -> None:
        """Let the service work as it should."""
        HTTP.delete(f"{self.url}/_faults").raise_for_status()


@dataclass
class Server:
    """A gateway as a process, with a data folder of its own; ``module`` is what is started."""

    folder: Path
    env: dict[str, str]
    process: subprocess.Popen[str] | None = None
    url: str = ""
    module: str = "gateway.cli"
    _issuer: LocalIssuer | None = None

    @property
    def key_dir(self) -> Path:
        return self.data_dir.with_name(f"{self.data_dir.name}-keys")

    @property
    def data_dir(self) -> Path:
        return self.folder / "data"

    @property
    def serving(self) -> list[str]:
        """The command that serves on this data folder."""
        started = [sys.executable, "-m", self.module]
        return [*started, "serve", "--port", "0", "--data-dir", str(self.data_dir)]

    def lead_by(self, policies: str) -> None:
        """From the next start on, the policy files of this folder are in force."""
        self.env |= {"GATEWAY_POLICY_DIR": policies, "GATEWAY_POLICY_SOURCE": "files"}

    def start(self) -> None:
        self.process, self.url = start(self.serving, self.env, self.folder / "gateway.log")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        assert self.process is not None
        return stop(self.process, how)

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run ``gateway ...`` beside the server, on its data folder."""
        command = [*GATEWAY, *arguments, "--data-dir", str(self.data_dir)]
        return run_to_end(command, cwd=ROOT, env=self.env)

    def accept_restore(self) -> str:
        """Accept the data folder as restored from a backup; returns what the command said."""
        done = self.command("journal", "accept-restore")
        assert done.returncode == 0, done.stderr
        return done.stdout

    def token(self, subject: str, *roles: str, kind: str = "human", workspace: str = "acme") -> str:
        """A development token; signed here, because starting the command each time takes long."""
        return self.issuer().issue(
            subject=subject,
            type=PrincipalType(kind),
            roles=roles or ("user",),
            workspace=workspace,
            ttl=3600,
        )

    def issuer(self, clock: Clock | None = None) -> LocalIssuer:
        """What signs the tokens that this gateway believes, wherever it keeps its keys."""
        if "GATEWAY_DATABASE_URL" not in self.env:
            return LocalIssuer.open(self.key_dir, clock)
        if self._issuer is None or clock is not None:
            named = {*_NAMING_KEYS} & self.env.keys()
            told = {name.removeprefix("GATEWAY_").lower(): self.env[name] for name in named}
            settings = load_settings(data_dir=self.data_dir, key_dir=self.key_dir, **told)
            self._issuer = local_issuer(settings, clock)
        return self._issuer

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
        return HTTP.post(f"{self.server.url}/graphql", json=body, headers=headers)

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
