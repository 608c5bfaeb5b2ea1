"""Options that every command takes: each setting is a flag, and wrong ones are told in words."""

import functools
import getpass
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from gateway.cli.exits import FAILED, OK, USAGE, fail, unusable
from gateway.environment import load_settings
from gateway.model.problem import ProblemError, problem
from gateway.settings import SETTINGS, Settings

__all__ = [
    "FAILED",
    "LISTING",
    "OK",
    "USAGE",
    "SettingFlag",
    "existing_file",
    "existing_record",
    "fail",
    "me",
    "unusable",
    "with_setting_flags",
    "with_settings",
]

LISTING = frozenset({"serve", "worker"})
"""Commands whose help lists every setting."""


def with_settings(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command every setting as a flag and call it with ``settings``."""

    @functools.wraps(command)
    def run(*, flags: dict[str, Any], **arguments: Any) -> Any:
        try:
            settings: Settings = load_settings(**flags)
            return command(settings=settings, **arguments)
        except ProblemError as error:
            fail(error.problem)

    return with_setting_flags(run)


def with_setting_flags(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command every setting as a flag and call it with ``flags`` for ``load_settings``."""

    @functools.wraps(command)
    def run(**arguments: Any) -> Any:
        flags = {setting.name: arguments.pop(setting.name) for setting in SETTINGS}
        return command(flags=flags, **arguments)

    wrapped: Callable[..., Any] = run
    for setting in reversed(SETTINGS):
        option = click.option(
            setting.flag,
            setting.name,
            cls=SettingFlag,
            default=None,
            metavar="VALUE",
            help=f"{setting.description} [{setting.variable}; default: {setting.default}]",
        )
        wrapped = option(wrapped)
    return wrapped


class SettingFlag(click.Option):
    """The flag of a setting. There are many: commands that serve list them in their help, others
    tell in one line that they take them."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """The line of the help; None for a flag that is not listed."""
        if ctx.command.name in LISTING:
            return super().get_help_record(ctx)
        if self.name != SETTINGS[0].name:
            return None
        return "--SETTING VALUE", "Any setting; `gateway serve --help` lists them."


def existing_record(settings: Settings) -> Path | str:
    """Where the record is; the command fails where a data folder holds none."""
    place = settings.record
    if isinstance(place, Path) and not place.exists():
        told = f"There is no record in {settings.data_dir}. Name its folder with GATEWAY_DATA_DIR."
        fail(problem("NOT_FOUND", told))
    return place


def existing_file(settings: Settings) -> Path:
    """``existing_record`` for what works on SQLite files alone; the command fails elsewhere."""
    existing_record(settings)
    return settings.database_path


def me() -> str:
    """The name of whoever runs the command."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user without a name, as in some containers
        return "cli"
