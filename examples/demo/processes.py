"""The two processes of the demo: the example service and the gateway, on free ports."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GATEWAY = [sys.executable, "-m", "gateway.cli"]


class StartError(Exception):
    """A process did not say where it listens; the message holds what it said instead."""


@contextmanager
def started(command: list[str], env: dict[str, str], log: Path) -> Iterator[str]:
    """Run a process while the context lasts; yields the URL that it says it listens on."""
    with (
        log.open("w") as errors,
        subprocess.Popen(  # noqa: S603 - our own commands, without a shell
            command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=errors, text=True
        ) as process,
    ):
        try:
            line = process.stdout.readline() if process.stdout else ""
            found = re.search(r"http://\S+", line)
            if found is None:
                raise StartError(f"{' '.join(command)}: {line}{log.read_text()}")
            yield found[0]
        finally:
            process.terminate()


@contextmanager
def example_service(folder: Path) -> Iterator[str]:
    """The support service, with its own SQLite file."""
    command = [sys.executable, "-m", "examples.support_service"]
    where = ["--port", "0", "--db", str(folder / "support.db")]
    with started(command + where, dict(os.environ), folder / "service.log") as url:
        yield url


@contextmanager
def gateway(folder: Path, service: str) -> Iterator[str]:
    """The gateway on its embedded default: one process and one SQLite file."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("GATEWAY_")}
    env["GATEWAY_ACTION_ORIGINS"] = f"http://support.internal={service}"
    env["GATEWAY_ACTION_HOSTS"] = service.removeprefix("http://")
    env["GATEWAY_POLICY_WORKSPACES"] = "acme"  # its administrators may change every rule
    command = [*GATEWAY, "serve", "--port", "0", "--data-dir", str(folder / "data")]
    with started(command, env, folder / "gateway.log") as url:
        yield url


def gateway_command(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``gateway ...`` and return what it printed."""
    return subprocess.run(  # noqa: S603 - our own command, without a shell
        [*GATEWAY, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
