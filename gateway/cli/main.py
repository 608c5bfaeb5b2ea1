"""The root command and its groups."""

import click

from gateway import __version__
from gateway.cli.audit import audit
from gateway.cli.contracts import contracts, schema
from gateway.cli.evidence import evidence
from gateway.cli.journal import journal
from gateway.cli.policy import policy
from gateway.cli.serve import serve
from gateway.cli.skill import skill
from gateway.cli.token import token


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="gateway")
def main() -> None:
    """A GraphQL governance gateway between agents, people, services and their systems.

    Every setting is an environment variable GATEWAY_<NAME> and a flag of the commands.
    """


for group in (serve, token, contracts, schema, policy, audit, journal, evidence, skill):
    main.add_command(group)
