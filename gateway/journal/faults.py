"""What a failing database means to a caller."""

import sqlite3

from gateway.model.problem import ProblemError, refuse

RETRY_AFTER = 1.0
"""Seconds after which a caller may try again what the record could not take."""

_REMEDIES = {
    "SQLITE_FULL": "the disk is full: free space on the volume of the data folder",
    "SQLITE_BUSY": "another process holds the database: end it, then try again",
    "SQLITE_LOCKED": "another process holds the database: end it, then try again",
    "SQLITE_READONLY": "the data folder is read-only: make it writable for the gateway",
    "SQLITE_CANTOPEN": "the database file cannot be opened: check the data folder and its owner",
    "SQLITE_IOERR": "reading or writing failed: check the disk and the space and limits on it",
    "SQLITE_CORRUPT": "the database file is damaged: verify the record, then restore a backup",
    "SQLITE_NOTADB": "the file is no SQLite database: restore a backup",
    "SQLITE_NOMEM": "memory is short: give the gateway more",
    "SQLITE_PROTOCOL": "the database could not be locked: end other processes that use it",
}


_AROUND = frozenset(
    f"SQLITE_{one}" for one in ("FULL", "BUSY", "LOCKED", "IOERR", "NOMEM", "PROTOCOL")
)
"""Failures of what is around the file, which may be whole: no backup mends them."""


def unavailable(error: sqlite3.Error, what: object = "The record") -> ProblemError | None:
    """SERVICE_UNAVAILABLE for a failure of disk, file or lock; None for a mistake in a statement.

    The message names SQLite's error and the remedy, and nothing of what was to be written.
    """
    remedy = _REMEDIES.get(_primary(error))
    if remedy is None:
        return None
    return _refusal(f"{what} is not available ({error.sqlite_errorname}): {remedy}.")


def is_around(error: BaseException) -> bool:
    """Whether disk, memory or a lock failed, and not the file."""
    return isinstance(error, sqlite3.Error) and _primary(error) in _AROUND


def _primary(error: sqlite3.Error) -> str:
    name = getattr(error, "sqlite_errorname", None) or ""
    return "_".join(name.split("_")[:2])


class MaybeDurableError(Exception):
    """What was to be undone may be found when the file is opened again."""


def not_durable(error: BaseException) -> ProblemError:
    """SERVICE_UNAVAILABLE for units whose shared transaction failed; nothing of them is kept, or
    the message says that it may be."""
    if isinstance(error, MaybeDurableError):
        return refuse(
            "SERVICE_UNAVAILABLE",
            "The disk failed while this was made durable and takes nothing any more. It may be "
            "found recorded after a restart: look before you repeat it.",
        )
    told = unavailable(error) if isinstance(error, sqlite3.Error) else None
    return told or _refusal(
        f"The record is not available ({type(error).__name__}); nothing was written. Try again; "
        "if it persists, look into the gateway's log."
    )


def told(error: Exception) -> Exception:
    """What a caller gets for an error of its own unit or query."""
    return (unavailable(error) or error) if isinstance(error, sqlite3.Error) else error


def _refusal(detail: str) -> ProblemError:
    return refuse("SERVICE_UNAVAILABLE", detail, retry_after=RETRY_AFTER)
