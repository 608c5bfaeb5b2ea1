"""Finding the contract files of folders: all of them, or what hides some."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from gateway.contracts.findings import Findings
from gateway.model.system import leads_nowhere

MAX_FILES = 10_000
"""How many contract files one folder may hold."""

MAX_LOOKED_AT = 100_000
"""How many files and folders of any kind may lie under one folder."""

_OF_THE_SYSTEM = "lost+found"
"""A folder that file systems make themselves, for nobody to read."""

_CODE = "CONTRACT_UNREADABLE"


def contract_files(folders: Sequence[Path], findings: Findings) -> Iterator[tuple[Path, str]]:
    """Every contract file with its name relative to the folder that it was found under."""
    seen: set[Path] = set()
    for folder in folders:
        if not os.path.isdir(folder):  # noqa: PTH112 (the method raises where it may not look)
            message = "this folder does not exist; mend its name or create it"
            findings.add(f"{folder}:1:1", _CODE, message)
            continue
        for path in _yaml_under(folder, findings):
            real = _real(path)
            if real not in seen:
                seen.add(real)
                yield path, path.relative_to(folder).as_posix()


def _yaml_under(folder: Path, findings: Findings) -> list[Path]:
    """The contract files under a folder; none where it holds more than contracts ever would.

    Links to folders are followed, each folder once: what lies behind one must not be missing
    without a word.
    """
    found: list[Path] = []
    closed: list[OSError] = []
    lost: list[Path] = []
    looked_at = 0
    entered: set[tuple[int, int]] = set()
    for here, inner, files in os.walk(folder, onerror=closed.append, followlinks=True):
        if _is_known(here, entered):
            inner.clear()
            continue
        looked_at += len(inner) + len(files)
        lost += [path for name in sorted(files) if _is_lost(path := Path(here, name))]
        inner[:] = sorted(name for name in inner if not name.startswith(("_", ".")))
        found += [
            Path(here) / name
            for name in sorted(files)
            if name.endswith(".yaml") and not name.startswith(("_", "."))
        ]
        if len(found) > MAX_FILES or looked_at > MAX_LOOKED_AT:
            message = (
                f"more than {MAX_FILES} contract files or {MAX_LOOKED_AT} files of any kind lie"
                " here; name the folder that holds the contracts alone"
            )
            findings.add(f"{folder}:1:1", _CODE, message)
            return []
    _tell_hidden(folder, closed, lost, findings)
    return found


def _is_lost(path: Path) -> bool:
    """Whether a link may have led to a folder of contracts; that of a contract is told by whoever
    reads it."""
    return not path.name.startswith(("_", ".")) and path.suffix != ".yaml" and leads_nowhere(path)


def _tell_hidden(
    folder: Path, closed: Sequence[OSError], lost: Sequence[Path], findings: Findings
) -> None:
    for path in lost:
        message = "this link leads nowhere; mend or remove it, or name it with a leading '_'"
        findings.add(f"{path.relative_to(folder).as_posix()}:1:1", _CODE, message)
    for error in closed:
        path = Path(error.filename)
        if path.name != _OF_THE_SYSTEM:
            name = folder if path == folder else path.relative_to(folder).as_posix()
            message = f"this folder cannot be read ({error.strerror}); check its permissions"
            findings.add(f"{name}:1:1", _CODE, message)


def _is_known(folder: str, entered: set[tuple[int, int]]) -> bool:
    """Whether a folder was entered before, however it was reached; else it is entered now."""
    told = os.stat(folder)  # noqa: PTH116 as names come from os.walk
    before = len(entered)
    entered.add((told.st_dev, told.st_ino))
    return len(entered) == before


def _real(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError):  # links that lead in a circle: reading it tells
        return path
