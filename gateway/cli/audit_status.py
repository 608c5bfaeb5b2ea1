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
from gateway.cli.output import Output, Tone, Toned, with_output
from gateway.journal import parsed_line, read_record
from gateway.model.anchor import Brought, TargetKind
from gateway.model.json import JsonObject
from gateway.model.ports import Records
from gateway.operations.signed_checkpoints import note_of
from gateway.settings import Settings

_LOOKED_AT = 1000
"""How many of the newest checkpoints are looked at for cosignatures that they lack."""


@click.command()
@with_settings
@with_output
def status(*, settings: Settings, out: Output) -> None:
    """Tell which checkpoints left the house, and which did not.

    Works beside a running gateway and changes nothing. Exits with 1 where an anchor or a witness
    failed at its last attempt, or checkpoints lack cosignatures.
    """
    destinations = load_destinations(settings.anchors)
    database = existing_record(settings)
    told = read_record(database, lambda records: _told(records, destinations))
    out.tell(told, lambda: _show(told, out))
    sys.exit(OK if told["isWell"] else FAILED)


def _told(records: Records, destinations: Destinations) -> JsonObject:
    """What there is to tell, and whether all is well."""
    line = records.last_checkpoint()
    told: JsonObject = {
        "isWell": True,
        "checkpoint": None,
        "targets": [],
        "quorum": 0,
        "lackCosignatures": [],
        "lookedAtFrom": None,
    }
    if line is None:
        return told
    last = parsed_line(line)
    told["checkpoint"] = {"number": last.number, "at": last.at, "entries": last.position}
    if not destinations:
        return told
    statuses = target_statuses(records, destinations, last.number)
    began, lacking = _lacking(records, destinations, last.number)
    failed = any(one.progress.last_error is not None for one in statuses)
    return {
        **told,
        "isWell": not lacking and not failed,
        "targets": [_target(one) for one in statuses],
        "quorum": destinations.quorum,
        "lackCosignatures": lacking,
        "lookedAtFrom": began,
    }


def _target(status: TargetStatus) -> JsonObject:
    progress = status.progress
    return {
        "kind": progress.kind.value,
        "id": progress.target,
        "checkpoint": progress.number,
        "behind": status.behind,
        "attempts": progress.attempts,
        "nextAt": progress.next_at,
        "lastError": progress.last_error,
    }


def _show(told: JsonObject, out: Output) -> None:
    last = told["checkpoint"]
    if last is None:
        out.line("no checkpoint was signed yet")
        return
    out.line(f"checkpoint {last['number']} of {last['at']} covers {last['entries']} entries")
    if not told["targets"]:
        out.line("no anchors and no witnesses are configured (GATEWAY_ANCHORS)")
    for one in told["targets"]:
        _show_target(one, out)
    if told["quorum"]:
        out.line(_quorum(told["quorum"], told["lackCosignatures"], told["lookedAtFrom"]))


def _show_target(one: JsonObject, out: Output) -> None:
    does = "has" if one["kind"] == TargetKind.ANCHOR.value else "has seen"
    told = f"{one['kind']} {one['id']} {does} checkpoint {one['checkpoint']}"
    told += f", {one['behind']} behind" if one["behind"] else ""
    if one["lastError"] is None:
        out.line(told)
        return
    tried = f"{one['attempts']} attempts failed, next at {one['nextAt']}"
    out.line(told, ": ", Toned(one["lastError"], Tone.BAD), f" ({tried})")


def _lacking(records: Records, destinations: Destinations, newest: int) -> tuple[int, list[int]]:
    """The first checkpoint that is looked at, and the numbers of those from there on that fewer
    witnesses signed than are wanted."""
    first = max(newest - _LOOKED_AT + 1, 1)
    signed: dict[int, list[Brought]] = {}
    for one in records.brought(first, newest):
        if one.kind is TargetKind.WITNESS:
            signed.setdefault(one.number, []).append(one)
    began = min(signed, default=newest)
    lacking = [
        number
        for number in range(began, newest + 1)
        if (found := note_of(records, number)) is not None
        and not is_cosigned(destinations, found.note, signed.get(number, []))
    ]
    return began, lacking


def _quorum(quorum: int, lacking: list[int], began: int) -> str:
    if not lacking:
        told = f"every checkpoint from {began} on has the {quorum} cosignatures that are wanted"
        return f"{told}, which verify"
    shown = ", ".join(map(str, lacking[-10:]))
    more = f" and {len(lacking) - 10} before" if len(lacking) > 10 else ""
    return f"CHECKPOINTS LACK COSIGNATURES ({quorum} are wanted): {shown}{more}"
