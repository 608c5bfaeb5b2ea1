"""The root command and its groups."""

import errno
import gc
import os
import sys
from collections.abc import Mapping
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path

import click
from click.exceptions import NoSuchCommand

from gateway import __version__
from gateway.telemetry import configure, install_hooks

COMPLETE_VAR = "_GATEWAY_COMPLETE"
"""What the scripts of ``gateway completion`` set when a shell asks."""

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
"""What goes wrong with standard output that is a file."""

_MODULES: Mapping[str, str] = {
    "approval": "gateway.cli.approval",
    "audit": "gateway.cli.audit",
    "completion": "gateway.cli.completion",
    "contracts": "gateway.cli.contracts",
    "demo": "gateway.cli.demo",
    "documents": "gateway.cli.documents",
    "doctor": "gateway.cli.doctor",
    "evidence": "gateway.cli.evidence",
    "execution": "gateway.cli.execution",
    "init": "gateway.cli.init",
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
    "approval": "Requests for approval of a running gateway.",
    "audit": "The record.",
    "completion": "Print the script with which a shell completes the command.",
    "contracts": "The operation contracts.",
    "demo": "Play the governed loop from intent to audit and check every claim.",
    "documents": "Trusted documents.",
    "doctor": "Look at all that a gateway needs, and say how to mend what it lacks.",
    "evidence": "Evidence of what runs did: exported from a running gateway, checked without one.",
    "execution": "Executions of a running gateway: start, follow, decide and steer them.",
    "init": "Make a new deployment in FOLDER: a contract, policies and settings that start.",
    "journal": "The journal and what is derived from it.",
    "keys": "The keys that seal personal data.",
    "migrate": "Bring the database to the tables of this release.",
    "policy": "Read, check and change the policies.",
    "privacy": "Rights of people.",
    "schema": "The GraphQL schema.",
    "serve": "Serve GraphQL at /graphql until stopped (SIGTERM or Ctrl-C).",
    "skill": "Signed skills: checked offline, installed and listed at a running gateway.",
    "token": "Issue development tokens, and revoke any token.",
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
    if COMPLETE_VAR in os.environ:
        from gateway.cli.completing import complete

        complete()
    # httpx brings a command of its own, which it does without where that cannot be imported: with
    # all that it needs, it would be a twelfth of each start.
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # None: not to be found
    install_hooks()
    configure("warning", "text")
    _open_what_is_closed()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(
                errors="backslashreplace"
            )  # a sign that a terminal lacks ends nothing
    try:
        main()
    except OSError as error:
        if error.errno not in _NO_ROOM or error.filename is not None:
            raise
        from gateway.cli.exits import FAILED  # only where it is used

        click.echo(f"gateway: what was told cannot be written: {error.strerror}.", err=True)
        sys.exit(FAILED)


def _open_what_is_closed() -> None:
    """Have a standard stream that is closed lead nowhere, and so never into a file opened later."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            found = Path(os.devnull).open(mode, encoding="utf-8")  # noqa: SIM115 (as long as the process)
            setattr(sys, name, found)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="gateway")
def main() -> None:
    """A GraphQL governance gateway between agents, people, services and their systems.

    Every setting is an environment variable GATEWAY_<NAME> and a flag of the commands.
    """
