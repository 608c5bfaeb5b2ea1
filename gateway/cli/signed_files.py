"""Commands that check a signed file without a gateway: reading it, the keys, and whose they are."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from gateway.cli.options import unusable
from gateway.cli.output import Output
from gateway.evidence.signing import normal_key

_MAX_KEY_BYTES = 65_536
_MAX_FILE = 1_048_576

T = TypeVar("T")


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
        unusable(path, f"it cannot be read ({error.strerror}).")


def read_keys(paths: Sequence[Path]) -> list[str]:
    """The public keys in these files; where one cannot be used, the command ends."""
    return [_key(path) for path in paths]


def _key(path: Path) -> str:
    try:
        return normal_key(read_file(path, _MAX_KEY_BYTES).decode("utf-8", "replace"))
    except ValueError as error:
        unusable(path, f"it cannot be used ({error}). Give an Ed25519 public key in PEM.")


def usable(path: Path, read: Callable[[bytes], T], most: int = _MAX_FILE) -> T:
    """What ``read`` makes of the content of a file, of at most ``most`` bytes; the command ends
    where the file cannot be used."""
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
        if len(content) > most:
            raise ValueError(f"it is larger than {most} bytes")
        return read(content)
    except json.JSONDecodeError as error:
        unusable(path, f"it is no JSON (line {error.lineno}, column {error.colno}).")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        unusable(path, f"it cannot be used ({reason}).")


def tell_signer(out: Output, key_id: str, what: str, *, given: bool) -> None:
    """Say who signed ``what``: the key that was ``given``, or one that came with it."""
    if given:
        out.line(f"signed by the key given, {key_id}")
        return
    out.line(
        f"SIGNED BY KEY {key_id}, WHICH CAME WITH THE {what.upper()}: anybody can make such a key."
    )
    out.line(
        "Compare it with the id that the gateway's operator gives you, or name the operator's key "
        "with --public-key."
    )
