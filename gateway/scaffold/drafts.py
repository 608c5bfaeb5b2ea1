"""Where a deployment is written before it has its place, and what is left of one without."""

import contextlib
import os
import re
import secrets
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path

from gateway.model.system import locked_folder

_ENDING = re.compile(r"[0-9a-f]{8}")


@contextlib.contextmanager
def new_draft(whole: Path) -> Iterator[Path]:
    """A folder beside ``whole``, which is gone once the block has ended. It is locked from before
    anything is in it, so that nobody takes it for what a killed command left.

    Raises:
        OSError: it cannot be made.
    """
    draft = whole.parent / f".{whole.name}.{secrets.token_hex(4)}"
    draft.mkdir()
    try:
        with locked_folder(draft):
            yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def clear_drafts(whole: Path, ours: Collection[str]) -> list[Path]:
    """Remove what killed commands left beside ``whole``; returns what was removed.

    Folders that are written at present stay, and so do those of other users and those with anything
    in them but the files ``ours``: somebody else may have given one a name like that.
    """
    try:
        beside = sorted(whole.parent.iterdir())
    except OSError:
        return []  # whoever may not look there can write there all the same
    left = [path for path in beside if _is_left(path, whole, ours)]
    return [path for path in left if _is_removed(path)]


def _is_left(path: Path, whole: Path, ours: Collection[str]) -> bool:
    head, _, ending = path.name.rpartition(".")
    if head != f".{whole.name}" or not _ENDING.fullmatch(ending):
        return False
    if path.is_symlink() or not path.is_dir():
        return False
    inside = list(path.rglob("*"))
    found = {str(one.relative_to(path)) for one in inside if one.is_symlink() or not one.is_dir()}
    return bool(found) and found <= set(ours)


def _is_removed(draft: Path) -> bool:
    try:
        if draft.stat().st_uid != os.geteuid():
            return False  # somebody else's
        with locked_folder(draft) as is_alone:
            if is_alone:
                shutil.rmtree(draft)
            return is_alone
    except OSError:
        return False  # in use, or gone by now
