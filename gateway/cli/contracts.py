"""gateway contracts, gateway schema"""

import json

import click

from gateway.cli.contract_docs import write_docs
from gateway.cli.contract_new import new_contract
from gateway.cli.contract_reference import list_contracts, show_contract
from gateway.cli.options import with_settings
from gateway.cli.output import Output, with_output
from gateway.cli.schema_diff import diff_contracts, diff_schemas
from gateway.cli.schema_print import print_schema
from gateway.contracts import contract_json_schema
from gateway.loading import load_registry
from gateway.settings import Settings


@click.group()
def contracts() -> None:
    """The operation contracts."""


@contracts.command()
@with_settings
@with_output
def lint(*, settings: Settings, out: Output) -> None:
    """Check every contract file; prints each issue with file, line and remedy."""
    registry = load_registry(settings)
    counts = {
        "operations": len(registry.operations),
        "events": len(registry.events),
        "capabilities": len(registry.capabilities),
    }
    told = ", ".join(f"{count} {kind}" for kind, count in counts.items())
    out.tell(counts, lambda: out.line(f"{told}: no issues"))


@contracts.command("schema")
@with_settings
def print_file_schema(*, settings: Settings) -> None:
    """Print the JSON Schema of contract files, for editors."""
    click.echo(json.dumps(contract_json_schema(), indent=2))


@click.group()
def schema() -> None:
    """The GraphQL schema."""


schema.add_command(print_schema)
schema.add_command(diff_schemas)
contracts.add_command(diff_contracts)
for command in (list_contracts, show_contract, new_contract, write_docs):
    contracts.add_command(command)
