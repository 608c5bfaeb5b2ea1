"""gateway policy log"""

import json

import click

from gateway.cli.options import existing_record, with_settings
from gateway.journal import read_record
from gateway.model.json import JsonObject
from gateway.model.policy import Activation
from gateway.model.ports import Page
from gateway.settings import Settings

_DIGITS = 12


@click.command(short_help="List which policies were in force.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True,
              help="How many, the newest first.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the activations as JSON.")
@with_settings
def log(*, settings: Settings, limit: int, as_json: bool) -> None:
    """List which policies were in force: number, moment, revision, source, changeset, by whom."""
    found, total = read_record(
        existing_record(settings), lambda records: records.policy_activations(Page(limit))
    )
    if as_json:
        click.echo(json.dumps([_activation(one) for one in found], indent=2))
        return
    for one in found:
        short = one.revision.removeprefix("sha256:")[:_DIGITS]
        told = f"{one.source} {one.changeset_id or ''}".strip()
        click.echo(f"{one.number:>5}  {one.at[:19]}Z  {short}  {told}  {one.by}".rstrip())
    if total > len(found):
        click.echo(f"and {total - len(found)} before; --limit shows more")


def _activation(one: Activation) -> JsonObject:
    """An activation under the names that GraphQL gives it."""
    return {
        "number": one.number,
        "revision": one.revision,
        "previous": one.previous,
        "source": one.source,
        "changesetId": one.changeset_id,
        "by": one.by or None,
        "at": one.at,
    }
