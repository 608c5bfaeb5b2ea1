"""Options that every command takes: each setting is a flag, and wrong ones are told in words."""

import functools
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import click

from gateway.model.problem import Problem, ProblemError
from gateway.settings import SETTINGS, Settings, load_settings

OK, FAILED, USAGE = 0, 1, 2
"""Exit codes: done; refused or failed; called in a wrong way or with wrong settings."""

_CONFIGURATION = frozenset({"SETTINGS_INVALID", "CONTRACTS_INVALID", "POLICIES_INVALID"})


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


def fail(problem: Problem) -> NoReturn:
    """Print a problem with all its issues to standard error and exit."""
    click.echo(f"gateway: {problem.code}: {problem.title}.", err=True)
    if problem.issues:
        for issue in problem.issues:
            click.echo(f"  {issue.path}: {issue.code}: {issue.message}", err=True)
    else:
        click.echo(f"  {problem.detail}", err=True)
    click.echo(f"See docs/errors/{problem.code}.md.", err=True)
    sys.exit(USAGE if problem.code in _CONFIGURATION else FAILED)
