"""What the load is put on: gateways as processes, with the contracts of the benchmarks."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.identity import LocalIssuer
from gateway.model.principal import PrincipalType
from tests.bench.world import contract_files
from tests.load.journey import WORKSPACE
from tests.processes import GATEWAY, start, stop

_PEOPLE = {
    "agent": (PrincipalType.AGENT, ("user", "planner")),
    "olga": (PrincipalType.HUMAN, ("admin",)),
    "fiona": (PrincipalType.HUMAN, ("user", "approver")),
}
_TOKEN_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Site:
    """Gateways that run: where they listen, who may call them, and all processes by name."""

    urls: list[str]
    tokens: dict[str, str]
    pids: dict[str, int]
    data: Path


def _tokens(key_dir: Path) -> dict[str, str]:
    issuer = LocalIssuer.open(key_dir)
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
    try:
        tokens = _tokens(folder / "data-keys")
        yield Site([url], tokens, {"gateway": process.pid}, data)
    finally:
        stop(process)


def verified(site: Site) -> str:
    """What ``gateway audit verify`` says of the record, once nobody writes it any more."""
    done = subprocess.run(
        [*GATEWAY, "audit", "verify", "--data-dir", str(site.data)],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() if done.returncode == 0 else f"FAILED: {done.stdout}{done.stderr}"
