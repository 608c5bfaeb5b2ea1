"""gateway evidence"""

import sys
from pathlib import Path
from typing import NoReturn

import click

from gateway.cli.options import FAILED, OK, USAGE
from gateway.evidence import (
    MAX_BYTES,
    BundleFinding,
    BundleReport,
    NotAnArchiveError,
    verify_bundle,
)
from gateway.model.json import JsonObject

_MAX_KEY_BYTES = 65_536


@click.group()
def evidence() -> None:
    """Evidence that was exported."""


@evidence.command()
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
    """Check a bundle of evidence; names everything in it that was tampered with.

    Needs neither the gateway nor its data. Exits with 0 if the bundle holds, with 1 if it does
    not, and with 2 if it cannot be read.
    """
    content = _read(file, MAX_BYTES)
    keys = [_read(path, _MAX_KEY_BYTES).decode("utf-8", "replace") for path in public_keys]
    try:
        report = verify_bundle(content, keys)
    except NotAnArchiveError as error:
        _unreadable(file, f"{error}.")
    except ValueError as error:
        told = f"a public key cannot be used ({error}). Give Ed25519 public keys in PEM."
        _unreadable(", ".join(map(str, public_keys)), told)
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
    if report.key_given:
        click.echo(f"signed by the key given, {report.key_id}")
    else:
        click.echo(
            f"SIGNED BY KEY {report.key_id}, WHICH CAME WITH THE BUNDLE: anybody can make such a "
            "key.\nCompare it with the id that the gateway's operator gives you, or name the "
            "operator's key with --public-key."
        )
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


def _read(path: Path, most: int) -> bytes:
    """The content of a file, one byte more than ``most`` where it is larger."""
    try:
        with path.open("rb") as file:
            return file.read(most + 1)
    except OSError as error:
        _unreadable(path, f"it cannot be read ({error.strerror}).")


def _unreadable(what: Path | str, told: str) -> NoReturn:
    click.echo(f"gateway: {what}: {told}", err=True)
    sys.exit(USAGE)
