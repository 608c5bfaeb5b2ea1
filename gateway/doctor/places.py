"""The folders: whether they are there, for whom they are open, and how much room is left."""

import os
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from gateway.doctor.findings import Finding, failed, ok, warning
from gateway.journal import LOCK_NAME
from gateway.settings import Settings

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH

_MIB = 1_048_576
SCARCE = 1024 * _MIB
"""Free bytes below which room is scarce."""

FULL = 64 * _MIB
"""Free bytes below which there is no room to work."""


def data_folder(settings: Settings) -> Iterator[Finding]:
    """The folder of the record, and the file in it that a gateway locks."""
    folder = settings.data_dir
    yield _usable("data folder", folder)
    lock = folder / LOCK_NAME
    if lock.is_dir():
        told = f"{lock} is a folder, and a gateway keeps a file there"
        yield failed("data folder", told, "move that folder away")
    if folder.is_dir() and folder.stat().st_mode & _WRITABLE_BY_OTHERS:
        yield warning(
            "data folder",
            f"{folder} can be written by other users of this machine",
            f"run: chmod go-w {folder}",
        )


def key_folder(settings: Settings) -> Iterator[Finding]:
    """The folder of the keys, also where an earlier release left one."""
    folder, earlier = settings.key_dir, settings.data_dir / "keys"
    if earlier.is_dir() and earlier.absolute() != folder.absolute():
        yield _earlier(earlier, folder)
        return
    yield _usable("key folder", folder)
    if not folder.is_dir():
        return
    if folder.stat().st_mode & _OTHERS:
        mode = stat.S_IMODE(folder.stat().st_mode)
        yield failed(
            "key folder",
            f"{folder} is open to other users of this machine (mode {mode:04o})",
            f"if nobody else can have read the keys in it, run: chmod 700 {folder}",
        )
    if folder.absolute().is_relative_to(settings.data_dir.absolute()):
        yield warning(
            "key folder",
            f"{folder} lies in the data folder, so that a backup of the data holds the keys too",
            "move it out of there, and name it with GATEWAY_KEY_DIR",
        )


def _earlier(earlier: Path, folder: Path) -> Finding:
    if folder.exists():
        return failed(
            "key folder",
            f"{earlier} holds keys, and so does {folder}",
            f"keep the one whose keys sealed the record, as {folder}, and move the other away",
        )
    return warning(
        "key folder",
        f"the keys are in {earlier}, where an earlier release kept them",
        f"the next start moves them to {folder}: back both folders up before",
    )


def room(settings: Settings) -> Iterator[Finding]:
    """The room that is left where the record and the keys are."""
    seen: set[int] = set()
    for folder in (settings.data_dir, settings.key_dir):
        place = _nearest(folder)
        device = place.stat().st_dev
        if device not in seen:
            seen.add(device)
            yield _room(place, shutil.disk_usage(place).free)


def _room(place: Path, free: int) -> Finding:
    told = f"{free // _MIB:,} MiB are free at {place}"
    if free < FULL:
        return failed("disk space", told, "free some: the record cannot be written without")
    if free < SCARCE:
        return warning("disk space", told, "free some, or archive old entries (docs/archive.md)")
    return ok("disk space", told)


def _usable(check: str, folder: Path) -> Finding:
    """Whether this user can work in a folder, or make it."""
    place, there = _nearest(folder), _nearest(folder, os.path.lexists)
    if there != place:
        told = f"{folder} cannot be made, because {there} is no folder"
        return failed(check, told, "move it away, or name another folder in the settings")
    may = os.access(place, os.R_OK | os.W_OK | os.X_OK)
    if place == folder.absolute():
        if may:
            return ok(check, f"{folder} can be read and written")
        return failed(
            check,
            f"{folder} cannot be read and written by this user",
            "run the doctor and the gateway as its owner, or give that user access to it",
        )
    if may:
        return ok(check, f"{folder} is not there; the first start makes it")
    return failed(
        check,
        f"{folder} is not there, and this user cannot make it in {place}",
        "make it for the user that runs the gateway, or name another in the settings",
    )


def _nearest(folder: Path, is_there: Callable[[Path], bool] = Path.is_dir) -> Path:
    """The folder, or the nearest one above it that is there: a folder, or as ``is_there`` says."""
    whole = folder.absolute()
    return next(place for place in (whole, *whole.parents) if is_there(place))
