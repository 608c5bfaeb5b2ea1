"""The official clients as processes, and what they say they hear."""

import json
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
JsonObject = dict[str, Any]
PATIENCE = 20.0


@dataclass
class Heard:
    """What a client has told so far, in its order."""

    process: subprocess.Popen[str]
    lines: list[JsonObject] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.listener = threading.Thread(target=self.listen)
        self.listener.start()

    def listen(self) -> None:
        """Take in every line until the process ends."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._take_in(line)

    def _take_in(self, line: str) -> None:
        self.lines.append(json.loads(line))

    def wait(self, enough: Callable[[list[JsonObject]], bool]) -> list[JsonObject]:
        """Wait until ``enough`` was heard; gives all of it."""
        deadline = time.monotonic() + PATIENCE
        while not enough(self.lines):
            assert time.monotonic() < deadline, f"not enough: {self.lines}"
            time.sleep(0.01)
        return list(self.lines)

    def told(self, name: str, operation: int | None = None) -> list[Any]:
        """What was heard under ``name``, of one operation or of all."""
        return [
            line[name]
            for line in self.lines
            if name in line and operation in (None, line.get("operation"))
        ]

    def events(self, count: int, operation: int | None = None) -> list[JsonObject]:
        """Wait for so many events; those of an operation, in the order heard."""
        self.wait(lambda _: len(self.told("next", operation)) >= count)
        return [told["data"]["controlPlaneEvents"] for told in self.told("next", operation)]

    def end(self, seconds: float = PATIENCE) -> list[JsonObject]:
        """Wait for the end of the process; gives all that it told."""
        assert self.process.wait(seconds) == 0
        self.listener.join(PATIENCE)
        return self.lines


def node() -> str:
    """The Node.js of this machine."""
    found = shutil.which("node")
    assert found, "Node.js 20 or newer is needed for the official clients; install it with npm"
    return found


@contextmanager
def client(script: str, **asked: Any) -> Iterator[Heard]:
    """Run a script of this folder as long as the context lasts.

    Raises:
        AssertionError: Node.js or the clients are not installed.
    """
    assert (FOLDER / "node_modules").is_dir(), "The clients are not installed; run make conformance"
    process = subprocess.Popen(
        [node(), FOLDER / script, json.dumps(asked)], stdout=subprocess.PIPE, text=True
    )
    heard = Heard(process)
    try:
        yield heard
    finally:
        process.kill()
        process.wait()
        heard.listener.join()
        assert process.stdout is not None
        process.stdout.close()
