"""A process that has duties where it leads: ``python -m tests.contract.duty_process URL FILE``.

It appends a line to FILE when its duties begin and when they end: the moment on a clock that all
processes of the machine share, ``begin`` or ``end``.
"""

import asyncio
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path

from gateway.duties import Duties
from gateway.duties.postgres_leadership import PostgresLeadership


async def main(url: str, file: Path) -> None:
    def note(word: str) -> None:
        with file.open("a") as told:
            told.write(f"{time.monotonic()} {word}\n")

    async def begin(stack: AsyncExitStack) -> None:
        note("begin")
        stack.callback(note, "end")

    await Duties(PostgresLeadership(url), begin).start()
    print("ready", flush=True)  # noqa: T201 - the parent reads it
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
