"""Writing a new deployment folder: as a whole, or not at all."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from gateway import __version__
from gateway.model.problem import ProblemError, refuse
from gateway.model.system import locked_folder, sync_folder, write_durably
from gateway.scaffold.drafts import clear_drafts, new_draft
from gateway.shipped import shipped_policies

_FILES = {
    ".env": "env.txt",
    ".gitignore": "ignore.txt",
    "README.md": "readme.txt",
    "compose.yaml": "compose.txt",
    "handlers/__init__.py": None,
    "handlers/hello.py": "handler.txt",
    "policies/cases/hello.yaml": "cases.txt",
    "schema/greeting.send.yaml": "contract.txt",
}
"""Every file of its own that a deployment begins with, and its text here; None for an empty one."""

_NAMED = frozenset({"README.md", "compose.yaml"})
"""Files in which ``{name}`` and ``{version}`` are filled in."""

_OF_EXAMPLE = re.compile(r"\bsupport\.|The example domain")
"""What marks a paragraph of the shipped policies as one about the example domain."""


@dataclass(frozen=True, slots=True)
class Founded:
    """What was written: the names of the ``files``, after what commands that were killed had left
    was ``removed``."""

    files: list[str]
    removed: list[Path]


def found(folder: Path) -> Founded:
    """Write a deployment that starts into ``folder``.

    The folder is made if it is missing. Everything is written beside it and then moved there, so
    that no half of it is ever left, and survives a power cut.

    Raises:
        ProblemError: CONFLICT where the folder is not empty; PRECONDITION_FAILED where it cannot
            be written.
    """
    whole = folder.absolute()
    try:
        _require_empty(folder)
        whole.parent.mkdir(parents=True, exist_ok=True)
        texts = dict(_texts(_name_of(whole)))
        removed = clear_drafts(whole, texts)
        with new_draft(whole) as draft:
            for path, text in texts.items():
                _put(draft / path, text)
            for written in (draft, *(path for path in draft.rglob("*") if path.is_dir())):
                sync_folder(written)
            _move(draft, whole)
        for written in (whole, whole.parent):
            sync_folder(written)
    except OSError as error:
        raise _unwritable(folder, error) from error
    return Founded(sorted(texts), removed)


def _require_empty(folder: Path) -> None:
    if not folder.exists():
        return
    if not folder.is_dir():
        raise refuse("CONFLICT", f"{folder} is a file. Name a folder that is new or empty.")
    present = sorted(path.name for path in folder.iterdir())
    if present:
        shown = ", ".join(present[:3]) + (", ..." if len(present) > 3 else "")
        raise refuse(
            "CONFLICT", f"{folder} is not empty ({shown}). Name a folder that is new or empty."
        )


def _texts(name: str) -> Iterator[tuple[str, str]]:
    """Every file of a deployment of this name: its path, and what is in it."""
    texts = files("gateway.scaffold").joinpath("files")
    for path, source in _FILES.items():
        text = texts.joinpath(source).read_text(encoding="utf-8") if source else ""
        yield path, text.format(name=name, version=__version__) if path in _NAMED else text
    shipped = shipped_policies()
    for file in sorted(path for path in shipped.rglob("*") if path.is_file()):
        text = _without_example(file)
        if text:
            yield str(Path("policies", file.relative_to(shipped))), text


def _put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_durably(path, text.encode())


def _without_example(file: Path) -> str:
    """A shipped policy file without the paragraphs about contracts that a deployment lacks."""
    text = file.read_text(encoding="utf-8")
    if file.parent.name != "cases" and file.suffix != ".csv":
        return text
    kept = [part for part in text.split("\n\n") if not _OF_EXAMPLE.search(part)]
    if all(line.startswith("#") for part in kept for line in part.splitlines() if line):
        return ""  # nothing but comments is left
    return "\n\n".join(kept).rstrip("\n") + "\n"


def _move(draft: Path, folder: Path) -> None:
    """Put the draft in the place of a folder that is missing, or into one that is empty."""
    if not folder.exists():
        draft.rename(folder)
        return
    with locked_folder(folder, waiting=True):
        _require_empty(folder)  # still: another command may have been faster
        moved: list[Path] = []  # the folder itself stays: a shell may stand in it
        try:
            for path in sorted(draft.iterdir()):
                moved += [path.rename(folder / path.name)]
        except OSError:
            for path in moved:
                path.rename(draft / path.name)
            raise


def _name_of(folder: Path) -> str:
    """A name for the deployment that container tools take, after its folder."""
    return re.sub(r"[^a-z0-9]+", "-", folder.name.lower()).strip("-") or "gateway"


def _unwritable(folder: Path, error: OSError) -> ProblemError:
    told = f"{error.filename or folder} cannot be written: {error.strerror}. Name another folder."
    return refuse("PRECONDITION_FAILED", told)
