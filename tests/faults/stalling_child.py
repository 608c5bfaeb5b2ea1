"""A process that writes to a record on PostgreSQL and stops itself just before its first commit.

Whatever a transaction may lock is locked then. It says ``stopping`` before, and ``durable`` once it
went on and its unit is recorded.
"""

import asyncio
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

from gateway.journal.postgres import PostgresJournal
from gateway.journal.postgres.batch import Batch
from gateway.model.entry import EntryType, NewEntry
from gateway.model.ports import Tx
from gateway.model.system import SystemClock

_commit = Batch.commit


def _stop_first(batch: Batch) -> None:
    Batch.commit = _commit  # type: ignore[method-assign]
    print("stopping", flush=True)  # noqa: T201 - to whoever started this
    os.kill(os.getpid(), signal.SIGSTOP)
    time.sleep(0.5)  # it stops within this; the thread that asks for it may go on for a moment
    batch.commit()


def _count(tx: Tx) -> None:
    tx.append(NewEntry(EntryType.RUN_CLAIMED, "acme", {"who": "child"}, "exec_0", "child"))


async def _main(url: str) -> None:
    folder = Path(tempfile.mkdtemp(prefix="gateway-child-"))
    journal = await PostgresJournal.open(url, data_dir=folder, clock=SystemClock())
    Batch.commit = _stop_first  # type: ignore[method-assign]
    await journal.write(_count)
    print("durable", flush=True)  # noqa: T201 - to whoever started this
    await journal.close()


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1]))
