"""A process that sweeps, and is killed at its n-th step: ``python -m tests.faults.privacy_child
FOLDER N``. Without being killed it prints how many steps there were."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from gateway.journal import SqliteJournal
from gateway.privacy.sqlite_key_store import SqliteKeyStore
from gateway.privacy.tombstones import TombstoneFile
from gateway.rights import RetentionRule
from tests.unit.rights.rights_world import RightsWorld
from tests.unit.runtime.loop_world import SettableClock

RULES = (RetentionRule("shop.*", None, "30d", 30 * 86_400),)


class Steps:
    """Counts what is about to be done and what was, and ends the process at the n-th."""

    def __init__(self, fatal: int) -> None:
        self.fatal = fatal
        self.taken = 0
        self.counting = False

    def take(self) -> None:
        if not self.counting:
            return
        if self.taken == self.fatal:
            os.kill(os.getpid(), signal.SIGKILL)
        self.taken += 1

    def around(self, holder: Any, name: str) -> None:
        """Count a step before and after each call of a method."""
        whole: Callable[..., Any] = getattr(holder, name)

        def counted(*given: Any, **named: Any) -> Any:
            self.take()
            answer = whole(*given, **named)
            self.take()
            return answer

        async def counted_async(*given: Any, **named: Any) -> Any:
            self.take()
            answer = await whole(*given, **named)
            self.take()
            return answer

        is_async = asyncio.iscoroutinefunction(whole)
        setattr(holder, name, counted_async if is_async else counted)


def patched(steps: Steps) -> None:
    """Count every step that reaches a disk."""
    steps.around(SqliteJournal, "write")
    steps.around(TombstoneFile, "append")
    steps.around(SqliteKeyStore, "destroy")
    steps.around(SqliteKeyStore, "forget_log")


async def main(folder: Path, fatal: int, days: float) -> None:
    clock = SettableClock()
    clock.moment += timedelta(days=days)
    world = await RightsWorld(folder, clock, RULES).start()
    steps = Steps(fatal)
    patched(steps)
    steps.counting = True
    await world.rights.sweeper.sweep()
    steps.counting = False
    await world.stop()
    print(steps.taken)  # noqa: T201 - the parent reads it


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
