"""gateway audit proof"""

import sys
from pathlib import Path
from typing import NoReturn

import click

from gateway.cli.options import FAILED, unusable
from gateway.cli.output import Output, Tone, Toned, with_output
from gateway.journal.checkpoint_lines import trusted_key
from gateway.model.json import decode_unique
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
@with_output
def verify(
    *,
    file: Path,
    public_keys: tuple[Path, ...],
    witnesses: tuple[str, ...],
    kept: Path | None,
    out: Output,
) -> None:
    """Check an answer of audit.proof.inclusion or audit.proof.consistency, saved as JSON.

    Needs neither the gateway nor its data. Exits with 0 if the proof holds, with 1 if it does not,
    and with 2 if there is nothing to check.
    """
    trust = Trust([_public_key(path) for path in public_keys], [_witness(one) for one in witnesses])
    try:
        value = decode_unique(_read(file))
    except ValueError as error:
        unusable(file, f"{error}.")
    try:
        found = check_answer(value, trust, _text(kept) if kept is not None else None)
    except NoAnswerError as error:
        unusable(file, f"{error}.")
    except ProofError as error:
        _refuse(str(error), out)
    cosigned = list(dict.fromkeys(one.partition("+")[0] for one in witnesses))

    def show() -> None:
        out.line(f"record {found.origin}: {found.told}")
        for name in cosigned:
            out.line(f"cosigned by {name}")
        for note in found.notes:
            out.line(f"note: {note}")
        out.line(Toned("the proof holds", Tone.GOOD))

    proven = {"record": found.origin, "told": found.told, "notes": list(found.notes)}
    out.tell({"holds": True, **proven, "cosignedBy": cosigned}, show)


def _refuse(fault: str, out: Output) -> NoReturn:
    """Say why the proof does not hold, and end the command."""

    def show() -> None:
        out.line(fault)
        out.line(Toned("THE PROOF DOES NOT HOLD", Tone.BAD))

    out.tell({"holds": False, "fault": fault}, show)
    sys.exit(FAILED)


def _public_key(path: Path) -> bytes | Verifier:
    try:
        key = trusted_key(_text(path))
    except ValueError as error:
        told = f"it is no Ed25519 public key, in PEM or as a verifier key ({error})."
        unusable(path, told)
    return key.public_key if key.origin is None else Verifier(key.origin, key.public_key)


def _witness(text: str) -> Verifier:
    try:
        return Verifier.parse(text)
    except NoteError as error:
        unusable(text[:200], f"it is no key of a witness ({error}).")


def _text(path: Path) -> str:
    try:
        return _read(path).decode()
    except UnicodeDecodeError:
        unusable(path, "it is not UTF-8.")


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except OSError as error:
        unusable(path, f"it cannot be read ({error.strerror}).")
    if len(content) > _MAX_BYTES:
        unusable(path, f"it is larger than {_MAX_BYTES} bytes.")
    return content
