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
}
"""Where each command is, under its own name."""


class _Commands(click.Group):
    """Imports a command when it is asked for: what the others need takes longer than most run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_MODULES)

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
