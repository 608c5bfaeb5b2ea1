"""Writing a content to a folder, as the files that it is read from."""

import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gateway.model.problem import ProblemError, refuse
from gateway.model.system import behind_links, locked_folder, sync_folder, write_durably
from gateway.policy.contents.content import (
    CASES,
    MODEL_FILES,
    RULE_FILES,
    SEPARATION,
    UNFINISHED,
    PolicyContent,
    is_policy_file,
)

_DRAFT = re.compile(r"(?P<name>.+)\.[0-9a-f]{16}\.part")
"""What a file is called until it takes the place of the one before."""

_TOLD = b"""The policy files here are being exchanged by gateway policy export. If that has
ended, it ended early, and they may be of two revisions: export again, with --force.
"""


def write_content(content: PolicyContent, folder: Path, *, replace: bool = False) -> list[str]:
    """Write every file of a content below ``folder``; returns their names.

    With ``replace``, policy files that are there are exchanged, and those that the content does
    not have are removed. Whatever else is in the folder stays. Nothing is exchanged before
    everything is written, and until everything is exchanged the folder says so and is not read
    (``UNFINISHED``): half of some policies may allow what the whole of them denies. One does so at
    a time, since whoever ends first would say for the other that everything is exchanged.

    Raises:
        ProblemError: CONFLICT if policy files are there and ``replace`` was not said, and while
            somebody else writes there; PRECONDITION_FAILED for a file that cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with locked_folder(folder) as is_alone:
            if is_alone:
                _remove_drafts(folder)
            return _written(content, folder, replace=replace)
    except BlockingIOError:
        told = f"Another export to {folder} is under way. Try again once it has ended."
        raise refuse("CONFLICT", told) from None
    except OSError as error:
        raise _unwritable(folder, error) from error


def _written(content: PolicyContent, folder: Path, *, replace: bool) -> list[str]:
    present = _present(folder)
    if present and not replace:
        raise refuse(
            "CONFLICT",
            f"{folder} holds policy files already ({', '.join(present[:5])}). Name an empty "
            "folder, or replace them with --force.",
        )
    written: dict[Path, Path] = {}
    try:
        for name, text in content.files.items():
            path = behind_links(folder / name)
            path.parent.mkdir(parents=True, exist_ok=True)
            written[path] = path.with_name(f"{path.name}.{secrets.token_hex(8)}.part")
            write_durably(written[path], text.encode())
            _give_to_owner(written[path], path)
        with _unfinished(folder):
            for path, draft in written.items():
                draft.replace(path)
            for name in set(present) - set(content.files):
                (folder / name).unlink()
            for parent in {path.parent for path in written}:
                sync_folder(parent)
    finally:
        for draft in written.values():
            draft.unlink(missing_ok=True)
    return sorted(content.files)


def _remove_drafts(folder: Path) -> None:
    """Remove what exports that were killed left; nobody else writes one now."""
    for name in ("*.part", f"{CASES}*.part"):
        for path in folder.glob(name):
            begun = _DRAFT.fullmatch(path.relative_to(folder).as_posix())
            if begun and is_policy_file(begun["name"]):
                path.unlink(missing_ok=True)


@contextmanager
def _unfinished(folder: Path) -> Iterator[None]:
    """Say in the folder that its files are being exchanged. Where that does not come to its end,
    it stays said until an export has."""
    mark = folder / UNFINISHED
    if not mark.exists():
        try:
            write_durably(mark, _TOLD)
            sync_folder(folder)
        except OSError:
            mark.unlink(missing_ok=True)
            raise
    yield
    mark.unlink()
    sync_folder(folder)


def _give_to_owner(draft: Path, path: Path) -> None:
    """Let whoever may read the file of before, if there is one, read what takes its place."""
    if path.exists():
        of_before = path.stat()
        draft.chmod(stat.S_IMODE(of_before.st_mode))
        with suppress(PermissionError):  # it belonged to somebody else
            os.chown(draft, of_before.st_uid, of_before.st_gid)


def _present(folder: Path) -> list[str]:
    """The names of the policy files that are in a folder."""
    single = [*MODEL_FILES, *RULE_FILES, SEPARATION]
    found = [name for name in single if (folder / name).exists()]
    return found + sorted(f"{CASES}{path.name}" for path in folder.glob(f"{CASES}*.yaml"))


def _unwritable(folder: Path, error: OSError) -> ProblemError:
    return refuse(
        "PRECONDITION_FAILED",
        f"{error.filename or folder} cannot be written: {error.strerror}. Make room and give "
        "access there, or name another folder.",
    )
