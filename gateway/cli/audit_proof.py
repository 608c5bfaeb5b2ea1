"""gateway audit proof"""

import sys
from pathlib import Path
from typing import NoReturn

import click
from cryptography.exceptions import UnsupportedAlgorithm

from gateway.cli.options import FAILED, USAGE
from gateway.journal.checkpoint_lines import public_key_of
from gateway.model.json import decode
from gateway.transparency import NoteError, Verifier
from gateway.transparency.answers import NoAnswerError, ProofError, Trust, check_answer

_MAX_BYTES = 1_000_000
_FILE = click.Path(path_type=Path)


@click.group()
def proof() -> None:
    """Proofs about the record."""


@proof.command()
@click.argument("file", type=_FILE)
@click.option(
    "--public-key",
    "public_keys",
    multiple=True,
    required=True,
    metavar="FILE",
    type=_FILE,
    help="Public key that the gateway signs with, in PEM or as a verifier key. May be repeated.",
)
@click.option(
    "--witness",
    "witnesses",
    multiple=True,
    metavar="KEY",
    help="Verifier key of a witness that must have cosigned. Repeat it for several.",
)
@click.option(
    "--kept",
    metavar="FILE",
    type=_FILE,
    help="Note of a checkpoint that was kept from earlier, for a proof of consistency.",
)
def verify(
    file: Path, public_keys: tuple[Path, ...], witnesses: tuple[str, ...], kept: Path | None
) -> None:
    """Check an answer of audit.proof.inclusion or audit.proof.consistency, saved as JSON.

    Needs neither the gateway nor its data. Exits with 0 if the proof holds, with 1 if it does not,
    and with 2 if there is nothing to check.
    """
    trust = Trust([_public_key(path) for path in public_keys], [_witness(one) for one in witnesses])
    try:
        value = decode(_read(file))
    except ValueError:
        _unreadable(file, "it is not JSON.")
    try:
        found = check_answer(value, trust, _text(kept) if kept is not None else None)
    except NoAnswerError as error:
        _unreadable(file, f"{error}.")
    except ProofError as error:
        click.echo(f"{error}")
        click.echo("THE PROOF DOES NOT HOLD")
        sys.exit(FAILED)
    click.echo(f"record {found.origin}: {found.told}")
    for one in witnesses:
        click.echo(f"cosigned by {one.partition('+')[0]}")
    for note in found.notes:
        click.echo(f"note: {note}")
    click.echo("the proof holds")


def _public_key(path: Path) -> bytes:
    try:
        return public_key_of(_text(path))
    except (ValueError, UnsupportedAlgorithm):
        _unreadable(path, "it is no Ed25519 public key, in PEM or as a verifier key.")


def _witness(text: str) -> Verifier:
    try:
        return Verifier.parse(text)
    except NoteError as error:
        _unreadable(text[:200], f"it is no key of a witness ({error}).")


def _text(path: Path) -> str:
    try:
        return _read(path).decode()
    except UnicodeDecodeError:
        _unreadable(path, "it is not UTF-8.")


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except OSError as error:
        _unreadable(path, f"it cannot be read ({error.strerror}).")
    if len(content) > _MAX_BYTES:
        _unreadable(path, f"it is larger than {_MAX_BYTES} bytes.")
    return content


def _unreadable(what: Path | str, told: str) -> NoReturn:
    click.echo(f"gateway: {what}: {told}", err=True)
    sys.exit(USAGE)
