"""gateway privacy"""

import sys
from pathlib import Path

import click

from gateway.cli.options import FAILED, OK
from gateway.cli.signed_files import read_file, read_keys, tell_signer, unreadable, with_signed_file
from gateway.model.json import decode
from gateway.rights import verify_receipt

_MAX_BYTES = 4 * 1024 * 1024


@click.group()
def privacy() -> None:
    """Rights of people."""


@privacy.group()
def receipt() -> None:
    """Receipts of erasures."""


@receipt.command()
@with_signed_file
def verify(file: Path, public_keys: tuple[Path, ...]) -> None:
    """Check the signature of a receipt, as privacyErasureGet gives it.

    Needs neither the gateway nor its data. Exits with 0 if the receipt holds, with 1 if it does
    not, and with 2 if it cannot be read.
    """
    content, keys = read_file(file, _MAX_BYTES), read_keys(public_keys)
    try:
        report = verify_receipt(decode(content), keys)
    except ValueError as error:
        unreadable(file, f"it cannot be checked ({error}).")
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
    tell_signer(report.key_id, "receipt", given=bool(keys))
    click.echo("the receipt verifies")
    sys.exit(OK)
