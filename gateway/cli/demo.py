"""gateway demo"""

import subprocess
import sys

import click

from gateway.shipped import shipped_examples


@click.command()
def demo() -> None:
    """Play the governed loop from intent to audit and check every claim.

    It starts a gateway and an example service of its own, on free ports and in a temporary
    folder, and leaves nothing behind. Exits with 0 if every claim held.
    """
    done = subprocess.run(
        [sys.executable, "-m", "examples.demo"], cwd=shipped_examples().parent, check=False
    )
    sys.exit(done.returncode)
