"""gateway journal"""

import re
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import click

from gateway.cli.options import (
    FAILED,
    existing_file,
    existing_record,
    unusable,
    with_settings,
)
from gateway.cli.output import Output, with_output
from gateway.cli.progress import ProgressLine, with_progress
from gateway.journal import (
    Accepting,
    Archived,
    Archiving,
    MarkFile,
    Returning,
    Until,
    back_up,
    rebuild_record,
)
from gateway.loading import checkpoint_signer, key_folder, mark_folder
from gateway.model.json import JsonObject
from gateway.model.system import SystemClock
from gateway.model.time import stamp
from gateway.settings import Settings


@click.group()
def journal() -> None:
    """The journal and what is derived from it."""


@journal.command()
@with_settings
@with_progress
@with_output
def rebuild(*, settings: Settings, progress: bool, out: Output) -> None:
    """Fold every projection anew from the entries. Stop the gateway first."""
    with ProgressLine(asked=progress) as line:
        count = rebuild_record(existing_record(settings), SystemClock(), line)
    out.tell({"entries": count}, lambda: out.line(f"projections rebuilt from {count} entries"))


class _Moment(click.ParamType[str]):
    """A day or a moment in UTC, as a stamp."""

    name = "date"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        try:
            found = datetime.fromisoformat(re.sub("Z$", "+00:00", str(value)))
            return stamp(found.replace(tzinfo=UTC) if found.tzinfo is None else found)
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is no date: write 2026-03-01 or 2026-03-01T09:30:00Z", param, ctx)


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
@with_progress
@with_output
def archive(
    *,
    settings: Settings,
    before: str | None,
    through: int | None,
    folder: Path,
    keep: bool,
    progress: bool,
    out: Output,
) -> None:
    """Write old entries to files, then remove what is over from the database.

    Archived is up to the last checkpoint before DATE or POSITION. What still goes on, and what
    others rest on (policy, grants, holds), stays in the database as well. Stop the gateway first,
    unless the record is in PostgreSQL: there gateways go on.
    """
    if before is None and through is None:
        raise click.UsageError("Name what is archived with --before DATE or --through POSITION.")
    place, clock, signer = existing_record(settings), SystemClock(), checkpoint_signer(settings)
    with ProgressLine(asked=progress) as line:
        archiving = Archiving(place, folder, signer, clock, keep, settings.data_dir, line)
        done = archiving.run(Until(before, through))
    out.tell(_archived(done, folder), lambda: _show_archived(done, folder, out))


def _archived(done: Archived, folder: Path) -> JsonObject:
    """What was archived, as JSON."""
    waits = done.waits_for
    return {
        "segments": [
            {"file": str(folder / one.name), "first": one.first, "last": one.last}
            for one in done.segments
        ],
        "removedEntries": done.entries,
        "removedExecutions": done.executions,
        "waitsForEndpoint": waits and {"workspace": waits[0], "endpoint": waits[1]},
    }


def _show_archived(done: Archived, folder: Path, out: Output) -> None:
    for segment in done.segments:
        out.line(f"wrote {folder / segment.name}: entries {segment.first} to {segment.last}")
    out.line(f"removed {done.entries} entries, with them {done.executions} executions")
    if done.waits_for:
        workspace, endpoint = done.waits_for
        out.line(
            f"what follows stays until webhook endpoint {endpoint} of {workspace} was told of it"
        )


@journal.command()
@with_settings
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@with_progress
@with_output
def restore(*, settings: Settings, files: tuple[Path, ...], progress: bool, out: Output) -> None:
    """Put the entries of archived segments back into the database.

    An execution comes back as a whole, so name all segments that it reaches into. Stop the gateway
    first; in PostgreSQL gateways may go on, but wait, and refuse what waits for more than seconds.
    """
    place, signer = existing_record(settings), checkpoint_signer(settings)
    with ProgressLine(asked=progress) as line:
        done = Returning(place, signer, SystemClock(), settings.data_dir, line).run(files)

    def show() -> None:
        out.line(f"put {done.entries} entries of {done.segments} segments back")
        if done.partial:
            out.line(
                f"{done.partial} executions reach into other segments and stay away: "
                "name those as well"
            )

    told = {"entries": done.entries, "segments": done.segments, "partialExecutions": done.partial}
    out.tell(told, show)


@journal.command()
@with_settings
@click.argument("file", type=click.Path(path_type=Path))
@with_progress
@with_output
def backup(*, settings: Settings, file: Path, progress: bool, out: Output) -> None:
    """Copy the record of this moment to FILE, also beside a running gateway."""
    line = ProgressLine(asked=progress)
    try:
        back_up(existing_file(settings), file, lambda done, total: line("pages", done, total))
    except (OSError, sqlite3.Error) as error:
        line.end()
        why = error.strerror if isinstance(error, OSError) else str(error)
        unusable(file, f"it cannot be written ({why}).")
    line.end()
    keys = key_folder(settings)
    told = f"wrote {file}; keep it apart from {keys}, which opens it"
    out.tell({"file": str(file), "keyFolder": str(keys)}, lambda: out.line(told))


@journal.command("accept-restore")
@with_settings
@click.option(
    "--nothing-lost",
    is_flag=True,
    help="The database came to another server with all that was committed; nothing is in doubt.",
)
@with_output
def accept(*, settings: Settings, nothing_lost: bool, out: Output) -> None:
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
        unusable(error.filename, f"it cannot be replaced ({error.strerror}).", FAILED)

    def show() -> None:
        if nothing_lost:
            out.line(f"the record is accepted as complete; {done.runs} runs are under way in it")
            return
        out.line(f"the restored record is accepted; {done.runs} runs were under way in it")
        if done.lost:
            out.line(f"the checkpoints of what is lost are in {done.lost}: keep them")

    lost = str(done.lost) if done.lost else None
    out.tell({"runs": done.runs, "nothingLost": nothing_lost, "lostCheckpoints": lost}, show)
