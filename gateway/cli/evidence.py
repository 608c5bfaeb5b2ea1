"""gateway evidence"""

import sys
from pathlib import Path

import click

from gateway.cli.evidence_export import export
from gateway.cli.options import FAILED, OK, unusable
from gateway.cli.output import Output, Tone, Toned, with_output
from gateway.cli.signed_files import read_file, read_keys, tell_signer, with_signed_file
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
    """Evidence of what runs did: exported from a running gateway, checked without one."""


evidence.add_command(export)


@evidence.command()
@with_signed_file
@with_output
def verify(*, file: Path, public_keys: tuple[Path, ...], out: Output) -> None:
    """Check a bundle of evidence; names everything in it that was tampered with.

    Needs neither the gateway nor its data. Exits with 0 if the bundle holds, with 1 if it does
    not, and with 2 if it cannot be read.
    """
    content, keys = read_file(file, MAX_BYTES), read_keys(public_keys)
    try:
        report = verify_bundle(content, keys)
    except NotAnArchiveError as error:
        unusable(file, f"{error}.")
    out.tell(_told(report), lambda: _show(report, out))
    sys.exit(OK if report.ok else FAILED)


def _told(report: BundleReport) -> JsonObject:
    """The report as JSON."""
    return {
        "verifies": report.ok,
        "bundle": report.manifest,
        "entries": report.entries,
        "findings": [
            {**_known_place(one), "kind": one.kind.value, "message": one.message}
            for one in report.findings
        ],
        "moreFindings": report.more,
        "notes": list(report.notes),
        "signedBy": report.key_id,
        "keyGiven": report.key_given,
    }


def _show(report: BundleReport, out: Output) -> None:
    for finding in report.findings:
        kind = Toned(finding.kind.value.upper(), Tone.BAD)
        out.line(kind, f" [{_place(finding)}] {finding.message}")
    if report.more:
        out.line(f"and {report.more} findings more")
    for note in report.notes:
        out.line(f"note: {note}")
    if not report.ok or report.manifest is None:
        out.line(Toned("THE BUNDLE DOES NOT VERIFY", Tone.BAD))
        return
    _show_summary(report.manifest, report.entries, out)
    tell_signer(out, report.key_id, "bundle", given=report.key_given)
    out.line(Toned("the bundle verifies", Tone.GOOD))


def _show_summary(manifest: JsonObject, entries: int, out: Output) -> None:
    shown = "personal data masked" if manifest["masked"] else "no personal data masked"
    moment = "when it had ended" if manifest["ended"] else "while it was not over"
    out.line(
        f"run {manifest['runId']} of workspace {manifest['workspace']}, exported at "
        f"{manifest['exportedAt']} by {manifest['exportedBy']} {moment} ({manifest['status']})"
    )
    out.line(f"{entries} entries up to head {manifest['head']['hash']}; {shown}")


def _known_place(finding: BundleFinding) -> JsonObject:
    known = {"file": finding.file, "seq": finding.seq, "field": finding.field}
    return {name: value for name, value in known.items() if value is not None}


def _place(finding: BundleFinding) -> str:
    return " ".join(f"{name}={value}" for name, value in _known_place(finding).items())
