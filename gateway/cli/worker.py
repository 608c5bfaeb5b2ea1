"""gateway worker"""

import gc

import click
import uvicorn

from gateway.advancing import Role
from gateway.app import running
from gateway.bounding import server_limits
from gateway.cli.options import with_settings
from gateway.cli.serve import Server, heed_signals, run_until_stopped
from gateway.model.collector import spare_what_is_loaded
from gateway.serving import create_probes, listen
from gateway.settings import Settings
from gateway.surfaces.graphql import server_options
from gateway.telemetry import configure, install_hooks


@click.command()
@with_settings
def worker(*, settings: Settings) -> None:
    """Advance runs until stopped (SIGTERM or Ctrl-C), told of them as GATEWAY_DISPATCH says.

    GATEWAY_HOST and GATEWAY_PORT are where /healthz and /readyz answer; there are no other doors.
    """
    install_hooks()
    configure(settings.log_level, settings.log_format)
    gc.disable()  # as in ``gateway serve``
    run_until_stopped(_work(settings))


async def _work(settings: Settings) -> None:
    with listen(settings) as sock:
        async with running(settings, Role.WORKER) as gateway:
            config = uvicorn.Config(
                create_probes(gateway),
                **server_options(bounds=server_limits(settings)),
                lifespan="off",
                access_log=False,
                server_header=False,
                log_config=None,
                timeout_graceful_shutdown=1,
            )
            server = Server(config, _nobody, "worker answering probes")
            spare_what_is_loaded()
            heed_signals(server)
            await server.serve(sockets=[sock])


async def _nobody() -> None:
    """No connection stays open."""
