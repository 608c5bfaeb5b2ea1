"""The processes of a play: gateways on one record, and the example service that they act on."""

import os
import resource
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from gateway.identity import LocalIssuer
from gateway.model.principal import PrincipalType
from tests.faults.checker.record import Entry, read_sqlite
from tests.faults.plans import SUBSCRIPTIONS
from tests.processes import GATEWAY, ROOT, Server, Service, stop

JsonObject = dict[str, Any]

ACTION_SECONDS = 1
"""Time-out of the actions of the play: short, so that slow services are met often."""


class HourAgo:
    """A clock for tokens that processes with wrong clocks must believe too."""

    def now(self) -> datetime:
        return datetime.now(UTC) - timedelta(hours=1)


SLOW = 200
"""Milliseconds that a request at the service takes at most, so that faults meet some under way."""


class SlowService(Service):
    """The example service, which takes its time before and after its effects."""

    more = ("--slow", str(SLOW))


class Gateway(Server):
    """A gateway that keeps its port, and whose clock may be wrong by ``skew`` seconds.

    ``program`` is what is started instead of the gateway's own command, where that is broken on
    purpose.
    """

    skew: float = 0.0
    program: Sequence[str] = GATEWAY
    role: ClassVar[str] = "serve"

    @property
    def serving(self) -> list[str]:
        port = self.url.rpartition(":")[2] or "0"
        command = self.program
        if self.skew:
            command = [sys.executable, "-m", "tests.faults.skewed", "--seconds", str(self.skew)]
        return [*command, self.role, "--port", port, "--data-dir", str(self.data_dir)]

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def limit_files(self, size: int | None) -> None:
        """Let no file of the process grow beyond ``size`` bytes, as a full disk would."""
        _, hard = resource.prlimit(self.pid, resource.RLIMIT_FSIZE)
        soft = resource.RLIM_INFINITY if size is None else size
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (soft, hard))

    def begin(self) -> subprocess.Popen[str]:
        """Begin to start, and return before anything is served."""
        return subprocess.Popen(
            self.serving, cwd=ROOT, env=self.env, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip


class Cluster:
    """A gateway on SQLite before the example service, both in ``folder``."""

    def __init__(self, folder: Path, settings: dict[str, str] | None = None) -> None:
        self.folder = folder
        self.service = SlowService(folder)
        self.service.start()
        self._stock()
        self.gateways = [Gateway(folder, self._environment(settings or {}))]
        self.takeovers: list[float] = []

    @property
    def is_on_time(self) -> bool:
        """Whether the moments in the record are right."""
        return all(gateway.skew == 0.0 for gateway in self.gateways)

    def met(self) -> Counter[str]:
        """What the processes themselves tell of trouble: nothing here."""
        return Counter()

    def start(self) -> None:
        """Start what is not running."""
        for gateway in self.gateways:
            if not gateway.is_alive:
                gateway.start()

    def urls(self) -> Sequence[str]:
        """Where clients may come in."""
        return [gateway.url for gateway in self.gateways]

    def token(self, subject: str, *roles: str, kind: str = "human") -> str:
        """A token that was issued an hour ago and holds for a day."""
        return self.issuer(HourAgo()).issue(
            subject=subject, type=PrincipalType(kind), roles=roles, workspace="acme", ttl=86_400
        )

    def issuer(self, clock: HourAgo) -> LocalIssuer:
        """What signs tokens, at the moment of ``clock``."""
        return self.gateways[0].issuer(clock)

    def record(self) -> list[Entry]:
        """Every entry, as it stands in the database."""
        return read_sqlite(self.gateways[0].data_dir / "gateway.db")

    def effects(self) -> list[JsonObject]:
        """What happened at the service."""
        return self.service.effects()

    def verify(self) -> str | None:
        """What the gateway's own verification finds; None where it finds nothing."""
        done = self.gateways[0].command("audit", "verify")
        return None if done.returncode == 0 else done.stdout + done.stderr

    def end(self) -> None:
        """Kill everything that was started here."""
        for process in [self.service.process, *(one.process for one in self.gateways)]:
            if process is not None:
                if process.poll() is None:
                    process.send_signal(signal.SIGCONT)
                stop(process, signal.SIGKILL)

    def _stock(self) -> None:
        """Give the service a subscription for each run to end."""
        with closing(sqlite3.connect(self.folder / "support.db")) as database, database:
            database.executemany(
                "INSERT INTO subscriptions VALUES (?, 'c-1', 'monthly', 'ACTIVE')",
                [(f"sub-{number + 1}",) for number in range(SUBSCRIPTIONS)],
            )

    def _environment(self, settings: dict[str, str]) -> dict[str, str]:
        host = self.service.url.removeprefix("http://")
        return {
            **{key: value for key, value in os.environ.items() if not key.startswith("GATEWAY_")},
            "GATEWAY_ACTION_ORIGINS": f"http://support.internal={self.service.url}",
            "GATEWAY_ACTION_HOSTS": host,
            "GATEWAY_SCHEMA_DIR": str(self._contracts()),
            "GATEWAY_LOG_FORMAT": "json",
            **settings,
        }

    def _contracts(self) -> Path:
        """The contracts of the example domain, with short time-outs."""
        folder = self.folder / "schema"
        for file in (ROOT / "schema" / "support").rglob("*.yaml"):
            place = folder / file.relative_to(ROOT / "schema" / "support")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(file.read_text().replace("timeout: 5s", f"timeout: {ACTION_SECONDS}s"))
        return folder
