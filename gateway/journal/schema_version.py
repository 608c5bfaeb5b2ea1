"""Which version the tables of a database have, and whether this release works on it.

The version stands in ``meta``, where Alembic keeps it too: as a whole number, in place of a table
of its own beside it.
"""

from collections.abc import Sequence

from gateway.journal.tables import SCHEMA_VERSION
from gateway.model.problem import Problem, ProblemError

TABLE = "meta"
"""The table that holds the version."""

COMMAND = "gateway migrate"
"""What brings tables up to date."""


def require_version(found: Sequence[int] | None, database: str) -> None:
    """Refuse tables of another version than this release's.

    ``found`` are the versions that stand in the database, None where it has no tables; ``database``
    names it without secrets.

    Raises:
        ProblemError: DATABASE_OUTDATED, DATABASE_UNKNOWN_VERSION.
    """
    if found is None:
        raise _refused(
            "DATABASE_OUTDATED",
            "The database has no tables",
            f"{database} has no tables, or not all. Run `{COMMAND}` with the same settings.",
        )
    if list(found) == [SCHEMA_VERSION]:
        return
    if is_outdated(found):
        raise _refused(
            "DATABASE_OUTDATED",
            "The database has an older version",
            f"{database} has schema version {found[0]}; this gateway works on {SCHEMA_VERSION}. "
            f"Run `{COMMAND}` with the same settings: it brings the tables up to date, and no "
            "entry changes.",
        )
    version = ", ".join(map(str, found)) or "none"
    raise _refused(
        "DATABASE_UNKNOWN_VERSION",
        "The database has another version",
        f"{database} has schema version {version}; this gateway knows versions up to "
        f"{SCHEMA_VERSION}. Start the release that wrote it, or name another database.",
    )


def is_outdated(found: Sequence[int]) -> bool:
    """Whether these are the tables of an earlier release, which can be brought up to date."""
    return len(found) == 1 and 1 <= found[0] < SCHEMA_VERSION


def _refused(code: str, title: str, detail: str) -> ProblemError:
    return ProblemError(Problem(code, title, 500, detail, "internal"))
