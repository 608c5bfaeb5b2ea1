"""gateway journal"""

import re
import sqlite3
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from gateway.cli.options import FAILED, USAGE, existing_file, with_settings
from gateway.cli.progress import ProgressLine
from gateway.journal import (
    Archiving,
    MarkFile,
    Returning,
    Until,
    accept_restore,
    back_up,
    rebuild_record,
)
from gateway.loading import checkpoint_signer, key_folder
from gateway.model.system import SystemClock
from gateway.model.time import stamp
from gateway.settings import Settings


@click.group()
def journal() -> None:
    """The journal and what is derived from it."""


@journal.command()
@with_settings
def rebuild(*, settings: Settings) -> None:
    """Fold every projection anew from the entries. Stop the gateway first."""
    count = rebuild_record(existing_file(settings), SystemClock())
    click.echo(f"projections rebuilt from {count} entries")


class _Moment(click.ParamType[str]):
    """A day or a moment in UTC, as a stamp."""

    name = "date"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        try:
            found = datetime.fromisoformat(re.sub("Z$", "+00:00", str(value)))
        except ValueError:
            self.fail(f"{value!r} is no date: write 2026-03-01 or 2026-03-01T09:30:00Z", param, ctx)
        return stamp(found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC))


@journal.command()
@with_settings
@click.option("--before", type=_Moment(), metavar="DATE", help="Archive what was recorded before.")
@click.option(
    *("--through", "through"),
    type=click.IntRange(min=1),
    metavar="POSITION",
    help="Archive the entries up to there.",
)
@click.option(
    *("--to", "folder"),
    required=True,
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="Where the segments are written, and stand already.",
)
@click.option("--keep", is_flag=True, help="Write the segments and remove nothing.")
def archive(
    *, settings: Settings, before: str | None, through: int | None, folder: Path, keep: bool
) -> None:
    """Write old entries to files, then remove what is over from the database.

    Archived is up to the last checkpoint before DATE or POSITION. What still goes on, and what
    others rest on (policy, grants, holds), stays in the database as well. Stop the gateway first.
    """
    if before is None and through is None:
        raise click.UsageError("Name what is archived with --before DATE or --through POSITION.")
    clock, signer = SystemClock(), checkpoint_signer(settings)
    archiving = Archiving(existing_file(settings), folder, signer, clock, keep)
    done = archiving.run(Until(before, through))
    for segment in done.segments:
        click.echo(f"wrote {folder / segment.name}: entries {segment.first} to {segment.last}")
    click.echo(f"removed {done.entries} entries, with them {done.executions} executions")
    if done.waits_for:
        workspace, endpoint = done.waits_for
        click.echo(
            f"what follows stays until webhook endpoint {endpoint} of {workspace} was told of it"
        )


@journal.command()
@with_settings
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
def restore(*, settings: Settings, files: tuple[Path, ...]) -> None:
    """Put the entries of archived segments back into the database. Stop the gateway first."""
    signer = checkpoint_signer(settings)
    done = Returning(existing_file(settings), signer, SystemClock()).run(files)
    click.echo(f"put {done.entries} entries of {done.segments} segments back")


@journal.command()
@with_settings
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--progress", is_flag=True, help="Tell on standard error how far it is, anywhere.")
def backup(*, settings: Settings, file: Path, progress: bool) -> None:
    """Copy the record of this moment to FILE, also beside a running gateway."""
    line = ProgressLine(asked=progress)
    try:
        back_up(existing_file(settings), file, lambda done, total: line("pages", done, total))
    except (OSError, sqlite3.Error) as error:
        line.end()
        why = error.strerror if isinstance(error, OSError) else str(error)
        click.echo(f"gateway: {file}: it cannot be written ({why}).", err=True)
        sys.exit(USAGE)
    line.end()
    click.echo(f"wrote {file}; keep it apart from {key_folder(settings)}, which opens it")


@journal.command("accept-restore")
@with_settings
def accept(*, settings: Settings) -> None:
    """Accept a record that was restored from a backup, so that it is served again.

    What was done after the backup was made is not in it. Steps of runs from before that may have
    been done already, and must not be done twice, become UNRESOLVED when their turn comes.
    """
    mark, signer = MarkFile(key_folder(settings)), checkpoint_signer(settings)
    try:
        done = accept_restore(existing_file(settings), mark, signer, SystemClock())
    except OSError as error:
        click.echo(
            f"gateway: {error.filename}: it cannot be replaced ({error.strerror}).", err=True
        )
        sys.exit(FAILED)
    click.echo(f"the restored record is accepted; {done.runs} runs were under way in it")
    if done.lost:
        click.echo(f"the checkpoints of what is lost are in {done.lost}: keep them")
