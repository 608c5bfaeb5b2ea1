"""gateway audit status"""

import sys

import click

from gateway.anchoring import (
    Destinations,
    TargetStatus,
    is_cosigned,
    load_destinations,
    target_statuses,
)
from gateway.cli.options import FAILED, OK, existing_record, with_settings
from gateway.journal import parsed_line, read_record
from gateway.model.anchor import Receipt, TargetKind
from gateway.model.ports import Records
from gateway.settings import Settings

_LOOKED_AT = 1000
"""How many of the newest checkpoints are looked at for cosignatures that they lack."""


@click.command()
@with_settings
def status(*, settings: Settings) -> None:
    """Tell which checkpoints left the house, and which did not.

    Works beside a running gateway and changes nothing. Exits with 1 where an anchor or a witness
    failed at its last attempt, or checkpoints lack cosignatures.
    """
    destinations = load_destinations(settings.anchors)
    database = existing_record(settings)
    lines, well = read_record(database, lambda records: _told(records, destinations))
    for line in lines:
        click.echo(line)
    sys.exit(OK if well else FAILED)


def _told(records: Records, destinations: Destinations) -> tuple[list[str], bool]:
    """What there is to tell, and whether all is well."""
    line = records.last_checkpoint()
    if line is None:
        return ["no checkpoint was signed yet"], True
    last = parsed_line(line)
    lines = [f"checkpoint {last.number} of {last.at} covers {last.position} entries"]
    if not destinations:
        return [*lines, "no anchors and no witnesses are configured (GATEWAY_ANCHORS)"], True
    statuses = target_statuses(records, destinations, last.number)
    lines += [_target(one) for one in statuses]
    lacking = _lacking(records, destinations, last.number)
    if destinations.quorum:
        lines.append(_quorum(destinations.quorum, lacking))
    well = not lacking and all(one.progress.last_error is None for one in statuses)
    return lines, well


def _target(status: TargetStatus) -> str:
    progress = status.progress
    does = "has" if progress.kind is TargetKind.ANCHOR else "has seen"
    told = f"{progress.kind.value} {progress.target} {does} checkpoint {progress.number}"
    told += f", {status.behind} behind" if status.behind else ""
    if progress.last_error is None:
        return told
    tried = f"{progress.attempts} attempts failed, next at {progress.next_at}"
    return f"{told}: {progress.last_error} ({tried})"


def _lacking(records: Records, destinations: Destinations, newest: int) -> list[int]:
    """The numbers of the checkpoints that fewer witnesses signed than are wanted."""
    first = max(newest - _LOOKED_AT + 1, 1)
    signed: dict[int, list[Receipt]] = {}
    for one in records.receipts(first, newest):
        if one.kind is TargetKind.WITNESS:
            signed.setdefault(one.number, []).append(one)
    began = min(signed, default=newest)
    return [
        number
        for number in range(began, newest + 1)
        if not is_cosigned(destinations, signed.get(number, []))
    ]


def _quorum(quorum: int, lacking: list[int]) -> str:
    if not lacking:
        return f"every checkpoint has the {quorum} cosignatures that are wanted"
    shown = ", ".join(map(str, lacking[-10:]))
    more = f" and {len(lacking) - 10} before" if len(lacking) > 10 else ""
    return f"CHECKPOINTS LACK COSIGNATURES ({quorum} are wanted): {shown}{more}"
