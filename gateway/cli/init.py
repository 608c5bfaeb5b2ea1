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
        names = found(folder)
    except ProblemError as error:
        fail(error.problem)

    def show() -> None:
        out.line(f"{len(names)} files written to {folder}. Next:")
        for line in (f"cd {folder}", "set -a; . ./.env; set +a", "gateway doctor", "gateway serve"):
            out.line(f"  {line}")
        out.line("README.md there says how to call the contract and what comes then.")

    out.tell({"folder": str(folder), "files": names}, show)
