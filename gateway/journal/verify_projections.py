"""Comparing the projections with a fresh fold of the entries: here, or in a process beside, which
for a large record halves the time."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol, Self

from gateway.journal.faults import is_around
from gateway.journal.rebuild import differences
from gateway.model.problem import ProblemError

Done = Callable[[int], None]
"""Is told how many entries were folded."""

_MODULE = "gateway.journal.fold_beside"


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
        return told_differences(self._connection, done)


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


def told_differences(connection: sqlite3.Connection, done: Done) -> Iterator[str]:
    try:
        yield from differences(connection, done)
    except ProblemError as error:
        yield error.problem.detail
    except sqlite3.Error as error:
        if not is_around(error):
            raise
        yield (
            f"the projections could not be compared ({error.sqlite_errorname}): make room where "
            "SQLite keeps temporary files (SQLITE_TMPDIR), then verify again"
        )


def any_text(stored: bytes) -> str:
    """Text as it stands in a file that may be tampered with."""
    return stored.decode("utf-8", "surrogateescape")
