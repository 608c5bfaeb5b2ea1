"""What goes wrong with archives, as it is told."""

from pathlib import Path

from gateway.model.problem import Problem, ProblemError


def archive_unusable(path: Path, why: str | Exception) -> ProblemError:
    """ARCHIVE_UNUSABLE: a segment is missing, altered, of another record, or cannot be written.

    ``why`` is a clause that goes on from the name of the file, or what was raised.
    """
    if isinstance(why, OSError):
        why = f"cannot be read or written ({why.strerror})"
    told = f"{path}: {why}. Bring the segment as it was written, or name another folder."
    return ProblemError(
        Problem("ARCHIVE_UNUSABLE", "A segment of the archive cannot be used", 500, told, "state")
    )


def not_as_signed(why: object) -> ProblemError:
    """JOURNAL_DAMAGED: the record cannot be archived, because it is not what was signed."""
    told = (
        f"Nothing was archived, because the record is not what its checkpoints signed: {why}. "
        "Verify it with `gateway audit verify`, and restore a backup from before the damage."
    )
    return ProblemError(Problem("JOURNAL_DAMAGED", "The journal is damaged", 500, told, "internal"))
