"""The root command and its groups."""

import gc
from collections.abc import Mapping
from importlib import import_module

import click
from click.exceptions import NoSuchCommand

from gateway import __version__
from gateway.telemetry import configure, install_hooks

_MODULES: Mapping[str, str] = {
    "audit": "gateway.cli.audit",
    "contracts": "gateway.cli.contracts",
    "evidence": "gateway.cli.evidence",
    "journal": "gateway.cli.journal",
    "keys": "gateway.cli.keys",
    "migrate": "gateway.cli.migrate",
    "policy": "gateway.cli.policy",
    "privacy": "gateway.cli.privacy",
    "schema": "gateway.cli.contracts",
    "serve": "gateway.cli.serve",
    "skill": "gateway.cli.skill",
    "token": "gateway.cli.token",
    "witness": "gateway.cli.witness",
    "worker": "gateway.cli.worker",
}
"""Where each command is, under its own name."""

_SUMMARIES: Mapping[str, str] = {
    "audit": "The record.",
    "contracts": "The operation contracts.",
    "evidence": "Evidence that was exported.",
    "journal": "The journal and what is derived from it.",
    "keys": "The keys that seal personal data.",
    "migrate": "Bring the database to the tables of this release.",
    "policy": "Read, check and change the policies.",
    "privacy": "Rights of people.",
    "schema": "The GraphQL schema.",
    "serve": "Serve GraphQL at /graphql until stopped (SIGTERM or Ctrl-C).",
    "skill": "Signed skills.",
    "token": "Development tokens.",
    "witness": "Be a witness to the checkpoints of others.",
    "worker": "Advance runs until stopped (SIGTERM or Ctrl-C), "
    "told of them as GATEWAY_DISPATCH says.",
}
"""The first sentence of each command's help, so that listing them imports none of them."""


class _Commands(click.Group):
    """Imports a command when it is asked for: what the others need takes longer than most run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_MODULES)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, _SUMMARIES.get(name, "")) for name in self.list_commands(ctx)]
            )

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
        if cmd_name not in _MODULES:
            raise NoSuchCommand(cmd_name, possibilities=_MODULES, ctx=ctx)
        gc.disable()  # nothing of what is imported is garbage; looking takes a tenth of a start
        try:
            found: click.Command = getattr(import_module(_MODULES[cmd_name]), cmd_name)
        finally:
            gc.enable()
        return found


def run() -> None:
    """The process of the command: what goes wrong is told without the values that it holds."""
    install_hooks()
    configure("warning", "text")
    main()


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="gateway")
def main() -> None:
    """A GraphQL governance gateway between agents, people, services and their systems.

    Every setting is an environment variable GATEWAY_<NAME> and a flag of the commands.
    """
