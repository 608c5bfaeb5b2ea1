"""Commands of the command line that call a gateway, run by somebody with a token."""

import json
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from click.testing import CliRunner, Result

from gateway.cli import main
from tests.forking import Forked
from tests.processes import GATEWAY, ROOT, Caller


@dataclass(frozen=True)
class Commander:
    """Somebody at a command line; what is set in ``more`` stands in the environment."""

    url: str
    token: str
    more: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, who: Caller) -> "Commander":
        assert who.token is not None
        return cls(who.server.url, who.token)

    @property
    def env(self) -> dict[str, str]:
        return {"GATEWAY_URL": self.url, "GATEWAY_TOKEN": self.token, **self.more}

    def run(self, *arguments: str, given: str | None = None) -> Result:
        """Run a command in this process, with ``given`` on its standard input."""
        others = dict.fromkeys(name for name in os.environ if name.startswith("GATEWAY_"))
        return CliRunner(env={**others, **self.env}).invoke(
            main, arguments, input=given, catch_exceptions=False
        )

    def ask(self, *arguments: str, given: str | None = None) -> Any:
        """The JSON that a command answers, which must succeed."""
        done = self.run(*arguments, "--json", given=given)
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    def refused(self, *arguments: str) -> str:
        """What a command says that ends with 1 and prints nothing else."""
        done = self.run(*arguments)
        assert (done.exit_code, done.stdout) == (1, ""), done.output
        return done.stderr

    def start(self, *arguments: str, **more: Any) -> "subprocess.Popen[str]":
        """Run a command as a process of its own, which somebody else reads and ends."""
        clean = {name: text for name, text in os.environ.items() if not name.startswith("GATEWAY_")}
        return Forked(
            [*GATEWAY, *arguments], cwd=ROOT, env={**clean, **self.env}, text=True,
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more},
        )  # fmt: skip


def rest_of(process: "subprocess.Popen[str]") -> tuple[str, str]:
    """What a command whose first lines were read still writes, until it ends, and its errors.

    Its ``communicate`` would not see what was read ahead with those lines.
    """
    assert process.stdout is not None
    assert process.stderr is not None
    with process:
        return process.stdout.read(), process.stderr.read()


class Cable:
    """A port that leads to a gateway, over connections that can be cut."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._there = (parts.hostname, parts.port)
        self._port = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.made = 0
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port.getsockname()[1]}"

    def cut(self) -> None:
        """End all connections that are open now."""
        while self._open:
            with suppress(OSError):
                self._open.pop().shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._port.accept()
                far = socket.create_connection(self._there)
                self.made += 1
                self._open += [near, far]
                for ends in ((near, far), (far, near)):
                    threading.Thread(target=_pump, args=ends, daemon=True).start()

    def close(self) -> None:
        self._port.close()
        self.cut()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError), source:
        while part := source.recv(65_536):
            target.sendall(part)
    with suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)


@contextmanager
def cable_to(url: str) -> Iterator[Cable]:
    """A cable while the context lasts."""
    cable = Cable(url)
    try:
        yield cable
    finally:
        cable.close()
