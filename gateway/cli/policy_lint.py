"""gateway policy lint"""

import sys
from collections import Counter

import click

from gateway.cli.options import FAILED, OK, with_settings
from gateway.cli.output import Output, Tone, Toned, with_output
from gateway.loading import load_registry
from gateway.policy import Severity, advise, build_revision, read_content
from gateway.settings import Settings

_TONES = {
    Severity.ERROR: Tone.BAD,
    Severity.WARNING: Tone.WARNING,
    Severity.NOTE: Tone.PLAIN,
}


@click.command("lint", short_help="Look for mistakes in the policy files.")
@click.option("--strict", is_flag=True, help="Fail on warnings, too.")
@with_settings
@with_output
def lint_policies(*, settings: Settings, strict: bool, out: Output) -> None:
    """Look for mistakes in the policy files that loading does not refuse.

    Prints each finding with its place and severity; fails if one is an error.
    """
    folder = settings.policy_dir
    revision = build_revision(read_content(folder), load_registry(settings), folder)
    found = advise(revision)
    counts = Counter(advice.severity for advice in found)
    errors, warnings = counts[Severity.ERROR], counts[Severity.WARNING]

    def show() -> None:
        for note in revision.notes:
            out.line(f"NOTE {note}")
        for advice in found:
            told = f" {folder / advice.at}: {advice.code}: {advice.message}."
            out.line(Toned(str(advice.severity), _TONES[advice.severity]), told)
            if advice.rule:
                out.line(f"  {advice.rule}")
        out.line(
            f"{revision.revision}: errors {errors}, warnings {warnings}, "
            f"notes {counts[Severity.NOTE] + len(revision.notes)}"
        )

    findings = [
        {"severity": str(one.severity), "at": one.at, "code": one.code, "message": one.message,
         "rule": one.rule or None}
        for one in found
    ]  # fmt: skip
    told = {"revision": revision.revision, "findings": findings, "notes": list(revision.notes)}
    out.tell(told, show)
    sys.exit(FAILED if errors or (strict and warnings) else OK)
