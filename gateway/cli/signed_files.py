"""Commands that check a signed file without a gateway: reading it, the keys, and whose they are."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import click

from gateway.cli.options import USAGE

_MAX_KEY_BYTES = 65_536


def with_signed_file(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the arguments ``file`` and ``public_keys``."""
    keyed = click.option(
        "--public-key",
        "public_keys",
        multiple=True,
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="Public key (PEM) that the gateway signs with. Repeat it where there were several.",
    )
    return click.argument("file", type=click.Path(path_type=Path))(keyed(command))


def read_file(path: Path, most: int) -> bytes:
    """The content of a file, one byte more than ``most`` where it is larger; where it cannot be
    read, the command ends."""
    try:
        with path.open("rb") as file:
            return file.read(most + 1)
    except OSError as error:
        unreadable(path, f"it cannot be read ({error.strerror}).")


def read_keys(paths: Sequence[Path]) -> list[str]:
    """The public keys in these files, as text."""
    return [read_file(path, _MAX_KEY_BYTES).decode("utf-8", "replace") for path in paths]


def unreadable(what: Path | str, told: str) -> NoReturn:
    """Say that a file cannot be checked, and end the command."""
    click.echo(f"gateway: {what}: {told}", err=True)
    sys.exit(USAGE)


def tell_signer(key_id: str, what: str, *, given: bool) -> None:
    """Say who signed ``what``: the key that was ``given``, or one that came with it."""
    if given:
        click.echo(f"signed by the key given, {key_id}")
        return
    click.echo(
        f"SIGNED BY KEY {key_id}, WHICH CAME WITH THE {what.upper()}: anybody can make such a "
        "key.\nCompare it with the id that the gateway's operator gives you, or name the "
        "operator's key with --public-key."
    )
