"""gateway evidence export"""

from pathlib import Path

import click

from gateway.cli.exits import unusable
from gateway.cli.new_files import new_file
from gateway.cli.output import Output, with_output
from gateway.cli.remote.client import Client
from gateway.cli.remote.documents import EXPORT_EVIDENCE
from gateway.cli.remote.options import with_gateway
from gateway.cli.remote.reading import run_of
from gateway.evidence import MAX_BYTES


@click.command(short_help="Export the evidence of an execution to a file.")
@click.argument("execution")
@click.option("-o", "--output", "file", required=True, metavar="FILE",
              type=click.Path(dir_okay=False, path_type=Path),
              help="The new file for the bundle, a zip archive.")  # fmt: skip
@with_gateway
@with_output
def export(*, gateway: Client, out: Output, execution: str, file: Path) -> None:
    """Export the evidence of EXECUTION from a running gateway to a file.

    `gateway evidence verify FILE` then checks it anywhere, without the gateway.
    """
    run = run_of(gateway, execution)
    who = gateway.target.claim("sub") or ""
    try:
        with new_file(file) as opened:
            told = gateway.call(EXPORT_EVIDENCE, input={"runId": run, "exportedBy": who})
            opened.write(gateway.download(f"/evidence/{run}", MAX_BYTES))
    except OSError as error:
        unusable(file, f"it cannot be written ({error.strerror}).")
    out.tell({**told, "file": str(file)}, lambda: out.line(f"evidence of run {run} is in {file}"))
