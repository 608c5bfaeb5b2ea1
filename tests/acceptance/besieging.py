"""Who looks on while a server is abused: what it uses, and how long another client waits."""

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.processes import Caller


@dataclass(frozen=True)
class Process:
    """What a process uses, as the kernel counts it."""

    pid: int

    def seconds(self) -> float:
        """Processor time of all its threads."""
        stat = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")

    def sockets(self) -> int:
        """Open sockets."""
        links = list(Path(f"/proc/{self.pid}/fd").iterdir())
        found = 0
        for link in links:
            with contextlib.suppress(OSError):
                found += str(link.readlink()).startswith("socket:")
        return found

    def memory(self) -> int:
        """Resident bytes."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")


@dataclass
class Bystander:
    """Another client, who asks small questions all the time; how long it waits for each."""

    caller: Caller
    waits: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _has_begun: threading.Event = field(default_factory=threading.Event)

    @contextlib.contextmanager
    def asking(self) -> Iterator["Bystander"]:
        thread = threading.Thread(target=self._ask)
        thread.start()
        self._has_begun.wait(20)
        try:
            yield self
        finally:
            self._stop.set()
            thread.join(30)

    def _ask(self) -> None:
        url, headers = (
            f"{self.caller.server.url}/graphql",
            {"authorization": f"Bearer {self.caller.token}"},
        )
        query = "{ controlPlaneExecutionList(input: {limit: 1}) { total } }"
        with httpx.Client(timeout=20, headers=headers) as client:
            while not self._stop.is_set():
                began = time.perf_counter()
                try:
                    answer = client.post(url, json={"query": query})
                    if answer.status_code != 200 or "errors" in answer.json():
                        self.failures.append(answer.text[:300])
                except httpx.HTTPError as error:
                    self.failures.append(repr(error))
                self.waits.append(time.perf_counter() - began)
                self._has_begun.set()
                self._stop.wait(0.02)

    def told(self) -> str:
        waits = sorted(self.waits)
        shown = {name: waits[int(share * (len(waits) - 1))] * 1000
                 for name, share in (("p50", 0.5), ("p99", 0.99), ("max", 1.0))}  # fmt: skip
        return f"{len(waits)} answers, " + ", ".join(f"{k} {v:.0f} ms" for k, v in shown.items())
