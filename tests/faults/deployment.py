"""A deployment: two gateways and two workers on PostgreSQL, before the example service.

Workers reach the database through a network of the test, which can be cut.
"""

import json
import signal
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import psycopg

from tests.faults.checker.record import Entry, read_postgres
from tests.faults.cluster import Cluster, Gateway
from tests.faults.proxy import Proxy
from tests.postgres import Postgres

LEASE = 2.0
"""Seconds after which the runs of a worker that died are taken: the shortest that can be set."""

_LOOK = 0.02
_HELD = "SELECT run_id, owner, epoch FROM claim WHERE owner IS NOT NULL"
_TOLD = ("warning", "error", "critical")


@dataclass
class Member(Gateway):
    """A process of a deployment, with a data folder of its own and the keys of all."""

    @property
    def key_dir(self) -> Path:
        return self.folder.parent / "keys"


@dataclass
class Worker(Member):
    """A worker; ``network`` is what lies between it and the database."""

    role: ClassVar[str] = "worker"
    network: Proxy = field(kw_only=True)


@dataclass(frozen=True)
class Claimed:
    """A claim on a run at some moment."""

    run: str
    owner: str
    epoch: int


class Deployment(Cluster):
    """Two gateways and two workers in ``folder``, on a database of their own at ``postgres``.

    ``takeovers`` are the seconds that it took until runs of workers that were gone were taken by
    others.
    """

    def __init__(self, folder: Path, postgres: Postgres, settings: dict[str, str]) -> None:
        self.postgres = postgres
        self.database = postgres.create()
        super().__init__(folder, {"GATEWAY_LEASE": str(LEASE), **settings})
        shared = self.gateways[0].env
        self.gateways = [
            Member(self._place(f"gateway-{number}"), {**shared, **self._reaching(postgres.port)})
            for number in (1, 2)
        ]
        self.workers = [self._worker(f"worker-{number}", shared) for number in (1, 2)]

    @property
    def is_on_time(self) -> bool:
        """Always: the moments in the record are those of the database."""
        return True

    @property
    def processes(self) -> Sequence[Gateway]:
        """Everything of the gateway's own that runs."""
        return [*self.gateways, *self.workers]

    def start(self) -> None:
        """Start what is not running, all at once."""
        gone = [process for process in self.processes if not process.is_alive]
        if gone:
            with ThreadPoolExecutor(len(gone)) as threads:
                list(threads.map(Gateway.start, gone))

    def record(self) -> list[Entry]:
        """Every entry, as it stands in the database."""
        return read_postgres(self.database)

    def claims(self) -> list[Claimed]:
        """Who holds which run at the moment."""
        with psycopg.connect(self.database) as connection:
            return [Claimed(*row) for row in connection.execute(_HELD)]

    def when_all_hold(self, seconds: float) -> list[Claimed]:
        """The claims of the first moment at which every worker has some, within ``seconds``."""
        deadline = time.monotonic() + seconds
        while True:
            held = self.claims()
            busy = {claimed.owner for claimed in held}
            if len(busy) >= len(self.workers) or time.monotonic() > deadline:
                return held
            time.sleep(_LOOK)

    def wait_for_takeover(self, held: Sequence[Claimed], since: float) -> None:
        """Wait until each of these claims was given back or taken by another owner."""
        deadline = since + 4 * LEASE
        left, taken = set(held), 0.0
        with psycopg.connect(self.database, autocommit=True) as connection:
            while left and time.monotonic() < deadline:
                rows = connection.execute("SELECT run_id, owner, epoch FROM claim").fetchall()
                now = {row[0]: Claimed(*row) for row in rows}
                for one in left & set(held):
                    if now[one.run] != one:
                        left.discard(one)
                        is_taken = (
                            now[one.run].epoch > one.epoch and now[one.run].owner != one.owner
                        )
                        taken = time.monotonic() - since if is_taken else taken
                time.sleep(_LOOK)
        if left:
            self.takeovers.append(float("inf"))
        elif taken:
            self.takeovers.append(taken)

    def met(self) -> Counter[str]:
        """What the processes themselves told of trouble, and takeovers."""
        found: Counter[str] = Counter({"takeover": len(self.takeovers)})
        for process in self.processes:
            for line in process.log().splitlines():
                with suppress(ValueError):
                    told = json.loads(line)
                    if told.get("level", "").lower() in _TOLD:
                        found[_gist(told["message"])] += 1
        return found

    def end(self) -> None:
        """Kill everything that was started here."""
        for worker in self.workers:
            if worker.is_alive and worker.process is not None:
                worker.process.send_signal(signal.SIGCONT)
                worker.stop(signal.SIGKILL)
            worker.network.close()
        super().end()

    def _worker(self, name: str, shared: dict[str, str]) -> Worker:
        network = Proxy(("127.0.0.1", self.postgres.port))
        env = {**shared, **self._reaching(network.port)}
        return Worker(self._place(name), env, network=network)

    def _place(self, name: str) -> Path:
        place = self.folder / name
        place.mkdir()
        return place

    def _reaching(self, port: int) -> dict[str, str]:
        url = self.database.replace(f":{self.postgres.port}/", f":{port}/")
        keys = str(self.folder / "keys")
        return {"GATEWAY_DATABASE_URL": url, "GATEWAY_KEY_DIR": keys}


def workers_beside(folder: Path, postgres: Postgres) -> Deployment:
    """Gateways that leave runs to workers."""
    return Deployment(folder, postgres, {"GATEWAY_DISPATCH": "procrastinate"})


def _gist(message: str) -> str:
    """A message without what differs each time."""
    words = [word for word in message.split() if not any(sign.isdigit() for sign in word)]
    return " ".join(words)[:60]
