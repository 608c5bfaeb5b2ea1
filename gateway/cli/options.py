"""Options that every command takes: each setting is a flag, and wrong ones are told in words."""

import functools
import getpass
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import click

from gateway.environment import load_settings
from gateway.model.problem import Problem, ProblemError, problem
from gateway.settings import SETTINGS, Settings

OK, FAILED, USAGE = 0, 1, 2
"""Exit codes: done; refused or failed; called in a wrong way or with wrong settings."""

_CONFIGURATION = frozenset(
    {
        "SETTINGS_INVALID",
        "CONTRACTS_INVALID",
        "POLICIES_INVALID",
        "WEBHOOKS_INVALID",
        "ANCHORS_INVALID",
    }
)


def with_settings(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command every setting as a flag and call it with ``settings``."""

    @functools.wraps(command)
    def run(**arguments: Any) -> Any:
        flags = {setting.name: arguments.pop(setting.name) for setting in SETTINGS}
        try:
            settings: Settings = load_settings(**flags)
            return command(settings=settings, **arguments)
        except ProblemError as error:
            fail(error.problem)

    wrapped: Callable[..., Any] = run
    for setting in reversed(SETTINGS):
        option = click.option(
            setting.flag,
            setting.name,
            default=None,
            metavar="VALUE",
            help=f"{setting.description} [{setting.variable}; default: {setting.default}]",
        )
        wrapped = option(wrapped)
    return wrapped


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


def fail(told: Problem) -> NoReturn:
    """Print a problem with all its issues to standard error and exit."""
    click.echo(f"gateway: {told.code}: {told.title}.", err=True)
    if told.issues:
        for issue in told.issues:
            click.echo(f"  {issue.path}: {issue.code}: {issue.message}", err=True)
    else:
        click.echo(f"  {told.detail}", err=True)
    click.echo(f"See docs/errors/{told.code}.md.", err=True)
    sys.exit(USAGE if told.code in _CONFIGURATION else FAILED)
