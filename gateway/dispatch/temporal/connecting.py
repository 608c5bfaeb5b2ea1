"""Connecting to a Temporal server, with what its library logs told as everything else is."""

import logging
from functools import cache

from temporalio.client import Client
from temporalio.runtime import (
    LogForwardingConfig,
    LoggingConfig,
    Runtime,
    TelemetryConfig,
    TelemetryFilter,
)


async def connected(address: str, namespace: str, *, lazy: bool = False) -> Client:
    """A client of the server at ``address``, which need not be there yet where it is ``lazy``.

    Raises:
        RuntimeError: the server is not there.
    """
    return await Client.connect(address, namespace=namespace, lazy=lazy, runtime=_runtime())


@cache
def _runtime() -> Runtime:
    """What all clients of a process run on. Its core writes to standard error by itself otherwise,
    in a form of its own, whatever the settings say."""
    told = LogForwardingConfig(
        logging.getLogger("temporalio"),
        prepend_target_on_message=False,
        append_log_fields_to_message=False,
    )
    heard = TelemetryFilter(core_level="WARN", other_level="ERROR")
    return Runtime(telemetry=TelemetryConfig(logging=LoggingConfig(heard, told)))
