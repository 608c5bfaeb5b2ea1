"""Sender: from the queue to the receivers, as often as it takes.

Nothing marks a delivery as taken up: it stays pending until an attempt has settled it. A crash at
any moment therefore leaves it pending, and a settlement that cannot be stored leaves it pending
too; both only mean that the same message is sent again, under the same id.
"""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Protocol

from gateway.model.delivery import Delivery, DeliveryStatus
from gateway.model.event import Announcement
from gateway.model.ports import Clock, Journal, Records, Tx
from gateway.model.problem import ProblemError
from gateway.model.record_clock import keep_right
from gateway.model.time import after, stamp
from gateway.telemetry import metrics
from gateway.webhooks.cloud_event import Compose
from gateway.webhooks.endpoint import Endpoint, Roster
from gateway.webhooks.intake import Announce
from gateway.webhooks.schedule import Attempt, Schedule, dead_letter, seconds_until

PER_ENDPOINT = 4
"""How many messages are on their way to one endpoint at the same time."""

SHARED = 64
"""How many messages are on their way at the same time, whoever they are for."""

IN_ALL = 96
"""How many with those that endpoints have on their way alone: receivers that are slow, however
many messages they hold, leave others this room."""

TROUBLE = 5.0
"""Seconds before the next try when the journal cannot be read or written."""

_NOT_BUILT = Attempt(None, "The event could not be built from the journal.")

_log = logging.getLogger(__name__)


class Post(Protocol):
    """Sends one message once."""

    def post(self, endpoint: Endpoint, webhook_id: str, body: bytes) -> Awaitable[Attempt]:
        """Send ``body`` and tell what came of it, without ever raising."""
        ...


@dataclass(frozen=True, slots=True)
class _Letter:
    """A delivery that is due, with its body; None where the body could not be built. ``trouble`` is
    what kept it from being built for now."""

    endpoint: Endpoint
    delivery: Delivery
    body: bytes | None
    trouble: ProblemError | None = None


@dataclass(frozen=True, slots=True)
class _Round:
    """What is to be sent now, and when there will be more without anybody asking."""

    letters: tuple[_Letter, ...]
    following: str | None


class Sender:
    """Sends what is due, a bounded number at a time; their order is not kept.

    Args:
        journal: Where the queue is.
        clock: Says what is due; that of the record, where processes share it, since what is queued
            and settled is due by that.
        roster: The endpoints in service.
        announce: The events of some entries.
        compose: Makes a body from an event.
        post: Sends it.
        schedule: When to try again.
        settled: Called after each settlement, once it is durable.
    """

    def __init__(
        self,
        journal: Journal,
        clock: Clock,
        roster: Roster,
        announce: Announce,
        compose: Compose,
        post: Post,
        schedule: Schedule,
        settled: Callable[[], None] = lambda: None,
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._roster = roster
        self._announce = announce
        self._compose = compose
        self._post = post
        self._schedule = schedule
        self._settled = settled
        self._look = asyncio.Event()
        self._sending: dict[str, asyncio.Task[None]] = {}
        self._busy: Counter[tuple[str, str]] = Counter()
        self._held: dict[tuple[str, str], str] = {}
        self._turn = 0

    def look(self) -> None:
        """Something may be due: look now rather than at the next known moment."""
        self._look.set()

    async def run(self) -> None:
        """Send until cancelled. While nothing is due this only waits."""
        while True:
            pause = await self._send_due()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._look.wait()
            self._look.clear()

    async def stop(self, patience: float) -> None:
        """Wait ``patience`` seconds for what is on its way, then cut it off.

        What is cut off stays pending, and is sent again by the next start.
        """
        tasks = list(self._sending.values())
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=patience)
            for task in late:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _send_due(self) -> float | None:
        """Start what is due; returns the seconds until more will be, None for as yet unknown."""
        sending, busy = frozenset(self._sending), self._busy.copy()
        try:
            await keep_right(self._clock)
            now = stamp(self._clock.now())
            found = await self._journal.read(lambda records: self._due(records, now, sending, busy))
        except ProblemError as error:
            _log.error("looking for due webhook deliveries failed: %s", error.problem.code)
            return TROUBLE
        except Exception:
            # Whatever it was, what waits must not wait for ever.
            _log.exception("looking for due webhook deliveries failed")
            return TROUBLE
        for letter in found.letters:
            self._begin(letter)
        if found.following is None:
            return None
        return seconds_until(found.following, self._clock.now())

    # --- what is due: one snapshot, in the thread that reads

    def _due(
        self, records: Records, now: str, sending: frozenset[str], busy: Counter[tuple[str, str]]
    ) -> _Round:
        letters: list[_Letter] = []
        moments: list[str] = []
        latest = self._schedule.latest(now)
        for endpoint in self._in_turn():
            held = self._held.get(endpoint.place, "")
            if now < held <= latest:
                moments.append(held)
                continue
            upcoming = records.next_delivery(endpoint.workspace, endpoint.id, now, latest)
            if upcoming is not None:
                moments.append(upcoming)
            room = _room(busy[endpoint.place], len(sending) + len(letters))
            due = records.due_deliveries(
                endpoint.workspace, endpoint.id, now, busy[endpoint.place] + room, latest
            )
            fresh = [one for one in due if one.id not in sending][:room]
            letters += [self._letter(records, endpoint, one) for one in fresh]
        return _Round(tuple(letters), min(moments, default=None))

    def _in_turn(self) -> list[Endpoint]:
        """The endpoints, another one first each time: none is always the last to find room."""
        serving = list(self._roster.serving())
        if not serving:
            return []
        self._turn = (self._turn + 1) % len(serving)
        return serving[self._turn :] + serving[: self._turn]

    def _letter(self, records: Records, endpoint: Endpoint, delivery: Delivery) -> _Letter:
        body, trouble = None, None
        try:
            event = self._event(records, delivery)
            execution = (
                records.execution(event.workspace, event.execution_id)
                if event.execution_id is not None
                else None
            )
            body = self._compose(endpoint, event, execution.trace_id if execution else None)
        except ProblemError as error:  # the keys of what it holds are not to be had now
            trouble = error
        except Exception as error:  # one event must not hold up all others
            _log.error("%s could not be built: %s", delivery.id, type(error).__name__)
        return _Letter(endpoint, delivery, body, trouble)

    def _event(self, records: Records, delivery: Delivery) -> Announcement:
        """The event of a delivery, derived again from its entry.

        Raises:
            LookupError: the entry no longer gives it.
        """
        entries = records.entries_after(delivery.position - 1, 1)
        for event in self._announce(records, entries):
            if event.id == delivery.event_id and event.workspace == delivery.workspace:
                return event
        raise LookupError(delivery.event_id)

    # --- sending and settling

    def _begin(self, letter: _Letter) -> None:
        self._busy[letter.endpoint.place] += 1
        own = letter.delivery.id
        self._sending[own] = asyncio.create_task(self._send(letter))

    async def _send(self, letter: _Letter) -> None:
        try:
            if letter.trouble is not None:
                await self._put_off(letter.delivery, letter.trouble)
                return
            attempt = _NOT_BUILT
            if letter.body is not None:
                attempt = await self._post.post(letter.endpoint, letter.delivery.id, letter.body)
            self._heed(letter.endpoint, attempt)
            await self._settle(letter.delivery, attempt)
        except Exception as error:
            # The delivery is still pending, so the same message goes out again, after a while.
            code = error.problem.code if isinstance(error, ProblemError) else type(error).__name__
            _log.error("%s could not be settled (%s)", letter.delivery.id, code)
            await asyncio.sleep(TROUBLE)
        finally:
            del self._sending[letter.delivery.id]
            self._busy[letter.endpoint.place] -= 1
            self.look()

    async def _put_off(self, delivery: Delivery, trouble: ProblemError) -> None:
        """Have a message wait for its keys, and then behind all that is due by now: whatever is
        never to be had must not keep from going what needs it not."""
        _log.error("%s could not be built (%s)", delivery.id, trouble.problem.code)
        await asyncio.sleep(TROUBLE)

        def unit(tx: Tx) -> None:
            told = replace(delivery, next_at=tx.now, updated_at=tx.now)
            tx.change_delivery(delivery, told)

        await self._journal.write(unit)

    def _heed(self, endpoint: Endpoint, attempt: Attempt) -> None:
        """Do for the whole endpoint what its answer asks: leave it alone, or for a while."""
        if attempt.gone:
            self._roster.retire(endpoint)
            _log.error("webhook endpoint %s answered 410: off until the next start", endpoint.id)
        elif attempt.retry_after:
            until = after(stamp(self._clock.now()), attempt.retry_after)
            self._held[endpoint.place] = max(until, self._held.get(endpoint.place, ""))

    async def _settle(self, delivery: Delivery, attempt: Attempt) -> None:
        def unit(tx: Tx) -> Delivery | None:
            told = self._schedule.settle(delivery, attempt, tx.now)
            if not tx.change_delivery(delivery, told):
                return None
            if told.status is DeliveryStatus.DEAD:
                tx.append(dead_letter(told))
            return told

        told = await self._journal.write(unit)
        if told is None:  # it was replayed, or settled by a second leader
            return
        is_settled = told.status is not DeliveryStatus.PENDING
        metrics.webhook_attempts.add(told.status.value if is_settled else "retryable")
        if told.status is DeliveryStatus.DEAD:
            _log.error("%s to %s is dead: %s", told.id, told.endpoint, told.last_error)
        self._settled()


def _room(own: int, every: int) -> int:
    """How many messages more an endpoint may have on their way, beside ``own`` that it has among
    ``every`` that is."""
    if not own and SHARED <= every < IN_ALL:
        return 1
    return max(min(PER_ENDPOINT - own, SHARED - every), 0)
