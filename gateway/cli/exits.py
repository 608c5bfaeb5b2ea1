"""How commands end: exit codes, and problems told on standard error. Importing it costs nothing, so
that commands without settings start at once."""

import sys
from pathlib import Path
from typing import NoReturn

import click

from gateway.model.problem import Problem
from gateway.model.text import printable

OK, FAILED, USAGE = 0, 1, 2
"""Exit codes: done; refused or failed; called in a wrong way or with wrong settings."""

_CONFIGURATION = frozenset(
    {
        "SETTINGS_INVALID",
        "CONTRACTS_INVALID",
        "POLICIES_INVALID",
        "WEBHOOKS_INVALID",
        "ANCHORS_INVALID",
        "DOCUMENTS_INVALID",
        "REVOCATIONS_INVALID",
        "SDL_INVALID",
    }
)


def fail(told: Problem) -> NoReturn:
    """Print a problem with all its issues to standard error and exit."""
    click.echo(f"gateway: {told.code}: {printable(told.title)}.", err=True)
    for issue in told.issues:
        click.echo(f"  {printable(f'{issue.path}: {issue.code}: {issue.message}')}", err=True)
    if not told.issues:
        click.echo(f"  {printable(told.detail)}", err=True)
    click.echo(f"See docs/errors/{told.code}.md.", err=True)
    sys.exit(USAGE if told.code in _CONFIGURATION else FAILED)


def unusable(what: Path | str, told: str, code: int = USAGE) -> NoReturn:
    """Say on standard error what is wrong with a file, key or name that was given, and exit."""
    click.echo(f"gateway: {printable(f'{what}: {told}')}", err=True)
    sys.exit(code)
