"""Comparing the projections with a fresh fold of the entries: here, or in a process beside, which
for a large record halves the time."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Protocol, Self

from gateway.journal.database import open_reader
from gateway.journal.rebuild import differences
from gateway.model.problem import ProblemError

Done = Callable[[int], None]
"""Is told how many entries were folded."""

_STEP = 10_000
_MODULE = "gateway.journal.verify_projections"


class Comparison(Protocol):
    """A comparison that may be under way; leaving it ends it."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def differences(self, done: Done) -> Iterator[str]:
        """What differs, a sentence each."""
        ...


class ComparisonHere:
    """Compares in this process, when asked."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def differences(self, done: Done) -> Iterator[str]:
        """What differs, a sentence each."""
        return _told(self._connection, done)


class ComparisonBeside:
    """Compares in a process of its own, from the moment it is entered."""

    def __init__(self, database: Path) -> None:
        self._command = [sys.executable, "-m", _MODULE, str(database.absolute())]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)  # noqa: S603 # this interpreter with a module of ours
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        if self._process.stdout:
            self._process.stdout.close()
        self._process.wait()

    def differences(self, done: Done) -> Iterator[str]:
        """What differs, a sentence each."""
        for line in self._process.stdout or ():
            told = json.loads(line)
            if isinstance(told, int):
                done(told)
            else:
                yield told
        if self._process.wait():
            yield "the projections could not be compared: the process that folds them ended early"


def _told(connection: sqlite3.Connection, done: Done) -> Iterator[str]:
    try:
        yield from differences(connection, done)
    except ProblemError as error:
        yield error.problem.detail


def any_text(stored: bytes) -> str:
    """Text as it stands in a file that may be tampered with."""
    return stored.decode("utf-8", "surrogateescape")


def _main(database: Path) -> None:
    """Tell the parent, a line of JSON each: numbers of entries folded, and what differs."""

    def done(count: int) -> None:
        if count % _STEP == 0:
            print(count, flush=True)  # noqa: T201 # how the processes speak

    with closing(open_reader(database)) as connection:
        connection.text_factory = any_text
        connection.execute("BEGIN")
        for told in _told(connection, done):
            print(json.dumps(told), flush=True)  # noqa: T201 # as above


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
