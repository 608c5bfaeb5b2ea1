"""The history of a play: what every client asked for, when, and what it was answered.

An operation is `ok` (it was answered, so it happened), `fail` (it was refused, so it certainly did
not happen) or `info` (nobody knows: the connection ended, or the time was up). Times are seconds of
the monotonic clock of the playing process, so that they compare across all of its clients.
"""

import json
import threading
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

JsonObject = dict[str, Any]

OK, FAIL, INFO = "ok", "fail", "info"

DIFFER = "answers differ"
"""What was met where a request that was sent twice got two different answers."""


@dataclass
class Operation:
    """One operation of one client.

    ``execution`` is the execution that it is about (of a submit: the one that it made), ``step`` a
    step's id. ``status`` is the state of the execution that the answer or the refusal names, in
    capitals; ``code`` is why it failed. ``ended`` is None while it is under way. ``met`` are the
    refusals and silences that the client met on its way to that end.
    """

    kind: str
    client: str
    invoked: float
    execution: str | None = None
    step: str | None = None
    ended: float | None = None
    outcome: str = INFO
    status: str | None = None
    code: str | None = None
    detail: str | None = None
    value: JsonObject = field(default_factory=dict)
    met: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        span = f"{self.invoked:.3f}-{'' if self.ended is None else f'{self.ended:.3f}'}"
        about = f" of step {self.step}" if self.step else ""
        told = f" {self.code}" if self.code else ""
        seen = f" {self.status}" if self.status else ""
        return f"{self.client}: {self.kind}{about} [{span}] {self.outcome}{told}{seen}"


class History:
    """Collects operations from many threads, in the order in which they were invoked."""

    def __init__(self, operations: Iterable[Operation] = ()) -> None:
        self.operations: list[Operation] = list(operations)
        self._lock = threading.Lock()

    def invoke(self, client: str, kind: str, **about: Any) -> Operation:
        """Note that a client asks for something now."""
        with self._lock:
            operation = Operation(kind, client, time.monotonic(), **about)
            self.operations.append(operation)
        return operation

    @staticmethod
    def end(operation: Operation, outcome: str, **told: Any) -> Operation:
        """Note how an operation ended."""
        operation.ended = time.monotonic()
        operation.outcome = outcome
        for name, value in told.items():
            setattr(operation, name, value)
        return operation

    def write(self, path: Path) -> None:
        """Keep the history as a file of JSON lines."""
        lines = [json.dumps(asdict(operation), sort_keys=True) for operation in self.operations]
        path.write_text("\n".join([*lines, ""]))

    @classmethod
    def read(cls, path: Path) -> "History":
        """The history that a file keeps."""
        return cls(Operation(**json.loads(line)) for line in path.read_text().splitlines())
