"""gateway journal"""

import re
import sqlite3
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from gateway.cli.options import FAILED, USAGE, existing_file, existing_record, with_settings
from gateway.cli.progress import ProgressLine
from gateway.journal import (
    Accepting,
    Archiving,
    MarkFile,
    Returning,
    Until,
    back_up,
    rebuild_record,
)
from gateway.loading import checkpoint_signer, key_folder, mark_folder
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
    count = rebuild_record(existing_record(settings), SystemClock())
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
    others rest on (policy, grants, holds), stays in the database as well. Stop the gateway first,
    unless the record is in PostgreSQL: there gateways go on.
    """
    if before is None and through is None:
        raise click.UsageError("Name what is archived with --before DATE or --through POSITION.")
    place, clock, signer = existing_record(settings), SystemClock(), checkpoint_signer(settings)
    archiving = Archiving(place, folder, signer, clock, keep, settings.data_dir)
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
    """Put the entries of archived segments back into the database.

    An execution comes back as a whole, so name all segments that it reaches into. Stop the gateway
    first; in PostgreSQL gateways may go on, but wait, and refuse what waits for more than seconds.
    """
    place, signer = existing_record(settings), checkpoint_signer(settings)
    done = Returning(place, signer, SystemClock(), settings.data_dir).run(files)
    click.echo(f"put {done.entries} entries of {done.segments} segments back")
    if done.partial:
        click.echo(
            f"{done.partial} executions reach into other segments and stay away: name those as well"
        )


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
@click.option(
    "--nothing-lost",
    is_flag=True,
    help="The database came to another server with all that was committed; nothing is in doubt.",
)
def accept(*, settings: Settings, nothing_lost: bool) -> None:
    """Accept a record that was restored from a backup, so that it is served again.

    What was done after the backup was made is not in it. Steps of runs from before that may have
    been done already, and must not be done twice, become UNRESOLVED when their turn comes.

    Stop every gateway and worker first. With --nothing-lost, for a PostgreSQL standby that took
    over and had confirmed each commit, they may run, and no step is in doubt.
    """
    place, mark = existing_record(settings), MarkFile(mark_folder(settings))
    if nothing_lost and isinstance(place, Path):
        raise click.UsageError("--nothing-lost is for a record in PostgreSQL.")
    accepting = Accepting(
        place, settings.data_dir, mark, checkpoint_signer(settings), SystemClock()
    )
    try:
        done = accepting.moved() if nothing_lost else accepting.restored()
    except OSError as error:
        click.echo(
            f"gateway: {error.filename}: it cannot be replaced ({error.strerror}).", err=True
        )
        sys.exit(FAILED)
    if nothing_lost:
        click.echo(f"the record is accepted as complete; {done.runs} runs are under way in it")
        return
    click.echo(f"the restored record is accepted; {done.runs} runs were under way in it")
    if done.lost:
        click.echo(f"the checkpoints of what is lost are in {done.lost}: keep them")
