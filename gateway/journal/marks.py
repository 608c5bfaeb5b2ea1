"""The mark: how far the record had come, kept outside of it, so that a record which was restored
from a backup is known as such.

A gateway writes the mark beside its keys (in its data folder, where the record is in a database)
about once a second, and once more when it has stopped. A
record goes on from its mark if it holds the marked entry, and is the same file as then or ends
just there. Anything else was restored from the past, or is a copy of a gateway that did not stop:
what it did afterwards, nobody knows. ``continuing`` asks.
"""

import os
import secrets
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from gateway.journal.place import Place
from gateway.model.json import decode, encode
from gateway.model.ports import Records
from gateway.model.system import write_durably

MARK_NAME = "record.mark"
BACKUP_VERSION = 1
"""The ``user_version`` of a database file that was written as a backup."""

_MOST_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Mark:
    """The last entry that was there: its ``position`` (0 before the first) and ``hash``.

    ``file`` is the number of the database file in its file system, 0 on PostgreSQL. ``stopped``
    says that nothing was done after this entry. ``restorations`` is how often the record had been
    accepted as restored: a mark of before the last time says nothing any more.
    """

    position: int
    hash: str
    file: int
    stopped: bool
    restorations: int = 0


@dataclass(frozen=True, slots=True)
class MarkFile:
    """The file of the mark in a ``folder`` apart from the record."""

    folder: Path

    @property
    def path(self) -> Path:
        """Where it is."""
        return self.folder / MARK_NAME

    def read(self) -> Mark | None:
        """The mark; None where there is none, or none that can be read."""
        try:
            with self.path.open("rb") as file:
                told = decode(file.read(_MOST_BYTES).decode())
        except (OSError, ValueError):
            return None
        match told:
            case {
                "position": int(position),
                "hash": str(own),
                "file": int(number),
                "stopped": bool(stopped),
                **more,
            } if position >= 0:
                restorations = more.get("restorations", 0)
                known = restorations if isinstance(restorations, int) else 0
                return Mark(position, own, number, stopped, known)
            case _:
                return None

    def write(self, mark: Mark) -> None:
        """Replace the mark, as a whole or not at all.

        Raises:
            OSError: it cannot be written.
        """
        own = f"{os.getpid()}.{secrets.token_hex(8)}"  # in containers numbers are not unique
        begun = self.path.with_name(f"{self.path.name}.{own}.part")
        try:
            write_durably(begun, f"{encode(asdict(mark))}\n".encode())
            begun.replace(self.path)
        finally:
            begun.unlink(missing_ok=True)

    def tidy(self) -> None:
        """Remove what processes that were killed had begun to write; others write on."""
        for begun in self.folder.glob(f"{MARK_NAME}.*.part"):
            number = begun.name.removeprefix(f"{MARK_NAME}.").partition(".")[0]
            if number.isdecimal() and not _is_running(int(number)):
                with suppress(OSError):  # it stays, and is in nobody's way
                    begun.unlink()


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)  # which sends nothing
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # it belongs to another user
        return True
    return True


def mark_of(records: Records, place: Place, *, stopped: bool) -> Mark:
    """Where the record at ``place`` stands.

    Raises:
        OSError: its file is gone.
    """
    position, own = records.last_entry()
    number = place.stat().st_ino if isinstance(place, Path) else 0
    return Mark(position, own, number, stopped, records.restorations())
