"""Answering a shell that completes a command line, without importing what the commands need.

The commands are known from ``commands.json``, which is generated from them: a shell asks at each
press of the key, and importing one command takes ten times as long as this.
"""

import json
import sys
from functools import cached_property
from importlib.resources import files

import click

from gateway.cli.main import COMPLETE_VAR
from gateway.model.json import JsonObject


def complete() -> None:
    """Answer the shell that asks, and end the process."""
    told_commands().main([], prog_name="gateway", complete_var=COMPLETE_VAR)
    sys.exit(1)  # it was asked for something that no shell asks


def told_commands() -> "ToldGroup":
    """Every command, as ``commands.json`` tells them."""
    told = json.loads(files("gateway.cli").joinpath("commands.json").read_bytes())
    return ToldGroup(told["root"], told["settings"])


class ToldGroup(click.Group):
    """A group of commands as ``describing.describe`` tells them; they complete and do nothing."""

    def __init__(self, told: JsonObject, settings: list[JsonObject]) -> None:
        super().__init__(told["name"], short_help=told["summary"])
        self._told = told
        self._settings = settings

    @cached_property
    def _inner(self) -> dict[str, JsonObject]:
        return {one["name"]: one for one in self._told["commands"]}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the commands."""
        return list(self._inner)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name."""
        told = self._inner.get(cmd_name)
        if told is None:
            return None
        if "commands" in told:
            return ToldGroup(told, self._settings)
        return click.Command(
            cmd_name,
            params=[*_parameters(told), *_settings(told, self._settings)],
            short_help=told["summary"],
        )


def _parameters(told: JsonObject) -> list[click.Parameter]:
    return [
        *(_argument(number, one) for number, one in enumerate(told["arguments"])),
        *(_option(one) for one in told["options"]),
    ]


def _argument(number: int, told: JsonObject) -> click.Argument:
    nargs = -1 if told["several"] else 1
    return click.Argument([f"argument{number}"], type=_type(told), nargs=nargs)


def _option(told: JsonObject, *, hidden: bool = False) -> click.Option:
    return click.Option(
        told["names"],
        help=told["help"],
        is_flag=not told["value"],
        multiple=told["several"],
        type=_type(told) if told["value"] else None,
        hidden=hidden,
    )


def _settings(told: JsonObject, settings: list[JsonObject]) -> list[click.Option]:
    """The flags of settings; they are offered where the help lists them, and known elsewhere."""
    if told["settings"] is False:
        return []
    return [_option(one, hidden=told["settings"] != "listed") for one in settings]


def _type(told: JsonObject) -> click.ParamType:  # type: ignore[type-arg] # of whichever values
    if told["kind"] == "choice":
        return click.Choice(told["choices"])
    if told["kind"] in ("file", "folder"):
        return click.Path(file_okay=told["kind"] == "file")
    return click.STRING
