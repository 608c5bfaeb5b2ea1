"""gateway audit key and rotate-key"""

import asyncio

import click

from gateway.cli.options import existing_file, existing_record, unusable, with_settings
from gateway.cli.output import Output, with_output
from gateway.journal import open_journal, read_record, verifier_key
from gateway.loading import key_folder
from gateway.model.system import SystemClock
from gateway.privacy import (
    CheckpointKeys,
    PublicKey,
    Rotation,
    open_vault,
    public_keys,
    rotate_key,
    rotate_shared_key,
)
from gateway.settings import Settings


@click.command()
@with_settings
@with_output
def key(*, settings: Settings, out: Output) -> None:
    """Show the keys that sign checkpoints, to be kept where the gateway cannot write."""
    keys = known_keys(settings)
    origin = read_record(existing_record(settings), lambda records: records.origin())
    verifiers = [None if origin is None else verifier_key(origin, one.pem) for one in keys]

    def show() -> None:
        for one, verifier in zip(keys, verifiers, strict=True):
            out.line(one.place)
            for line in one.pem.splitlines() if settings.key_database else ():
                out.line(line)
            if verifier is not None:
                out.line(f"  {verifier}")

    told = [
        {"place": one.place, "pem": one.pem, "verifierKey": verifier}
        for one, verifier in zip(keys, verifiers, strict=True)
    ]
    out.tell(told, show)


@click.command("rotate-key")
@with_settings
@with_output
def rotate(*, settings: Settings, out: Output) -> None:
    """Let a new key sign the checkpoints; the old one endorses it. Stop the gateway first."""
    if settings.key_database:
        done = asyncio.run(_rotate_shared(settings))
    else:
        keys = CheckpointKeys(key_folder(settings))
        done = rotate_key(existing_file(settings), keys, SystemClock())

    def show() -> None:
        out.line(f"key {done.before} endorsed key {done.after} in checkpoint {done.number}")
        out.line(f"checkpoints are signed with key {done.after} from now on")

    out.tell({"before": done.before, "after": done.after, "checkpoint": done.number}, show)


async def _rotate_shared(settings: Settings) -> Rotation:
    """Rotate a key that processes share, while none of them has the key store open."""
    clock = SystemClock()
    where = (key_folder(settings), settings.root_key, clock, settings.key_database)
    place = existing_record(settings)
    vault = open_vault(*where, alone=True)
    try:
        journal = await open_journal(place, settings.data_dir, clock=clock)
        try:
            return await rotate_shared_key(journal, vault.checkpoint)
        finally:
            await journal.close()
    finally:
        vault.store.close()


def known_keys(settings: Settings) -> list[PublicKey]:
    """The public keys that the installation has; the command ends where one cannot be read."""
    try:
        return public_keys(key_folder(settings), settings.key_database)
    except OSError as error:
        unusable(error.filename, f"it cannot be read ({error.strerror}).")
