"""gateway audit checkpoint"""

import asyncio
from pathlib import Path

import click

from gateway.cli.new_files import new_file
from gateway.cli.options import existing_record, unusable, with_settings
from gateway.cli.output import Output, with_output
from gateway.journal import FolderLock, read_record, short_writes
from gateway.loading import checkpoint_signer
from gateway.model.json import JsonObject
from gateway.model.ports import Records
from gateway.model.problem import refuse
from gateway.model.system import SystemClock
from gateway.operations.signed_checkpoints import newest, note_of
from gateway.settings import Settings


@click.command()
@click.option(
    "--number",
    type=click.IntRange(1, 2**63 - 1),
    metavar="NUMBER",
    help="Which. [default: the newest]",
)
@click.option("--sign", is_flag=True, help="Sign one first; where a gateway runs, that does.")
@click.option(
    "--output",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the note to a new file. [default: standard output]",
)
@with_settings
@with_output
def checkpoint(
    *, settings: Settings, number: int | None, sign: bool, file: Path | None, out: Output
) -> None:
    """Print a signed checkpoint as a note (C2SP), to be kept where the gateway cannot write.

    `gateway audit verify --against FILE` holds the record to it. Works beside a running gateway.
    """
    if sign and number is not None:
        raise click.UsageError("--sign signs the newest checkpoint: give no --number with it.")
    if sign:
        _sign(settings)
    found = read_record(existing_record(settings), lambda records: _found(records, number))
    note = found["note"]
    if file is not None:
        _write(file, note)

    def show() -> None:
        if file is not None:
            out.line(f"checkpoint {found['number']} of {found['at']} written to {file}")
            return
        for line in note.splitlines():
            out.line(line)

    out.tell(found, show)


def _found(records: Records, number: int | None) -> JsonObject:
    """The checkpoint of a number, or the newest.

    Raises:
        ProblemError: NOT_FOUND; PRECONDITION_FAILED before the first.
    """
    if number is None and records.last_checkpoint() is None:
        told = (
            "No checkpoint was signed yet. A running gateway signs them by itself; or use --sign."
        )
        raise refuse("PRECONDITION_FAILED", told)
    found = newest(records) if number is None else note_of(records, number)
    if found is None:
        raise refuse("NOT_FOUND", f"There is no checkpoint {number} in this record.")
    return {
        "number": found.number,
        "at": found.at,
        "origin": found.origin,
        "size": found.size,
        "root": found.root.hex(),
        "note": found.note,
    }


def _sign(settings: Settings) -> None:
    """Sign what was recorded since the last checkpoint.

    Raises:
        ProblemError: PRECONDITION_FAILED on PostgreSQL, DATA_DIR_IN_USE beside a gateway.
    """
    place, signer = existing_record(settings), checkpoint_signer(settings)
    if isinstance(place, str):
        told = "In PostgreSQL the gateways sign; auditCheckpointCreate asks one of them to."
        raise refuse("PRECONDITION_FAILED", told)
    with FolderLock(settings.data_dir):
        pass  # a gateway that runs signs by itself, and would go on from another checkpoint

    async def sign() -> None:
        async with short_writes(place, settings.data_dir, clock=SystemClock(), signer=signer):
            pass  # which signs at its end

    asyncio.run(sign())


def _write(file: Path, note: str) -> None:
    try:
        with new_file(file) as opened:
            opened.write(note.encode())
    except OSError as error:
        unusable(file, f"it cannot be written ({error.strerror}).")
