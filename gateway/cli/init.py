"""gateway init"""

from pathlib import Path

import click

from gateway.cli.options import fail
from gateway.cli.output import Output, with_output
from gateway.model.problem import ProblemError
from gateway.scaffold import found


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@with_output
def init(*, folder: Path, out: Output) -> None:
    """Make a new deployment in FOLDER: a contract, policies and settings that start.

    FOLDER must be new or empty. The policies are those of this release, without what they say of
    its example domain.
    """
    try:
        done = found(folder)
    except ProblemError as error:
        fail(error.problem)

    def show() -> None:
        for left in done.removed:
            out.line(f"Removed {left}, which an init that was stopped had left.")
        out.line(f"{len(done.files)} files written to {folder}. Next:")
        for line in (f"cd {folder}", "set -a; . ./.env; set +a", "gateway doctor", "gateway serve"):
            out.line(f"  {line}")
        out.line("README.md there says how to call the contract and what comes then.")

    removed = [str(left) for left in done.removed]
    out.tell({"folder": str(folder), "files": done.files, "removed": removed}, show)
