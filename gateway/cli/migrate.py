"""gateway migrate"""

import click

from gateway.cli.options import with_settings
from gateway.cli.output import Output, with_output
from gateway.cli.progress import ProgressLine, with_progress
from gateway.migrating import bring_up_to_date, require_up_to_date
from gateway.settings import Settings


@click.command()
@click.option("--check", is_flag=True, help="Change nothing; fail where there is something to do.")
@with_settings
@with_progress
@with_output
def migrate(*, settings: Settings, check: bool, progress: bool, out: Output) -> None:
    """Bring the database to the tables of this release. No entry changes.

    Back up first. On SQLite stop the gateway; on PostgreSQL those of the release before may go on.
    It may run several times, also at once.
    """
    if check:
        require_up_to_date(settings)
        out.tell({"isUpToDate": True}, lambda: out.line("the database is up to date"))
        return
    with ProgressLine(asked=progress) as line:
        done = bring_up_to_date(settings, line)
    if done.before is None:
        told = f"created at schema version {done.after}"
    elif done.before == done.after:
        told = f"already at schema version {done.after}"
    else:
        told = f"migrated from schema version {done.before} to {done.after}"
    out.tell({"before": done.before, "after": done.after}, lambda: out.line(told))
