"""gateway serve"""

import asyncio
import contextlib
import gc
import signal
import socket
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any

import click
import uvicorn
import uvloop

from gateway.app import running
from gateway.bounding import server_limits
from gateway.cli.options import with_settings
from gateway.model.collector import spare_what_is_loaded
from gateway.serving import create_app, listen, load_trusted
from gateway.settings import Settings
from gateway.surfaces.graphql import server_options
from gateway.telemetry import configure, install_hooks, loop_error

_SHUTDOWN_SECONDS = 10
_ENDING = (signal.SIGINT, signal.SIGTERM)


@click.command()
@with_settings
def serve(*, settings: Settings) -> None:
    """Serve GraphQL at /graphql until stopped (SIGTERM or Ctrl-C)."""
    install_hooks()
    configure(settings.log_level, settings.log_format)
    gc.disable()  # until all is loaded: little of it is garbage
    run_until_stopped(_serve(settings))


def run_until_stopped(serving: Coroutine[Any, Any, None]) -> None:
    """Run what serves until SIGTERM or Ctrl-C. While it still starts, they cancel it, so that what
    has begun ends in order; once it serves, ``heed_signals`` hands them to its server.

    Without that the first process of a container, which is ended by no signal that it does not
    handle, would start to its end and never learn that it was to stop.
    """

    async def run() -> None:
        loop, starting = asyncio.get_running_loop(), asyncio.ensure_future(serving)
        loop.set_exception_handler(loop_error)
        told = asyncio.Event()

        def stop() -> None:
            told.set()
            starting.cancel()

        for name in _ENDING:
            loop.add_signal_handler(name, stop)
        try:
            await starting
        except asyncio.CancelledError:
            if not told.is_set():
                raise

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())


async def _serve(settings: Settings) -> None:
    trusted = load_trusted(settings)
    with listen(settings) as sock:
        async with running(settings) as gateway:
            config = uvicorn.Config(
                create_app(gateway, trusted),
                **server_options(gateway.connections.limits, server_limits(settings)),
                lifespan="off",
                access_log=False,
                server_header=False,
                log_config=None,
                timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
            )
            server = Server(config, gateway.connections.drain)
            spare_what_is_loaded()
            heed_signals(server)
            await server.serve(sockets=[sock])


def heed_signals(server: uvicorn.Server) -> None:
    """Have SIGTERM and Ctrl-C end this server from now on."""
    loop = asyncio.get_running_loop()
    for name in _ENDING:
        loop.add_signal_handler(name, server.handle_exit, name, None)


class Server(uvicorn.Server):
    """uvicorn's server, which says ``what`` it does and where, once it does.

    ``drain`` ends the connections that stay open: uvicorn would wait for event streams until its
    time is up, and close WebSockets with a code of its own.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        drain: Callable[[], Awaitable[None]],
        what: str = "gateway listening",
    ) -> None:
        super().__init__(config)
        self._drain = drain
        self._what = what

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._drain()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to us: uvicorn raises them anew after serving, which would end the process
        before runs are drained and the last checkpoint is signed."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for sock in sockets or []:
            host, port = sock.getsockname()[:2]
            shown = f"[{host}]" if ":" in host else host
            click.echo(f"{self._what} on http://{shown}:{port}")
