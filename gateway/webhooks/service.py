"""Webhooks as a whole: intake and sender, started and stopped together."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from gateway.model.delivery import DeliveryStatus
from gateway.model.entry import EntryType, NewEntry
from gateway.model.ports import Clock, Journal, Tx
from gateway.model.problem import ProblemError
from gateway.model.tasks import cancelled
from gateway.model.time import END, after
from gateway.webhooks.cloud_event import Compose
from gateway.webhooks.endpoint import Endpoint, Roster
from gateway.webhooks.intake import Announce, Intake
from gateway.webhooks.post import Poster
from gateway.webhooks.schedule import Schedule
from gateway.webhooks.sender import TROUBLE, Sender

DAY = 86_400.0

RETENTION = {DeliveryStatus.DELIVERED: 7 * DAY, DeliveryStatus.DEAD: 90 * DAY}
"""Seconds after which a settled delivery leaves the queue; the journal keeps what it was about."""

_PRUNE_EVERY = 3600.0
_PRUNE_AT_ONCE = 5_000

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WebhookParts:
    """What webhooks are made of besides their endpoints; ``believed`` tells up to when the clock
    counts for what is removed for good, and without it the clock counts as it is."""

    journal: Journal
    clock: Clock
    announce: Announce
    compose: Compose
    poster: Poster
    schedule: Schedule
    believed: Callable[[], Awaitable[str]] | None = None


class Webhooks:
    """Tells the endpoints of what happens, at least once. Without endpoints it does nothing."""

    def __init__(self, endpoints: tuple[Endpoint, ...], parts: WebhookParts) -> None:
        self._endpoints = endpoints
        self._roster = Roster(endpoints)
        self._parts = parts
        self._sender = Sender(
            parts.journal,
            parts.clock,
            self._roster,
            parts.announce,
            parts.compose,
            parts.poster,
            parts.schedule,
            self._prune_sometimes,
        )
        self._intake = Intake(parts.journal, self._roster, parts.announce, self._sender.look)
        self._tasks: list[asyncio.Task[None]] = []
        self._pruning: asyncio.Task[None] | None = None
        self._prune_next = 0.0

    async def start(self) -> None:
        """Begin: what an earlier process left pending is sent, new endpoints start from now on.

        Raises:
            ProblemError: SERVICE_UNAVAILABLE when the journal cannot be written.
        """
        if not self._endpoints:
            return
        await self._parts.journal.write(self._record_endpoints)
        await self._intake.open(self._endpoints)
        await self._tell_who_left()
        if not self._roster:
            return
        self._prune_sometimes()
        self._tasks = [
            asyncio.create_task(self._take_in()),
            asyncio.create_task(self._sender.run()),
        ]

    async def _tell_who_left(self) -> None:
        """Name the endpoints that have a place and are not in the file: theirs waits for them, as
        does that which one had in a workspace that the file no longer gives it."""
        listed = {endpoint.place for endpoint in self._endpoints}
        places = await self._parts.journal.read(lambda records: records.webhook_places())
        for workspace, endpoint in places:
            if (workspace, endpoint) not in listed:
                _log.warning(
                    "webhook endpoint %s of workspace %s is not in the file: it is told nothing, "
                    "and its deliveries wait for it",
                    endpoint,
                    workspace,
                )

    def _record_endpoints(self, tx: Tx) -> None:
        """Who is told of what from now on, and what becomes of personal data in it."""
        for endpoint in self._roster.serving():
            tx.append(served(endpoint))

    async def stop(self, patience: float = 2.0) -> None:
        """Stop, waiting ``patience`` seconds for messages on their way."""
        self._prune_next = float("inf")
        await cancelled(*self._tasks, self._pruning)
        self._tasks = []
        await self._sender.stop(patience)
        await self._parts.poster.close()

    async def _take_in(self) -> None:
        while True:
            try:
                # Returns at once where the page was not the last.
                await self._parts.journal.moved(await self._intake.take())
            except ProblemError as error:
                _log.error("queuing webhook deliveries failed: %s", error.problem.code)
                await asyncio.sleep(TROUBLE)
            except Exception:
                # Not skipped, for nobody would ever be told of what is in this page.
                _log.exception("queuing webhook deliveries failed")
                await asyncio.sleep(TROUBLE)

    def _prune_sometimes(self) -> None:
        """Prune once in a while, and only when deliveries are settled: idle costs nothing."""
        now = time.monotonic()
        if now >= self._prune_next and (self._pruning is None or self._pruning.done()):
            self._prune_next = now + _PRUNE_EVERY
            self._pruning = asyncio.create_task(self._prune())

    async def _prune(self) -> None:
        """Remove what is settled long since, a bounded number in each unit of work."""
        believed = self._parts.believed
        try:
            moment = END if believed is None else await believed()
            for status, age in RETENTION.items():
                remove = partial(_remove, status=status, age=age, moment=moment)
                while await self._parts.journal.write(remove) == _PRUNE_AT_ONCE:
                    pass
        except ProblemError as error:
            _log.error("pruning webhook deliveries failed: %s", error.problem.code)
        except Exception as error:
            _log.error("pruning webhook deliveries failed: %s", type(error).__name__)


def served(endpoint: Endpoint) -> NewEntry:
    """The record of an endpoint as it is configured, on the chain of its workspace."""
    body = {
        "endpoint": endpoint.id,
        "types": list(endpoint.types),
        "pii": endpoint.pii.value,
    }
    return NewEntry(EntryType.WEBHOOK_SERVED, endpoint.workspace, body)


def _remove(tx: Tx, status: DeliveryStatus, age: float, moment: str) -> int:
    return tx.prune_deliveries(status, after(min(moment, tx.now), -age), _PRUNE_AT_ONCE)
