"""gateway audit"""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import click

from gateway.cli.audit_export import export
from gateway.cli.audit_proof import proof
from gateway.cli.audit_status import status
from gateway.cli.options import (
    FAILED,
    OK,
    USAGE,
    existing_file,
    existing_record,
    fail,
    with_settings,
)
from gateway.cli.progress import ProgressLine
from gateway.journal import (
    Finding,
    Verification,
    VerifyReport,
    as_file,
    open_journal,
    read_record,
    verifier_key,
)
from gateway.loading import key_folder
from gateway.model.system import SystemClock, unusable_key
from gateway.privacy import (
    CheckpointKeys,
    PublicKey,
    Rotation,
    open_vault,
    rotate_key,
    rotate_shared_key,
)
from gateway.privacy import public_keys as public_keys_of
from gateway.settings import Settings

_MAX_KEY_BYTES = 65_536


@click.group()
def audit() -> None:
    """The record."""


@audit.command()
@with_settings
@click.option(
    "--against",
    multiple=True,
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Checkpoints that were kept elsewhere: a note, a line, or a file of many. Repeatable.",
)
@click.option(
    "--public-key",
    "public_keys",
    multiple=True,
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Public key (PEM) or verifier key that is trusted, and those that it endorses; without "
    "any, those beside the record are. Repeatable.",
)
@click.option(
    "--checkpoints",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The second copy of the checkpoints  [default: checkpoints.jsonl beside the record]",
)
@click.option(
    "--archive",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="Where the segments are that `gateway journal archive` wrote: they are verified too.",
)
@click.option("--progress", is_flag=True, help="Tell on standard error how far it is, anywhere.")
def verify(
    *,
    settings: Settings,
    against: tuple[Path, ...],
    public_keys: tuple[Path, ...],
    checkpoints: Path | None,
    archive: Path | None,
    progress: bool,
) -> None:
    """Verify the whole record; names every entry that was changed, removed, moved or cut off.

    Works beside a running gateway and changes nothing. Exits with 0 if the record verifies, with 1
    if it does not, and with 2 if a file that was named cannot be used.
    """
    place = existing_record(settings)
    line = ProgressLine(asked=progress)
    keys = [PublicKey(str(path), _key(path)) for path in public_keys] or _known(settings)
    trusted = tuple(one.pem for one in keys)
    try:
        with as_file(place) as database:
            asked = Verification(*(database, trusted, checkpoints, against, archive), progress=line)
            report = asked.run()
    except OSError as error:
        _unusable(error.filename, f"it cannot be read ({error.strerror}).")
    except ValueError as error:
        if not public_keys:
            told = f"is no public key ({error}). Restore it, or name a key with --public-key"
            fail(unusable_key(keys[0].place, told).problem)
        told = f"a public key cannot be used ({error}). Give Ed25519 public keys in PEM."
        _unusable(_places(keys), told)
    finally:
        line.end()
    _tell(report)
    if not public_keys:
        _tell_trust(keys)
    click.echo("the record verifies" if report.ok else "THE RECORD DOES NOT VERIFY")
    sys.exit(OK if report.ok else FAILED)


@audit.command()
@with_settings
def key(*, settings: Settings) -> None:
    """Show the keys that sign checkpoints, to be kept where the gateway cannot write."""
    keys = _known(settings)
    origin = read_record(existing_record(settings), lambda records: records.origin())
    for one in keys:
        click.echo(one.place)
        if settings.key_database:
            click.echo(one.pem, nl=False)
        if origin is not None:
            click.echo(f"  {verifier_key(origin, one.pem)}")


@audit.command("rotate-key")
@with_settings
def rotate(*, settings: Settings) -> None:
    """Let a new key sign the checkpoints; the old one endorses it. Stop the gateway first."""
    if settings.key_database:
        done = asyncio.run(_rotate_shared(settings))
    else:
        keys = CheckpointKeys(key_folder(settings))
        done = rotate_key(existing_file(settings), keys, SystemClock())
    click.echo(f"key {done.before} endorsed key {done.after} in checkpoint {done.number}")
    click.echo(f"checkpoints are signed with key {done.after} from now on")


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


def _known(settings: Settings) -> list[PublicKey]:
    """The public keys that the installation has."""
    try:
        return public_keys_of(key_folder(settings), settings.key_database)
    except OSError as error:
        _unusable(error.filename, f"it cannot be read ({error.strerror}).")


def _tell(report: VerifyReport) -> None:
    click.echo(
        f"{report.entries} entries in {report.chains} chains; {report.checkpoints} checkpoints "
        f"cover {report.covered} entries, {report.uncovered} came later"
    )
    if report.archived:
        read = f"read {report.segments} segments" if report.segments else "not read (--archive)"
        click.echo(f"{report.archived} entries are archived; their leaves verify, {read}")
    for finding in report.findings:
        click.echo(f"{finding.kind.value.upper()} {_place(finding)}{finding.message}")
        for note in finding.shown:
            click.echo("".join(f"    {line}\n" for line in note.splitlines()), nl=False)
    if report.more:
        click.echo(f"and {report.more} findings more")


def _places(keys: Sequence[PublicKey]) -> str:
    return ", ".join(one.place for one in keys)


def _tell_trust(keys: Sequence[PublicKey]) -> None:
    if keys:
        click.echo(
            f"TRUSTED THE KEYS BESIDE THE RECORD ({_places(keys)}): whoever can write "
            "there can sign anew.\nName a key that you keep elsewhere with --public-key."
        )


audit.add_command(export)
audit.add_command(proof)
audit.add_command(status)


def _place(finding: Finding) -> str:
    known = {"chain": finding.chain, "seq": finding.seq, "position": finding.position}
    told = " ".join(f"{name}={value}" for name, value in known.items() if value is not None)
    return f"[{told}] " if told else ""


def _key(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_KEY_BYTES).decode("utf-8", "replace")
    except OSError as error:
        _unusable(path, f"it cannot be read ({error.strerror}).")


def _unusable(what: Path | str, told: str) -> NoReturn:
    click.echo(f"gateway: {what}: {told}", err=True)
    sys.exit(USAGE)
