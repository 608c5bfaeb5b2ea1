"""A witness as a second party runs it: a process with a state folder of its own."""

import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.serialization import load_pem_public_key

from gateway.transparency import Verifier
from tests.forking import run_to_end
from tests.ports import free_port
from tests.processes import GATEWAY, ROOT, Server, start, stop

NAME = "witness.example.com/w1"


@dataclass
class WitnessProcess:
    """``gateway witness serve`` with ``options``; ``port`` is kept across restarts."""

    folder: Path
    log: Verifier
    port: str = ""
    options: tuple[str, ...] = ()
    process: subprocess.Popen[str] | None = None
    url: str = ""

    @property
    def _state(self) -> list[str]:
        return ["--state", str(self.folder / "state"), "--name", NAME]

    def key(self) -> str:
        """The key that it shows."""
        command = [*GATEWAY, "witness", "key", *self._state]
        done = run_to_end(command, cwd=ROOT, env=_env())
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def start(self) -> None:
        self.folder.mkdir(exist_ok=True)
        self.port = self.port or str(free_port())
        command = [*GATEWAY, "witness", "serve", *self._state, "--port", self.port]
        command += ["--log", str(self.log), *self.options]
        self.process, self.url = start(command, _env(), self.folder / "witness.log")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        assert self.process is not None
        return stop(self.process, how)

    def told(self) -> str:
        return (self.folder / "witness.log").read_text()


def log_key(gateway: Server, origin: str) -> Verifier:
    """The verifier key of a gateway's record."""
    pem = (gateway.key_dir / "checkpoint-signing.pub.pem").read_bytes()
    key = load_pem_public_key(pem)
    return Verifier(origin, key.public_bytes_raw())  # type: ignore[union-attr] # an Ed25519 key


def _env() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}
