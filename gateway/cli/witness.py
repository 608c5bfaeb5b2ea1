"""gateway witness"""

import logging
import socket
import sqlite3
import sys
from pathlib import Path
from typing import Any, NoReturn

import click
import uvicorn

from gateway.cli.options import FAILED, USAGE, fail
from gateway.cli.output import Output, with_output
from gateway.model.listening import bound
from gateway.model.problem import ProblemError
from gateway.model.system import SystemClock
from gateway.surfaces.graphql import ServerLimits, server_options
from gateway.surfaces.witness import witness_app
from gateway.transparency import NoteError
from gateway.witness import Witness, open_witness, trusted_logs

_STATE = click.option(
    "--state",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the witness's key and memory; it is created if missing. Keep it.",
)
_NAME = click.option(
    "--name",
    required=True,
    help="Name of the witness in its signatures, such as witness.example.com/audit.",
)


@click.group()
def witness() -> None:
    """Be a witness to the checkpoints of others."""


@witness.command()
@_STATE
@_NAME
@click.option(
    "--log",
    "logs",
    multiple=True,
    required=True,
    metavar="KEY",
    help="Verifier key of a log to witness. Repeat it for several.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8380, show_default=True, type=click.IntRange(0, 65535),
              help="Port to listen on; 0 takes any free one.")  # fmt: skip
@click.option(
    "--max-connections",
    default=128,
    show_default=True,
    type=click.IntRange(4, 1_000_000),
    help="TCP connections at once; further ones are refused.",
)
@click.option(
    "--patience",
    default=10.0,
    show_default=True,
    type=click.FloatRange(0.05, 3600),
    help="Seconds within which headers, a body, and the taking of an answer must be done.",
)
def serve(
    state: Path,
    name: str,
    logs: tuple[str, ...],
    host: str,
    port: int,
    max_connections: int,
    patience: float,
) -> None:
    """Sign the checkpoints of logs that only ever grow, until stopped.

    Answers POST /add-checkpoint (C2SP tlog-witness). Put a server that speaks TLS before it.
    """
    logging.basicConfig(level="INFO", format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    opened = _opened(state, name, logs)
    try:
        sock = _listening(host, port)
        config = uvicorn.Config(
            witness_app(opened, patience),
            **_bounds(max_connections, patience),
            lifespan="off",
            access_log=False,
            server_header=False,
            log_config=None,
            log_level="warning",
            timeout_graceful_shutdown=5,
        )
        _Server(config, str(opened.signer.verifier)).run(sockets=[sock])
    finally:
        opened.book.close()


@witness.command()
@_STATE
@_NAME
@with_output
def key(*, state: Path, name: str, out: Output) -> None:
    """Print the key with which others verify this witness; it is created if missing."""
    opened = _opened(state, name, ())
    opened.book.close()
    verifier = str(opened.signer.verifier)
    out.tell({"name": name, "verifierKey": verifier}, lambda: out.line(verifier))


def _bounds(connections: int, patience: float) -> dict[str, Any]:
    """The bounds of ``gateway serve`` on connections, without WebSockets."""
    bounds = ServerLimits(connections=connections, header_seconds=patience, write_seconds=patience)
    return {**server_options(bounds=bounds), "ws": "none"}


def _listening(host: str, port: int) -> socket.socket:
    """The socket to serve on; where the address cannot be had, the command ends."""
    try:
        return bound(host, port)
    except OSError as error:
        told = f"{host}:{port} cannot be listened on: {error.strerror}. "
        _stop(told + "Name a free --port (0 takes any), or a --host of this machine.", FAILED)


class _Server(uvicorn.Server):
    """uvicorn's server, which says where it listens and whose key it signs with."""

    def __init__(self, config: uvicorn.Config, key: str) -> None:
        super().__init__(config)
        self._key = key

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for server in self.servers:
            for sock in server.sockets:
                host, port = sock.getsockname()[:2]
                shown = f"[{host}]" if ":" in host else host
                click.echo(f"witness listening on http://{shown}:{port}")
        click.echo(f"witness key {self._key}")


def _opened(state: Path, name: str, logs: tuple[str, ...]) -> Witness:
    try:
        return open_witness(state, name, trusted_logs(logs), SystemClock())
    except ProblemError as error:
        fail(error.problem)
    except NoteError as error:
        _stop(f"a key or the name cannot be used: {error}.", USAGE)
    except sqlite3.Error as error:
        _stop(f"the memory in {state} cannot be read ({error}).", FAILED)


def _stop(told: str, code: int) -> NoReturn:
    click.echo(f"gateway: {told}", err=True)
    sys.exit(code)
