"""What the load is put on: gateways and workers as processes, with the benchmarks' contracts."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from gateway.environment import load_settings
from gateway.identity import LocalIssuer
from gateway.loading import local_issuer
from gateway.model.principal import PrincipalType
from tests.bench.world import contract_files
from tests.load.journey import WORKSPACE
from tests.postgres import Postgres
from tests.processes import GATEWAY, start, stop

_PEOPLE = {
    "agent": (PrincipalType.AGENT, ("user", "planner")),
    "olga": (PrincipalType.HUMAN, ("admin",)),
    "fiona": (PrincipalType.HUMAN, ("user", "approver")),
}
_TOKEN_SECONDS = 86_400
_WAITING_RUNS = 200
"""What two workers who share two cores with all the rest finish in a few seconds."""

_RUNS = 64
"""How many runs a worker has under way: their steps wait for nothing, so more are only later."""

_EACH = 2
"""How many gateways, and how many workers, there are beside each other."""


@dataclass(slots=True)
class Site:
    """Gateways that run: where they listen, all processes by name, and who may call.

    ``verified`` is what ``gateway audit verify`` says of the record after the end of all.
    """

    urls: list[str]
    pids: dict[str, int]
    tokens: dict[str, str] = field(default_factory=dict)
    verified: str = "FAILED: not looked at yet"


def _tokens(issuer: LocalIssuer) -> dict[str, str]:
    return {
        name: issuer.issue(
            subject=name, type=kind, roles=roles, workspace=WORKSPACE, ttl=_TOKEN_SECONDS
        )
        for name, (kind, roles) in _PEOPLE.items()
    }


def _environment(folder: Path) -> dict[str, str]:
    schema = folder / "schema"
    schema.mkdir(parents=True)
    for name, text in contract_files().items():
        (schema / name).write_text(text)
    return {**os.environ, "GATEWAY_SCHEMA_DIR": str(schema)}


@contextlib.contextmanager
def embedded(folder: Path) -> Iterator[Site]:
    """One gateway on SQLite, as it comes: with its log as JSON in a file."""
    env, data = _environment(folder), folder / "data"
    command = [*GATEWAY, "serve", "--port", "0", "--data-dir", str(data)]
    process, url = start(command, env, folder / "gateway.log")
    site = Site([url], {"gateway": process.pid})
    try:
        site.tokens = _tokens(LocalIssuer.open(folder / "data-keys"))
        yield site
    finally:
        stop(process)
    site.verified = _verified(env, data)


@contextlib.contextmanager
def workers(folder: Path) -> Iterator[Site]:
    """Two gateways and two workers on one PostgreSQL server."""
    with contextlib.ExitStack() as stack:
        server = Postgres({"shared_buffers": "256MB", "max_wal_size": "4GB"})
        stack.callback(server.remove)
        server.start()
        env = {
            **_environment(folder),
            "GATEWAY_DATABASE_URL": server.create(),
            "GATEWAY_DISPATCH": "procrastinate",
            "GATEWAY_MAX_WAITING_RUNS": str(_WAITING_RUNS),
            "GATEWAY_MAX_RUNS": str(_RUNS),
            "GATEWAY_KEY_DIR": str(folder / "keys"),
        }
        _run(env, "migrate")
        site = Site([], {})
        with contextlib.ExitStack() as started:
            for role in ("serve", "worker"):
                for number in range(1, _EACH + 1):
                    name = f"{'gateway' if role == 'serve' else role} {number}"
                    data = str(folder / name.replace(" ", "-"))
                    command = [*GATEWAY, role, "--port", "0", "--data-dir", data]
                    process, url = start(command, env, Path(f"{data}.log"))
                    started.callback(stop, process)
                    site.pids[name] = process.pid
                    if role == "serve":
                        site.urls.append(url)
            shared = load_settings(
                key_dir=folder / "keys", database_url=env["GATEWAY_DATABASE_URL"]
            )
            site.tokens = _tokens(local_issuer(shared))
            yield site
        site.verified = _verified(env, folder / "gateway-1")


def _verified(env: dict[str, str], data: Path) -> str:
    """What ``gateway audit verify`` says of the record, once nobody writes it any more."""
    try:
        return _run(env, "audit", "verify", "--data-dir", str(data))
    except subprocess.CalledProcessError as error:
        return f"FAILED: {error.stdout}{error.stderr}"


def _run(env: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [*GATEWAY, *arguments], env=env, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


SITES = {"embedded": embedded, "workers": workers}
"""What can be measured, by name."""
