"""The duties: what a gateway does by itself, and of several processes only one.

Checkpoints are signed and brought to anchors and witnesses, endpoints are told of events, and what
is to be erased is erased. Where processes share a database, one of them leads and does all of it,
and another takes over when that one is gone.
"""

from contextlib import AsyncExitStack

from gateway.anchoring import Anchoring, build_anchoring
from gateway.duties import Duties, Noticing
from gateway.journal import Checkpointer, DurableJournal
from gateway.loading import Loaded
from gateway.model.ports import Records, Sealer
from gateway.model.record_clock import shared_clock
from gateway.model.time import stamp
from gateway.rights import Sweeper, erasures_to_do
from gateway.webhooks import build_webhooks


class Outgoing:
    """The duties of this process. ``checkpointer`` signs on demand in any of them."""

    def __init__(self, loaded: Loaded, journal: DurableJournal, sealer: Sealer) -> None:
        self._loaded = loaded
        self._journal = journal
        self._sealer = sealer
        self._anchoring: Anchoring | None = None
        interval = loaded.settings.checkpoint_interval
        is_shared = bool(loaded.settings.postgres_url)
        self._clock = shared_clock(journal, loaded.clock, is_shared=is_shared)
        self.checkpointer = Checkpointer(journal, loaded.keyring.signer, interval, self._signed)

    async def start(self, sweeper: Sweeper, stack: AsyncExitStack) -> None:
        """Begin the duties here, or once this process leads; ``stack`` ends them."""

        async def begin(stack: AsyncExitStack) -> None:
            await self._begin(sweeper, stack)

        url = self._loaded.settings.postgres_url
        if url is None:
            await begin(stack)
            return

        from gateway.duties.postgres_leadership import PostgresLeadership  # only where it is used

        async def begin_among_others(stack: AsyncExitStack) -> None:
            await self._notice_others(sweeper, stack)
            await begin(stack)

        duties = Duties(PostgresLeadership(url), begin_among_others)
        stack.push_async_callback(duties.stop)
        await duties.start()

    async def _begin(self, sweeper: Sweeper, stack: AsyncExitStack) -> None:
        # Anchoring before whatever signs, so that the last checkpoint still leaves the house.
        anchoring = build_anchoring(self._loaded.destinations, self._journal, self._clock)
        stack.push_async_callback(anchoring.stop)
        await anchoring.start()
        self._anchoring = anchoring
        await self.checkpointer.start()
        stack.push_async_callback(self.checkpointer.stop)
        await self._tell_endpoints(sweeper, stack)
        sweeper.start()
        stack.push_async_callback(sweeper.stop)

    async def _tell_endpoints(self, sweeper: Sweeper, stack: AsyncExitStack) -> None:
        """Begin to tell the configured endpoints of events, if there are any."""
        loaded = self._loaded
        if not loaded.endpoints:
            return
        hosts, scale = loaded.settings.webhook_hosts, loaded.settings.webhook_retry_scale
        parts = (hosts, scale, self._journal, self._clock, self._sealer, sweeper.believed)
        webhooks = build_webhooks(loaded.endpoints, *parts)
        stack.push_async_callback(webhooks.stop)
        await webhooks.start()

    async def _notice_others(self, sweeper: Sweeper, stack: AsyncExitStack) -> None:
        """Look at once where another process signed a checkpoint, or approved an erasure."""

        def to_do(records: Records) -> list[str]:
            now = stamp(self._loaded.clock.now())
            return [one.id for one in erasures_to_do(now, records)]

        async def sign() -> None:
            self._signed()

        async def sweep() -> None:
            sweeper.wake()

        for glance, tell in ((_last_checkpoint, sign), (to_do, sweep)):
            noticing = Noticing(self._journal, glance, tell)
            stack.push_async_callback(noticing.stop)
            await noticing.start()

    def _signed(self) -> None:
        if self._anchoring is not None:
            self._anchoring.signed()


def _last_checkpoint(records: Records) -> str | None:
    return records.last_checkpoint()
