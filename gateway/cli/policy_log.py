"""gateway policy log"""

import click

from gateway.cli.options import existing_record, with_settings
from gateway.cli.output import Output, with_output
from gateway.journal import read_record
from gateway.model.json import JsonObject
from gateway.model.policy import Activation
from gateway.model.ports import Page
from gateway.settings import Settings

_DIGITS = 12
_COLUMNS = ("number", "at", "revision", "source", "changeset", "by")


@click.command(short_help="List which policies were in force.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True,
              help="How many, the newest first.")  # fmt: skip
@with_settings
@with_output
def log(*, settings: Settings, limit: int, out: Output) -> None:
    """List which policies were in force: number, moment, revision, source, changeset, by whom."""
    found, total = read_record(
        existing_record(settings), lambda records: records.policy_activations(Page(limit))
    )

    def show() -> None:
        out.table(_COLUMNS, [_row(one) for one in found])
        if out.for_people and total > len(found):
            out.line(f"and {total - len(found)} before; --limit shows more")

    out.tell([_activation(one) for one in found], show)


def _row(one: Activation) -> list[str]:
    short = one.revision.removeprefix("sha256:")[:_DIGITS]
    return [str(one.number), f"{one.at[:19]}Z", short, one.source, one.changeset_id or "", one.by]


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
