"""What goes out by itself while a gateway runs: events to webhooks, checkpoints to anchors."""

import contextlib

from gateway.anchoring import Anchoring, build_anchoring
from gateway.journal import DurableJournal
from gateway.loading import Loaded
from gateway.model.ports import Sealer
from gateway.webhooks import build_webhooks


async def tell_endpoints(
    loaded: Loaded, journal: DurableJournal, sealer: Sealer, stack: contextlib.AsyncExitStack
) -> None:
    """Begin to tell the configured endpoints of events, if there are any."""
    if not loaded.endpoints:
        return
    hosts, scale = loaded.settings.webhook_hosts, loaded.settings.webhook_retry_scale
    webhooks = build_webhooks(loaded.endpoints, hosts, scale, journal, loaded.clock, sealer)
    stack.push_async_callback(webhooks.stop)
    await webhooks.start()


async def bring_checkpoints(
    loaded: Loaded, journal: DurableJournal, stack: contextlib.AsyncExitStack
) -> Anchoring:
    """Begin to bring checkpoints to the configured anchors and witnesses, if there are any.

    Call it before checkpoints are signed, so that the last one still leaves the house.
    """
    anchoring = build_anchoring(loaded.destinations, journal, loaded.clock)
    stack.push_async_callback(anchoring.stop)
    await anchoring.start()
    return anchoring
