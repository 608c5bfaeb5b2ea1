"""gateway audit"""

import sys

import click

from gateway.cli.options import FAILED, OK, existing_record, with_settings
from gateway.journal import Finding, verify_record
from gateway.loading import key_folder
from gateway.settings import Settings


@click.group()
def audit() -> None:
    """The record."""


@audit.command()
@with_settings
def verify(*, settings: Settings) -> None:
    """Verify the whole record; names every entry that was changed, removed, moved or cut off.

    Works beside a running gateway and changes nothing.
    """
    database = existing_record(settings)
    public_key = key_folder(settings) / "checkpoint-signing.pub.pem"
    report = verify_record(database, [public_key.read_text()] if public_key.exists() else [])
    click.echo(
        f"{report.entries} entries in {report.chains} chains; {report.checkpoints} checkpoints "
        f"cover {report.covered} entries, {report.uncovered} came later"
    )
    for finding in report.findings:
        click.echo(f"{finding.kind.value.upper()} {_place(finding)}{finding.message}")
    if report.more:
        click.echo(f"and {report.more} findings more")
    click.echo("the record verifies" if report.ok else "THE RECORD DOES NOT VERIFY")
    sys.exit(OK if report.ok else FAILED)


def _place(finding: Finding) -> str:
    known = {"chain": finding.chain, "seq": finding.seq, "position": finding.position}
    told = " ".join(f"{name}={value}" for name, value in known.items() if value is not None)
    return f"[{told}] " if told else ""
