"""gateway keys"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from gateway.cli.options import existing_record, fail, with_settings
from gateway.journal import FolderLock
from gateway.loading import key_folder
from gateway.model.problem import problem
from gateway.model.system import SystemClock, unusable_key
from gateway.privacy import KeyRotation, has_keys
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
def root(*, settings: Settings, to: str) -> None:
    """Wrap the keys of all workspaces under a new root key."""
    with _rotation(settings) as rotation:
        key_id = rotation.root(to)
    click.echo(f"every workspace's keys are wrapped by {key_id} now")
    if to != settings.root_key:
        click.echo(f"set GATEWAY_ROOT_KEY to {to} before the next start")


@rotate.command()
@click.option("--workspace", metavar="NAME", help="The workspace. Without it: all.")
@with_settings
def workspace(*, settings: Settings, workspace: str | None) -> None:
    """Wrap the data keys of a workspace under a new key; the one before is destroyed."""
    _each(settings, workspace, lambda rotation, name: rotation.workspace(name, _told), "wrapped")


@rotate.command()
@click.option("--workspace", metavar="NAME", help="The workspace. Without it: all.")
@with_settings
def data(*, settings: Settings, workspace: str | None) -> None:
    """Have new data keys seal from now on; those before still open what they sealed."""
    _each(settings, workspace, lambda rotation, name: rotation.data(name), "replaced")


def _each(
    settings: Settings,
    named: str | None,
    rotate_one: Callable[[KeyRotation, str], int],
    done: str,
) -> None:
    with _rotation(settings) as rotation:
        known = rotation.workspaces()
        if named is not None and named not in known:
            fail(problem("NOT_FOUND", f"There are no keys of a workspace {named!r}."))
        for name in known if named is None else [named]:
            click.echo(f"{name}: {rotate_one(rotation, name)} data keys {done}")


@contextmanager
def _rotation(settings: Settings) -> Iterator[KeyRotation]:
    existing_record(settings)
    lock = FolderLock(settings.data_dir)
    try:
        folder = key_folder(settings)
        if not has_keys(folder):
            fail(problem("NOT_FOUND", f"There are no keys in {folder}. See GATEWAY_KEY_DIR."))
        rotation = KeyRotation(folder, settings.root_key, SystemClock())
        try:
            yield rotation
        except ValueError as error:
            raise unusable_key(folder, f"holds a key that cannot be opened ({error})") from error
        finally:
            rotation.close()
    finally:
        lock.release()


def _told(progress: str) -> None:
    click.echo(progress, err=True)
