"""gateway journal"""

import click

from gateway.cli.options import existing_file, with_settings
from gateway.journal import rebuild_record
from gateway.model.system import SystemClock
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
