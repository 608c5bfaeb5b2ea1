"""gateway keys"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import click

from gateway.cli.options import existing_record, fail, unusable, with_settings
from gateway.cli.output import Output, with_output
from gateway.journal import FolderLock
from gateway.loading import key_folder, open_keyring
from gateway.model.problem import Issue, invalid, problem
from gateway.model.system import SystemClock, unusable_key
from gateway.privacy import DataKeys, KeyRotation, has_keys, rotating
from gateway.privacy.tombstones import TombstoneFile
from gateway.settings import Settings


@click.group()
def keys() -> None:
    """The keys that seal personal data."""


@keys.group()
def rotate() -> None:
    """Replace keys, layer by layer. Stop the gateway first; the journal stays as it is."""


@rotate.command()
@click.option("--to", default="file", show_default=True, metavar="WHERE",
              help="Where the new root key is, as in GATEWAY_ROOT_KEY.")  # fmt: skip
@with_settings
@with_output
def root(*, settings: Settings, to: str, out: Output) -> None:
    """Wrap the keys of all workspaces under a new root key."""
    with _rotation(settings) as rotation:
        key_id = rotation.root(to)

    def show() -> None:
        out.line(f"every workspace's keys are wrapped by {key_id} now")
        if to != settings.root_key:
            out.line(f"set GATEWAY_ROOT_KEY to {to} before the next start")

    out.tell({"key": key_id, "rootKey": to}, show)


@rotate.command()
@click.option("--workspace", metavar="NAME", help="The workspace. Without it: all.")
@with_settings
@with_output
def workspace(*, settings: Settings, workspace: str | None, out: Output) -> None:
    """Wrap the data keys of a workspace under a new key; the one before is destroyed."""
    rotated = _each(settings, workspace, lambda rotation, name: rotation.workspace(name, _told))
    _tell(rotated, "wrapped", out)


@rotate.command()
@click.option("--workspace", metavar="NAME", help="The workspace. Without it: all.")
@with_settings
@with_output
def data(*, settings: Settings, workspace: str | None, out: Output) -> None:
    """Have new data keys seal from now on; those before still open what they sealed."""
    rotated = _each(settings, workspace, lambda rotation, name: rotation.data(name))
    _tell(rotated, "replaced", out)


def _each(
    settings: Settings,
    named: str | None,
    rotate_one: Callable[[KeyRotation, str], int],
) -> dict[str, int]:
    """How many data keys were rotated, by workspace."""
    with _rotation(settings) as rotation:
        known = rotation.workspaces()
        if named is not None and named not in known:
            fail(problem("NOT_FOUND", f"There are no keys of a workspace {named!r}."))
        chosen = known if named is None else [named]
        return {name: rotate_one(rotation, name) for name in chosen}


def _tell(rotated: dict[str, int], done: str, out: Output) -> None:
    def show() -> None:
        for name, count in rotated.items():
            out.line(f"{name}: {count} data keys {done}")

    out.tell([{"workspace": name, "dataKeys": count} for name, count in rotated.items()], show)


@contextmanager
def _rotation(settings: Settings) -> Iterator[KeyRotation]:
    existing_record(settings)
    with _nobody_else(settings):
        where = (_known_keys(settings), settings.root_key, SystemClock(), settings.key_database)
        with rotating(*where) as rotation:
            yield rotation


def _nobody_else(settings: Settings) -> AbstractContextManager[object]:
    """Keep a server from using the keys meanwhile; a shared store sees to that by itself."""
    return nullcontext() if settings.key_database else FolderLock(settings.data_dir)


def _known_keys(settings: Settings) -> Path:
    """The key folder; the command fails where keys should be in it, and are not."""
    folder = key_folder(settings)
    if not settings.key_database and not has_keys(folder):
        fail(problem("NOT_FOUND", f"There are no keys in {folder}. See GATEWAY_KEY_DIR."))
    return folder


@keys.group()
def tombstones() -> None:
    """Which keys were destroyed, to be kept apart from backups. They hold no key and no name."""


@tombstones.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@with_settings
@with_output
def write(*, settings: Settings, file: Path, out: Output) -> None:
    """Add to FILE the tombstones that it lacks. Works beside a running gateway."""
    kept = TombstoneFile(file)
    _require_tombstones(kept)
    with _opened(settings) as keys:
        known = {one.key_id for one in kept}
        fresh = [one for one in keys.tombstones if one.key_id not in known]
        if fresh or not file.exists():
            _writing(file, lambda: kept.append(fresh))
    total = len(known) + len(fresh)
    told = f"{len(fresh)} tombstones added to {file}, which has {total}"
    out.tell({"added": len(fresh), "total": total}, lambda: out.line(told))


@tombstones.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@with_settings
@with_output
def read(*, settings: Settings, file: Path, out: Output) -> None:
    """Destroy again whatever FILE names, as after the key store was restored from a backup.

    Works beside running gateways where the keys are in PostgreSQL; else stop the gateway first. The
    record learns of it at the next start of one.
    """
    passed_over = _require_tombstones(TombstoneFile(file))
    with _nobody_else(settings), _opened(settings) as keys:
        known = {one.key_id for one in keys.tombstones}
        fresh = [one for one in TombstoneFile(file) if one.key_id not in known]
        try:
            keys.tombstones.append(fresh)
            gone = keys.bury()
        except (OSError, sqlite3.Error) as error:  # a log that is in use raises one, too
            told = f"may still hold what {file} names ({error}). End what uses it, then call again"
            raise unusable_key(keys.store.place, told) from error
    told = f"{len(fresh)} tombstones added; {gone} keys destroyed again"
    counts = {"added": len(fresh), "destroyed": gone, "unreadable": passed_over}
    out.tell(counts, lambda: out.line(told))
    if passed_over:
        _told(f"{passed_over} lines of {file} are no tombstones: what they named was not destroyed")


def _require_tombstones(kept: TombstoneFile) -> int:
    """How many lines of a file are no tombstones, as where a crash cut one short; the command fails
    where none is one: then it is another file."""
    passed_over = kept.unreadable()
    if passed_over and next(iter(kept), None) is None:
        unusable(kept.path, "it holds no tombstones, but something else.")
    return passed_over


@contextmanager
def _opened(settings: Settings) -> Iterator[DataKeys]:
    _known_keys(settings)
    keys = open_keyring(settings).data
    try:
        yield keys
    finally:
        keys.close()


def _writing(file: Path, write: Callable[[], None]) -> None:
    try:
        write()
    except OSError as error:
        told = f"{file} cannot be written: {error.strerror}."
        raise invalid([Issue("/file", "NOT_ALLOWED", told)]) from error


def _told(progress: str) -> None:
    click.echo(progress, err=True)
