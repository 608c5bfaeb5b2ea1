"""gateway policy"""

import sys
from collections import Counter
from pathlib import Path

import click

from gateway.cli.options import FAILED, OK, with_settings
from gateway.cli.output import Output, Tone, Toned, with_output
from gateway.cli.policy_changes import activate, import_files
from gateway.cli.policy_explain import explain
from gateway.cli.policy_impact import impact
from gateway.cli.policy_lint import lint_policies
from gateway.cli.policy_log import log
from gateway.cli.policy_sides import FILES, SIDE_HELP, STORE, side_of
from gateway.loading import known_contracts
from gateway.policy import CaseStatus, build_revision, run_cases
from gateway.policy.contents.diff import diff as differences
from gateway.policy.contents.folder import write_content
from gateway.settings import Settings

_TONES = {"-": Tone.BAD, "+": Tone.GOOD}
"""How lines of a difference are meant, by their first sign."""


@click.group()
def policy() -> None:
    """Read, check and change the policies."""


for command in (activate, explain, impact, import_files, lint_policies, log):
    policy.add_command(command)


@policy.command()
@click.option("--revision", "named", metavar="POLICIES", help=f"What to test: {SIDE_HELP}.")
@click.option("--store", "of_store", is_flag=True, help="Test what is in force.")
@with_settings
@with_output
def test(*, settings: Settings, named: str | None, of_store: bool, out: Output) -> None:
    """Run the expected decisions in the policies' cases/ folder."""
    if named and of_store:
        raise click.UsageError("--store is the same as --revision store: give one of them.")
    side = side_of(settings, named or (STORE if of_store else FILES))
    revision = build_revision(side.content, known_contracts(settings), side.folder)
    results = run_cases(revision, side.folder)
    counts = Counter(result.status for result in results)
    failed = [result for result in results if result.status is CaseStatus.FAILED]

    def show() -> None:
        for result in failed:
            out.line(Toned("FAILED", Tone.BAD), f" {result.at} {result.name}")
            for message in result.messages:
                out.line(f"  {message}")
        out.line(
            f"{revision.revision}: {counts[CaseStatus.PASSED]} cases passed, "
            f"{counts[CaseStatus.FAILED]} failed, {counts[CaseStatus.SKIPPED]} skipped"
        )

    told = {
        "revision": revision.revision,
        **{status.value: counts[status] for status in CaseStatus},
        "failures": [
            {"at": one.at, "name": one.name, "messages": list(one.messages)} for one in failed
        ],
    }
    out.tell(told, show)
    sys.exit(FAILED if counts[CaseStatus.FAILED] else OK)


@policy.command(short_help="Show what differs, row by row.")
@click.argument("before", default=STORE)
@click.argument("after", required=False)
@with_settings
@with_output
def diff(*, settings: Settings, before: str, after: str | None, out: Output) -> None:
    """Show what differs: rows with - are only in BEFORE, rows with + only in AFTER.

    Each is a folder, a revision or the beginning of its digest, a changeset, store (what is in
    force) or files (the policy folder). With one name, the store is compared with that; without
    any, with the files. Exits with 1 if they differ.
    """
    names = (before, after) if after else (STORE, FILES if before == STORE else before)
    old, new = (side_of(settings, name) for name in names)
    found = differences(old.content, new.content)

    def show() -> None:
        if not found:
            out.line(f"no difference: both are {old.content.revision}")
            return
        for line in (f"--- {old.shown}", f"+++ {new.shown}"):
            out.line(Toned(line, Tone.STRONG))
        for line in (line for file in found for line in file.lines()):
            out.line(Toned(line, _TONES.get(line[:1], Tone.PLAIN)))

    told = {
        "before": {"name": old.name, "revision": old.content.revision},
        "after": {"name": new.name, "revision": new.content.revision},
        "files": [file.to_json() for file in found],
    }
    out.tell(told, show)
    sys.exit(FAILED if found else OK)


@policy.command(short_help="Write policies to a folder as files.")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--revision", "named", default=STORE, metavar="POLICIES",
              help=f"What to export: {SIDE_HELP}. [default: store]")  # fmt: skip
@click.option("--force", is_flag=True, help="Replace the policy files that are in FOLDER.")
@with_settings
@with_output
def export(*, settings: Settings, folder: Path, named: str, force: bool, out: Output) -> None:
    """Write the policies that are in force, or others, to FOLDER as files."""
    side = side_of(settings, named)
    names = write_content(side.content, folder, replace=force)
    told = {"revision": side.content.revision, "folder": str(folder), "files": sorted(names)}
    out.tell(
        told,
        lambda: out.line(f"{len(names)} files of {side.content.revision} written to {folder}"),
    )
