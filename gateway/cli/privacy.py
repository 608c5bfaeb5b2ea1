"""gateway privacy"""

import sys
from pathlib import Path
from typing import NoReturn

import click

from gateway.cli.options import FAILED, OK, USAGE
from gateway.model.json import decode
from gateway.rights import verify_receipt

_MAX_BYTES = 4 * 1024 * 1024
_MAX_KEY_BYTES = 65_536


@click.group()
def privacy() -> None:
    """Rights of people."""


@privacy.group()
def receipt() -> None:
    """Receipts of erasures."""


@receipt.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--public-key",
    "public_keys",
    multiple=True,
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Public key (PEM) that the gateway signs with. Repeat it where there were several.",
)
def verify(file: Path, public_keys: tuple[Path, ...]) -> None:
    """Check the signature of a receipt, as privacyErasureGet gives it.

    Needs neither the gateway nor its data. Exits with 0 if the receipt holds, with 1 if it does
    not, and with 2 if it cannot be read.
    """
    content = _read(file, _MAX_BYTES)
    keys = [_read(path, _MAX_KEY_BYTES).decode("utf-8", "replace") for path in public_keys]
    try:
        report = verify_receipt(decode(content), keys)
    except ValueError as error:
        _unreadable(file, f"it cannot be checked ({error}).")
    if report.fault is not None:
        click.echo(f"{report.fault}\nTHE RECEIPT DOES NOT VERIFY")
        sys.exit(FAILED)
    told = report.receipt
    subject = told["subject"]
    click.echo(
        f"erasure {told['erasureId']} of {subject['kind']} {subject['pseudonym']} in workspace "
        f"{told['workspace']}\nrequested by {told['requestedBy']} at {told['requestedAt']}, "
        f"approved by {told['approvedBy']} at {told['approvedAt']}, done at {told['erasedAt']}\n"
        f"{told['keys']} keys destroyed; {told['entries']} entries of {told['executions']} "
        f"executions and of calls hold what became unreadable"
    )
    for field in told["fields"]:
        click.echo(f"  {field['contract']} ({', '.join(field['classes'])}): {field['values']}")
    if keys:
        click.echo(f"signed by the key given, {report.key_id}")
    else:
        click.echo(
            f"SIGNED BY KEY {report.key_id}, WHICH CAME WITH THE RECEIPT: anybody can make such a "
            "key.\nCompare it with the id that the gateway's operator gives you, or name the "
            "operator's key with --public-key."
        )
    click.echo("the receipt verifies")
    sys.exit(OK)


def _read(path: Path, most: int) -> bytes:
    """The content of a file, one byte more than ``most`` where it is larger."""
    try:
        with path.open("rb") as file:
            return file.read(most + 1)
    except OSError as error:
        _unreadable(path, f"it cannot be read ({error.strerror}).")


def _unreadable(what: Path, told: str) -> NoReturn:
    click.echo(f"gateway: {what}: {told}", err=True)
    sys.exit(USAGE)
