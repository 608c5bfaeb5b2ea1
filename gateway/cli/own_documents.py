"""gateway documents manifest"""

import json
from hashlib import sha256

import click

from gateway.cli.remote.documents import documents


@click.command()
def manifest() -> None:
    """Print the manifest of what this command line sends, for a gateway that takes only
    registered documents."""
    texts = {f"sha256:{sha256(text.encode()).hexdigest()}": text for text in documents()}
    click.echo(json.dumps(texts, indent=2))
