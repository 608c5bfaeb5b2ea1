"""The options of commands that call a running gateway."""

import functools
import os
from collections.abc import Callable
from typing import Any, TextIO

import click

from gateway.cli.exits import fail
from gateway.cli.remote.target import Target, address, bearer
from gateway.model.problem import ProblemError

DEFAULT_URL = "http://127.0.0.1:8000"
_MAX_TOKEN = 65_536
MOST_AT_ONCE = 200
"""How many of a list a gateway gives at once."""


def with_gateway(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command ``--url`` and ``--token-file``, and call it with ``gateway``, a ``Client``.

    The token comes from a file or from GATEWAY_TOKEN, never as an argument: those are seen by
    whoever lists the processes of the machine.
    """

    @functools.wraps(command)
    def run(*, url: str, token_file: TextIO | None, **arguments: Any) -> Any:
        try:
            token = _read(token_file) if token_file else os.environ.get("GATEWAY_TOKEN")
            target = Target(url, bearer(token))
            if target.is_readable_on_its_way:
                click.echo(
                    f"gateway: the token goes unencrypted to {url}; use https if it can.", err=True
                )
            from gateway.cli.remote.client import Client  # takes longer than telling the help

            with Client(target) as gateway:
                return command(gateway=gateway, **arguments)
        except ProblemError as error:
            fail(error.problem)

    return _URL(_TOKEN_FILE(run))


class _Address(click.ParamType[str]):
    """The address of a gateway."""

    name = "url"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        try:
            return address(str(value))
        except ValueError as error:
            self.fail(f"this is no address of a gateway: {error}", param, ctx)


def with_page(shown: int, order: str = "") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command ``--limit`` and ``--offset``: ``shown`` of a list unless more are asked for,
    at most as many as the gateway gives at once. ``order`` says which come first."""
    most = click.IntRange(1, MOST_AT_ONCE)
    told = f"How many to list{order and ', '}{order}."
    limit = click.option("--limit", type=most, default=shown, show_default=True, help=told)
    offset = click.option(
        "--offset", type=click.IntRange(0), default=0, help="How many to leave out before."
    )
    return lambda command: limit(offset(command))


_URL = click.option(
    "--url", type=_Address(), envvar="GATEWAY_URL", default=DEFAULT_URL, metavar="URL",
    help=f"The gateway to call. [GATEWAY_URL; default: {DEFAULT_URL}]",
)  # fmt: skip
_TOKEN_FILE = click.option(
    "--token-file", type=click.File("r", encoding="utf-8"), envvar="GATEWAY_TOKEN_FILE",
    metavar="FILE", help="The file that holds your token; - is standard input. "
    "[GATEWAY_TOKEN_FILE; default: the token in GATEWAY_TOKEN]",
)  # fmt: skip


def _read(file: TextIO) -> str:
    try:
        return file.read(_MAX_TOKEN)
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"The token file cannot be read: {error}.") from None
