"""gateway audit"""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from gateway.cli.audit_checkpoint import checkpoint
from gateway.cli.audit_export import export
from gateway.cli.audit_keys import key, known_keys, rotate
from gateway.cli.audit_proof import proof
from gateway.cli.audit_status import status
from gateway.cli.options import (
    FAILED,
    OK,
    existing_record,
    fail,
    unusable,
    with_settings,
)
from gateway.cli.output import Output, Tone, Toned, with_output
from gateway.cli.progress import ProgressLine, with_progress
from gateway.journal import (
    Finding,
    Verification,
    VerifyReport,
    as_file,
)
from gateway.journal.checkpoint_lines import trusted_key
from gateway.model.json import JsonObject
from gateway.model.system import unusable_key
from gateway.privacy import PublicKey
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
@with_progress
@with_output
def verify(
    *,
    settings: Settings,
    out: Output,
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
    keys = [PublicKey(str(path), _key(path)) for path in public_keys] or known_keys(settings)
    _require_usable(keys, given=bool(public_keys))
    trusted = tuple(one.pem for one in keys)
    try:
        with as_file(place) as database:
            asked = Verification(*(database, trusted, checkpoints, against, archive), progress=line)
            report = asked.run()
    except OSError as error:
        unusable(error.filename, f"it cannot be read ({error.strerror}).")
    finally:
        line.end()
    beside = () if public_keys else keys
    out.tell(_told(report, beside), lambda: _show(report, beside, out, kept=bool(against)))
    sys.exit(OK if report.ok else FAILED)


def _require_usable(keys: Sequence[PublicKey], *, given: bool) -> None:
    """End the command where one of the keys is none; ``given`` says that they were named to it."""
    for one in keys:
        try:
            trusted_key(one.pem)
        except ValueError as error:
            if given:
                told = "Give an Ed25519 public key, in PEM or as a verifier key."
                unusable(one.place, f"it cannot be used ({error}). {told}")
            told = f"is no public key ({error}). Restore it, or name a key with --public-key"
            fail(unusable_key(one.place, told).problem)


def _told(report: VerifyReport, beside: Sequence[PublicKey]) -> JsonObject:
    """The report as JSON; ``beside`` are the keys that were trusted unasked."""
    return {
        "verifies": report.ok,
        "entries": report.entries,
        "chains": report.chains,
        "checkpoints": report.checkpoints,
        "covered": report.covered,
        "uncovered": report.uncovered,
        "archived": report.archived,
        "segments": report.segments,
        "findings": [
            {**_known_place(one), "kind": one.kind.value, "message": one.message,
             "checkpoints": list(one.shown)}
            for one in report.findings
        ],
        "moreFindings": report.more,
        "trustedBeside": [one.place for one in beside],
    }  # fmt: skip


def _show(report: VerifyReport, beside: Sequence[PublicKey], out: Output, *, kept: bool) -> None:
    """Print the report; ``kept`` says that checkpoints from elsewhere were held against it."""
    out.line(
        f"{report.entries} entries in {report.chains} chains; {report.checkpoints} checkpoints "
        f"cover {report.covered} entries, {report.uncovered} came later"
    )
    if report.entries and not report.covered and not kept:
        out.line(
            "NO CHECKPOINT SIGNS ANY OF THESE ENTRIES: whoever can write there can write them "
            "anew. Hold them against one that you kept with --against."
        )
    if report.archived:
        read = f"read {report.segments} segments" if report.segments else "not read (--archive)"
        out.line(f"{report.archived} entries are archived; their leaves verify, {read}")
    for finding in report.findings:
        told = f" {_place(finding)}{finding.message}"
        out.line(Toned(finding.kind.value.upper(), Tone.BAD), told)
        for line in (line for note in finding.shown for line in note.splitlines()):
            out.line(f"    {line}")
    if report.more:
        out.line(f"and {report.more} findings more")
    if beside:
        out.line(
            f"TRUSTED THE KEYS BESIDE THE RECORD ({_places(beside)}): whoever can write "
            "there can sign anew."
        )
        out.line("Name a key that you keep elsewhere with --public-key.")
    if report.ok:
        out.line(Toned("the record verifies", Tone.GOOD))
    else:
        out.line(Toned("THE RECORD DOES NOT VERIFY", Tone.BAD))


def _places(keys: Sequence[PublicKey]) -> str:
    return ", ".join(one.place for one in keys)


def _known_place(finding: Finding) -> JsonObject:
    known = {"chain": finding.chain, "seq": finding.seq, "position": finding.position}
    return {name: value for name, value in known.items() if value is not None}


def _place(finding: Finding) -> str:
    told = " ".join(f"{name}={value}" for name, value in _known_place(finding).items())
    return f"[{told}] " if told else ""


def _key(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_KEY_BYTES).decode("utf-8", "replace")
    except OSError as error:
        unusable(path, f"it cannot be read ({error.strerror}).")


for command in (checkpoint, export, key, proof, rotate, status):
    audit.add_command(command)
