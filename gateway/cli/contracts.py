"""gateway contracts, gateway schema"""

import json

import click

from gateway.cli.options import with_settings
from gateway.contracts import contract_json_schema
from gateway.loading import load_registry
from gateway.settings import Settings


@click.group()
def contracts() -> None:
    """The operation contracts."""


@contracts.command()
@with_settings
def lint(*, settings: Settings) -> None:
    """Check every contract file; prints each issue with file, line and remedy."""
    registry = load_registry(settings)
    click.echo(
        f"{len(registry.operations)} operations, {len(registry.events)} events, "
        f"{len(registry.capabilities)} capabilities: no issues"
    )


@contracts.command("schema")
@with_settings
def print_file_schema(*, settings: Settings) -> None:
    """Print the JSON Schema of contract files, for editors."""
    click.echo(json.dumps(contract_json_schema(), indent=2))


@click.group()
def schema() -> None:
    """The GraphQL schema."""


@schema.command("print")
@with_settings
def print_schema(*, settings: Settings) -> None:
    """Print the schema in GraphQL's schema definition language."""
    from gateway.surfaces.graphql import build_schema, print_sdl  # no other command needs a door

    click.echo(print_sdl(build_schema(load_registry(settings))), nl=False)
