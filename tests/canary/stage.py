"""The stage: a gateway at debug level, services that answer canaries, receivers, subscribers."""

import contextlib
import json
import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

import httpx
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from gateway.contracts import Registry, load_contracts
from gateway.model.contract import HttpHandler, OperationContract, PythonHandler
from tests.acceptance.drafts import with_verdict_rule
from tests.canary.crowd import ROLES, Person, WatchedServer
from tests.canary.generated import write_contracts
from tests.canary.handlers import MODE_FILE
from tests.canary.searching import Searcher
from tests.canary.service import CanaryService
from tests.canary.values import Canaries
from tests.processes import ROOT, Service, stop
from tests.span_receiver import SpanReceiver
from tests.webhook_receiver import SECRET, Receiver
from tests.world import World

FOLLOW = "subscription { controlPlaneEvents { cursor id type occurredAt workspaceId payload } }"
_READS_PII = "p, 150, *, *, canary*, *, subject == 'nobody', autonomous, -, -, -, -"
"""A verdict rule that looks at PII, as explanations tell of it."""

_SHOWN = (
    *(("contact", "partial"), ("financial", "hash"), ("health", "full"), ("credential", "drop")),
    ("free_text", "mask"),
)
"""How PII of each class is shown to those who may not see it, besides."""

_AT_ONCE = 16
_ENDPOINTS = (("acme", "mask"), ("acme", "drop"), ("initech", "mask"))


@dataclass
class Stage:
    """Everything that a run of the canaries has."""

    folder: Path
    registry: Registry
    canaries: Canaries
    service: CanaryService
    receiver: Receiver
    gateway: WatchedServer
    random: Random
    quick: bool = True
    counts: dict[str, int] = field(default_factory=dict)
    known: dict[str, Any] = field(default_factory=dict)
    finder: Searcher | None = None
    spans: SpanReceiver = field(default_factory=SpanReceiver)

    def __post_init__(self) -> None:
        self.world = World(self.gateway, Service(self.folder))
        caller = self.gateway.caller
        self.hans = caller("hans", "user")
        self.rita = caller("rita", "user", "admin", "pii.reader")
        self.robot = caller("robot", "user", "pii.reader", kind="agent")
        self.petra = caller("petra", "user", "privacy-officer")
        self.paul = caller("paul", "user", "privacy-officer")
        self.sara = caller("sara", "user", "auditor", "pii.reader")
        self.stranger = caller("stella", "user", "admin", workspace="initech")
        self.spy = caller("spiro", "admin", "auditor", "pii.reader", workspace="globex")

    @property
    def searcher(self) -> Searcher:
        """Looks for everything that was planted until now."""
        self.finder = self.finder or Searcher(self.canaries)
        return self.finder.learn()

    @contextmanager
    def restored(self, name: str, data: Path, keys: Path) -> Iterator["Stage"]:
        """The same stage before a gateway of its own, on copies of folders."""
        folder = self.folder / name
        gateway = WatchedServer(folder, self.gateway.env)
        shutil.copytree(data, gateway.data_dir)
        shutil.copytree(keys, gateway.key_dir)
        gateway.accept_restore()
        stage = replace(self, folder=folder, gateway=gateway)
        try:
            stage.revive()
            yield stage
        finally:
            if gateway.process is not None:
                stop(gateway.process)
            self.gateway.crowd.told += gateway.crowd.told

    @property
    def actions(self) -> list[OperationContract]:
        """Every contract with a handler."""
        found = (one for one in self.registry.operations.values() if one.handler is not None)
        return sorted(found, key=lambda one: one.ref)

    @property
    def built_in(self) -> list[OperationContract]:
        """Every contract that the gateway performs itself."""
        found = (one for one in self.registry.operations.values() if one.handler is None)
        return sorted(found, key=lambda one: one.ref)

    def field_of(self, contract: OperationContract) -> str:
        """The GraphQL field of a contract."""
        return next(name for name, one in self.registry.fields.items() if one is contract)

    @contextmanager
    def answering(self, contract: OperationContract, mode: str) -> Iterator[None]:
        """Have the handler of a contract answer in this way meanwhile."""
        file, is_http = self.folder / "mode", isinstance(contract.handler, HttpHandler)
        if is_http:
            self.service.modes[contract.ref] = mode
        else:
            file.write_text(mode)
        try:
            yield
        finally:
            if is_http:
                del self.service.modes[contract.ref]
            else:
                file.write_text("ok")

    def at_once(
        self, do: Callable[[OperationContract], None], contracts: Iterable[OperationContract]
    ) -> None:
        """Do something with several contracts at once; those in python one after the other, for
        their handlers share a mode."""
        python, others = [], []
        for one in contracts:
            (python if isinstance(one.handler, PythonHandler) else others).append(one)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            waiting = [pool.submit(do, one) for one in others]
            waiting.append(pool.submit(lambda: [do(one) for one in python]))
            for one in waiting:
                one.result()

    def count(self, what: str, answer: dict[str, Any]) -> None:
        """Note how a call ended, so that a run that reaches nothing is seen."""
        errors = answer.get("errors")
        code = errors[0]["extensions"]["code"] if errors else "OK"
        self.note(f"{what}: {code}")

    def note(self, what: str) -> None:
        """Note that something came about."""
        with self.gateway.crowd.lock:
            self.counts[what] = self.counts.get(what, 0) + 1

    def people(self) -> list[Person]:
        """One of each shipped role, in several forms, and some who are nobody."""
        caller = self.gateway.caller
        found = [caller(f"one-{role}", role, "user") for role in ROLES]
        found += [
            caller(f"bot-{kind}", "user", "admin", kind=kind) for kind in ("agent", "service")
        ]
        found += [caller("tool-1", "user", "pii.reader", kind="tool"), self.robot]
        found += [caller("none", "nobody"), self.gateway.anonymous(), self.stranger, self.spy]
        return [*found, self.rita]

    def follow(self, *people: Person) -> None:
        """Have people follow all events, over WebSocket and Server-Sent Events, until the end."""
        for person in people:
            for how in (_over_socket, _over_stream):
                threading.Thread(target=_until_it_ends, args=(how, person), daemon=True).start()

    def crash(self) -> None:
        """Kill the gateway in the middle of whatever it does, look at nothing, start it again."""
        self.gateway.stop(signal.SIGKILL)

    def revive(self) -> None:
        """Start the gateway again."""
        self.gateway.start()
        self.drain()

    def drain(self) -> None:
        """Keep what the gateway writes to its standard output."""
        process = self.gateway.process
        assert process is not None
        source = process.stdout
        assert source is not None

        def copy() -> None:
            with contextlib.suppress(ValueError), (self.folder / "gateway.out").open("a") as out:
                for line in source:
                    out.write(line)
                    out.flush()

        threading.Thread(target=copy, daemon=True).start()


def _until_it_ends(how: Any, person: Person) -> None:
    with contextlib.suppress(OSError, ConnectionClosed, httpx.HTTPError, EOFError):
        how(person)


def _over_socket(person: Person) -> None:
    address = person.server.url.replace("http", "ws") + "/graphql"
    with connect(address, subprotocols=[Subprotocol("graphql-transport-ws")]) as socket:
        init = {"type": "connection_init", "payload": {"authorization": f"Bearer {person.token}"}}
        socket.send(json.dumps(init))
        socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": {"query": FOLLOW}}))
        for message in socket:
            content = message if isinstance(message, bytes) else message.encode()
            person.crowd.hear(person.name, "a subscription (socket)", content, person.privileged)
            if b'"ping"' in content:
                socket.send('{"type": "pong"}')


def _over_stream(person: Person) -> None:
    headers = {"authorization": f"Bearer {person.token}", "accept": "text/event-stream"}
    body, url = {"query": FOLLOW}, person.server.url + "/graphql"
    with (
        httpx.Client(timeout=None) as client,  # noqa: S113 - it is read until the gateway ends
        client.stream("POST", url, json=body, headers=headers) as answer,
    ):
        for line in answer.iter_lines():
            person.crowd.hear(
                person.name, "a subscription (stream)", line.encode(), person.privileged
            )


def _policies(folder: Path) -> str:
    """The shipped policies with rules that look at PII, and that show it in each way."""
    with_verdict_rule(folder, _READS_PII)
    with (folder / "pii.csv").open("a") as rules:
        rules.writelines(f"p, 800, user, *, *, *, class:{name}, {how}\n" for name, how in _SHOWN)
    return str(folder)


def _endpoint(receiver: Receiver, workspace: str, pii: str) -> dict[str, Any]:
    name, secret = f"{workspace}-{pii}", "${secret:HOOK}"
    told = {"id": name, "workspace": workspace, "url": f"{receiver.url}/{name}", "secret": secret}
    return {**told, "types": ["*"], "pii": pii}


@contextmanager
def staged(folder: Path, seed: int, size: int) -> Iterator[Stage]:
    """A stage with ``size`` contracts made up from ``seed``; the gateway runs."""
    schema = folder / "schema"
    write_contracts(schema, seed, size)
    folders = [ROOT / "schema", schema]
    registry = load_contracts(
        [*(path for path in (ROOT / "schema").iterdir() if path.is_dir()), schema]
    )
    canaries = Canaries(seed)
    service = CanaryService(registry, canaries)
    receiver = Receiver().start()
    spans = SpanReceiver()
    spans.start()
    webhooks = folder / "webhooks.yaml"
    webhooks.write_text(json.dumps([_endpoint(receiver, *one) for one in _ENDPOINTS]))
    (folder / "tmp").mkdir()
    origins = ",".join(
        f"http://{name}.internal=http://{service.host}" for name in ("support", "canary")
    )
    env = {
        **{key: value for key, value in os.environ.items() if not key.startswith("GATEWAY_")},
        "GATEWAY_SCHEMA_DIR": os.pathsep.join(map(str, folders)),
        "GATEWAY_ACTION_ORIGINS": origins,
        "GATEWAY_ACTION_HOSTS": service.host,
        "GATEWAY_LOG_LEVEL": "debug",
        "GATEWAY_PRIVACY_SWEEP_INTERVAL": "0.2",
        "GATEWAY_POLICY_DIR": _policies(folder / "policies"),
        "GATEWAY_WEBHOOKS": str(webhooks),
        "GATEWAY_WEBHOOK_HOSTS": "127.0.0.1:*",
        "GATEWAY_METRICS": "on",
        "GATEWAY_TRACES": "otlp",
        "GATEWAY_TRACES_ENDPOINT": spans.url,
        "HOOK": SECRET,
        "TMPDIR": str(folder / "tmp"),
        "PYTHONPATH": str(ROOT),
        MODE_FILE: str(folder / "mode"),
    }
    gateway = WatchedServer(folder, env)
    try:
        gateway.start()
        stage = Stage(
            *(folder, registry, canaries, service, receiver, gateway),
            random=Random(seed),  # noqa: S311 - to be repeated
            spans=spans,
        )
        stage.drain()
        yield stage
    finally:
        if gateway.process is not None:
            stop(gateway.process, signal.SIGKILL)
        receiver.stop()
        spans.stop()
        service.close()
        sys.stdout.flush()
