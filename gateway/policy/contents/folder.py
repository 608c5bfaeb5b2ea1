"""Writing a content to a folder, as the files that it is read from."""

from pathlib import Path

from gateway.model.problem import refuse
from gateway.policy.contents.content import (
    CASES,
    MODEL_FILES,
    RULE_FILES,
    SEPARATION,
    PolicyContent,
)


def write_content(content: PolicyContent, folder: Path, *, replace: bool = False) -> list[str]:
    """Write every file of a content below ``folder``; returns their names.

    With ``replace``, policy files that are there are exchanged, and those that the content does
    not have are removed. Whatever else is in the folder stays.

    Raises:
        ProblemError: CONFLICT if policy files are there and ``replace`` was not said;
            PRECONDITION_FAILED for a file that cannot be written.
    """
    present = _present(folder)
    if present and not replace:
        raise refuse(
            "CONFLICT",
            f"{folder} holds policy files already ({', '.join(present[:5])}). Name an empty "
            "folder, or replace them with --force.",
        )
    try:
        for name in set(present) - set(content.files):
            (folder / name).unlink()
        for name, text in content.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        told = f"{error.filename} cannot be written: {error.strerror}. Name another folder."
        raise refuse("PRECONDITION_FAILED", told) from error
    return sorted(content.files)


def _present(folder: Path) -> list[str]:
    """The names of the policy files that are in a folder."""
    single = [*MODEL_FILES, *RULE_FILES, SEPARATION]
    found = [name for name in single if (folder / name).exists()]
    return found + sorted(f"{CASES}{path.name}" for path in folder.glob(f"{CASES}*.yaml"))
