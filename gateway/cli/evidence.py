"""gateway evidence"""

import sys
from pathlib import Path

import click

from gateway.cli.options import FAILED, OK
from gateway.cli.signed_files import read_file, read_keys, tell_signer, unreadable, with_signed_file
from gateway.evidence import (
    MAX_BYTES,
    BundleFinding,
    BundleReport,
    NotAnArchiveError,
    verify_bundle,
)
from gateway.model.json import JsonObject


@click.group()
def evidence() -> None:
    """Evidence that was exported."""


@evidence.command()
@with_signed_file
def verify(file: Path, public_keys: tuple[Path, ...]) -> None:
    """Check a bundle of evidence; names everything in it that was tampered with.

    Needs neither the gateway nor its data. Exits with 0 if the bundle holds, with 1 if it does
    not, and with 2 if it cannot be read.
    """
    content, keys = read_file(file, MAX_BYTES), read_keys(public_keys)
    try:
        report = verify_bundle(content, keys)
    except NotAnArchiveError as error:
        unreadable(file, f"{error}.")
    except ValueError as error:
        told = f"a public key cannot be used ({error}). Give Ed25519 public keys in PEM."
        unreadable(", ".join(map(str, public_keys)), told)
    _tell(report)
    sys.exit(OK if report.ok else FAILED)


def _tell(report: BundleReport) -> None:
    for finding in report.findings:
        click.echo(f"{finding.kind.value.upper()} [{_place(finding)}] {finding.message}")
    if report.more:
        click.echo(f"and {report.more} findings more")
    for note in report.notes:
        click.echo(f"note: {note}")
    if not report.ok or report.manifest is None:
        click.echo("THE BUNDLE DOES NOT VERIFY")
        return
    click.echo(_summary(report.manifest, report.entries))
    tell_signer(report.key_id, "bundle", given=report.key_given)
    click.echo("the bundle verifies")


def _summary(manifest: JsonObject, entries: int) -> str:
    shown = "personal data masked" if manifest["masked"] else "no personal data masked"
    moment = "when it had ended" if manifest["ended"] else "while it was not over"
    return (
        f"run {manifest['runId']} of workspace {manifest['workspace']}, exported at "
        f"{manifest['exportedAt']} by {manifest['exportedBy']} {moment} ({manifest['status']})\n"
        f"{entries} entries up to head {manifest['head']['hash']}; {shown}"
    )


def _place(finding: BundleFinding) -> str:
    known = {"file": finding.file, "seq": finding.seq, "field": finding.field}
    return " ".join(f"{name}={value}" for name, value in known.items() if value is not None)
