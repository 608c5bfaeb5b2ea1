"""gateway policy lint"""

import sys
from collections import Counter

import click

from gateway.cli.options import FAILED, OK, with_settings
from gateway.loading import load_registry
from gateway.policy import Severity, advise, build_revision, read_content
from gateway.settings import Settings


@click.command("lint", short_help="Look for mistakes in the policy files.")
@click.option("--strict", is_flag=True, help="Fail on warnings, too.")
@with_settings
def lint_policies(*, settings: Settings, strict: bool) -> None:
    """Look for mistakes in the policy files that loading does not refuse.

    Prints each finding with its place and severity; fails if one is an error.
    """
    folder = settings.policy_dir
    revision = build_revision(read_content(folder), load_registry(settings), folder)
    found = advise(revision)
    for note in revision.notes:
        click.echo(f"NOTE {note}")
    for advice in found:
        click.echo(f"{advice.severity} {folder / advice.at}: {advice.code}: {advice.message}.")
        if advice.rule:
            click.echo(f"  {advice.rule}")
    counts = Counter(advice.severity for advice in found)
    errors, warnings = counts[Severity.ERROR], counts[Severity.WARNING]
    click.echo(
        f"{revision.revision}: errors {errors}, warnings {warnings}, "
        f"notes {counts[Severity.NOTE] + len(revision.notes)}"
    )
    sys.exit(FAILED if errors or (strict and warnings) else OK)
