"""gateway migrate"""

import click

from gateway.cli.options import with_settings
from gateway.migrating import bring_up_to_date, require_up_to_date
from gateway.settings import Settings


@click.command()
@click.option("--check", is_flag=True, help="Change nothing; fail where there is something to do.")
@with_settings
def migrate(*, settings: Settings, check: bool) -> None:
    """Bring the database to the tables of this release. No entry changes.

    Back up first. On SQLite stop the gateway; on PostgreSQL those of the release before may go on.
    It may run several times, also at once.
    """
    if check:
        require_up_to_date(settings)
        click.echo("the database is up to date")
        return
    done = bring_up_to_date(settings)
    if done.before is None:
        click.echo(f"created at schema version {done.after}")
    elif done.before == done.after:
        click.echo(f"already at schema version {done.after}")
    else:
        click.echo(f"migrated from schema version {done.before} to {done.after}")
