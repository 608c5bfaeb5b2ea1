"""The feed: events from the record, as they become durable, to whoever may have them.

A subscription is a place in the record and nothing else, so that a consumer who is slow costs
nothing, and one who comes back with a cursor goes on where he left, after a restart as well.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable

from gateway.contracts import Registry
from gateway.events.follower import PAGE, Follower
from gateway.events.pages import Page, read_page
from gateway.events.rights import Right, Rights
from gateway.events.selection import (
    Selection,
    check_filter,
    require_execution_kept,
    require_kept,
    select,
    start_of,
)
from gateway.events.shown import StreamShown
from gateway.events.view import as_seen
from gateway.model.event import Announcement, Cursor, EventFilter
from gateway.model.json import JsonObject
from gateway.model.ports import Journal, Records, Sealer
from gateway.model.principal import Principal
from gateway.model.problem import ProblemError, refuse
from gateway.pipeline import CallRecorder
from gateway.policy import Policies

GRACE = 2.0
"""Seconds in which the record and this process must come to name the same policy revision."""


class EventFeed:
    """Gives out events. ``policies`` gives those that this process decides by at the moment."""

    def __init__(
        self,
        journal: Journal,
        registry: Registry,
        policies: Callable[[], Policies],
        sealer: Sealer,
        recorder: CallRecorder,
    ) -> None:
        self.journal = journal
        self.registry = registry
        self.policies = policies
        self.sealer = sealer
        self.recorder = recorder
        self.rights = Rights(registry, recorder)
        self.follower = Follower(journal)

    def subscribe(
        self, principal: Principal, which: EventFilter, after: str | None
    ) -> "Subscription":
        """The events behind ``after`` that the principal may have, or those from now on.

        Nothing happens before the subscription is started or first asked for an event. Every
        event is given once, in the order of the record, with PII as policy shows it.
        """
        return Subscription(self, principal, which, after)

    def recheck(self) -> None:
        """Have every subscription decided again under the policies of the moment.

        To be called once ``policies`` gives others, right before or after their revision is put
        in force.
        """
        self.follower.wake()

    def close(self) -> None:
        """End all subscriptions with SERVICE_UNAVAILABLE, now, and start no more."""
        self.follower.close()


class Subscription(AsyncIterator[JsonObject]):
    """One subscriber's events; ``aclose`` it when it is not needed any more.

    An ``__anext__`` that is cancelled loses nothing: the next one gives the same event. It raises
    ProblemError when the subscription is over: FORBIDDEN when access is lost, PRECONDITION_FAILED
    when a policy is in force that this process has not got, GONE when what comes next was archived,
    SERVICE_UNAVAILABLE when the gateway stops or cannot read its record.
    """

    def __init__(
        self, feed: EventFeed, principal: Principal, which: EventFilter, after: str | None
    ) -> None:
        self._feed = feed
        self._principal = principal
        self._which = which
        self._after = after
        self._right: Right | None = None
        self._selection: Selection | None = None
        self._place = self._page_end = Cursor(0)
        self._page: deque[Announcement] = deque()
        self._over = False
        self._shown = StreamShown(feed.recorder)

    async def start(self) -> None:
        """Decide whether it may begin, and where; record the decision. Does so only once.

        Raises:
            ProblemError: UNAUTHENTICATED, FORBIDDEN, NOT_FOUND for what is not there for the
                principal, VALIDATION_FAILED for a malformed filter or cursor, and what ends any
                subscription.
        """
        if self._selection is not None:
            return
        feed = self._feed
        feed.follower.require_open()
        policies = await self._current_policies()
        right = await feed.rights.decide(policies, self._principal, self._which, self._after)
        check_filter(feed.registry, self._principal.workspace, self._which, self._after)
        selection, place, end = await feed.journal.read(
            lambda records: self._begin(records, own=right.own)
        )
        await feed.recorder.queue(feed.recorder.answered(right.record()))
        self._right, self._selection, self._place = right, selection, place
        feed.follower.require_open()
        feed.follower.join(self, end)

    def _begin(self, records: Records, *, own: bool) -> tuple[Selection, Cursor, Cursor]:
        """What is selected, the place to begin at, and where the record ends."""
        selection = select(records, self._principal, self._which, own=own)
        end = Cursor(records.last_position())
        if self._after is None:
            return selection, end, end
        return selection, start_of(records, self._after, selection.execution_id), end

    def __aiter__(self) -> "Subscription":
        return self

    async def __anext__(self) -> JsonObject:
        if self._over:
            raise StopAsyncIteration
        try:
            await self.start()
            return await self._give()
        except ProblemError:
            await self.aclose()
            raise

    async def aclose(self) -> None:
        """End the subscription. Cancel an ``__anext__`` that waits before."""
        self._over = True
        self._page.clear()
        self._feed.follower.leave(self)
        await self._shown.end()

    async def _give(self) -> JsonObject:
        follower = self._feed.follower
        while True:
            follower.require_open()
            policies = await self._confirmed()
            event = self._next()
            if event is not None:
                return self._shown_as(event, policies)
            if self._place < follower.ring.floor:
                await self._read()
            else:
                await follower.wait(self._place)

    def _shown_as(self, event: Announcement, policies: Policies) -> JsonObject:
        feed = self._feed
        parts = (policies, feed.registry, feed.sealer, self._shown.now)
        seen = as_seen(event, self._principal, *parts)
        self._shown.given(self._given_right.record())
        return seen

    def _next(self) -> Announcement | None:
        """The next event at hand; the place moves behind it, or behind what is not selected."""
        if self._page:
            event = self._page.popleft()
            self._place = event.place if self._page else self._page_end
            return event
        ring = self._feed.follower.ring
        if self._place < ring.floor:
            return None
        found = ring.first(self._place, self._selected)
        self._place = found.place if found else max(self._place, ring.end)
        return found

    async def _read(self) -> None:
        """Read a page of what the others are ahead; it is held until it is given."""
        place, selection = self._place, self._selected

        def query(records: Records) -> Page:
            # What comes next may have been archived since the start.
            if selection.execution_id is None:
                require_kept(records, place)
            else:
                require_execution_kept(records, selection.workspace, selection.execution_id)
            return read_page(records, place, PAGE, selection.execution_id)

        page = await self._feed.journal.read(query)
        self._feed.follower.revision = page.revision
        self._page = deque(filter(selection.takes, page.found))
        self._page_end = page.end
        if not self._page:
            self._place = page.end

    async def _confirmed(self) -> Policies:
        """The policies of the moment, under which the right to go on is decided."""
        policies, right = self._feed.policies(), self._given_right
        await policies.settle()
        if right.revision == policies.revision == self._feed.follower.revision:
            return policies
        policies = await self._current_policies()
        if right.revision != policies.revision:
            self._right = await self._feed.rights.confirm(policies, right)
        return policies

    async def _current_policies(self) -> Policies:
        """The policies that this process decides by, once they are those in force.

        Where they change while the gateway runs, the record and this process know it one after
        the other; nothing is given in between.

        Raises:
            ProblemError: PRECONDITION_FAILED if they are still others after ``GRACE``.
        """
        feed, clock = self._feed, asyncio.get_running_loop()
        await feed.policies().settle()
        until = clock.time() + GRACE
        while True:
            head = await feed.journal.read(lambda records: records.policy_head())
            policies = feed.policies()
            if head == policies.revision:
                feed.follower.revision = head
                return policies
            left = until - clock.time()
            if left <= 0:
                raise refuse(
                    "PRECONDITION_FAILED",
                    "The policy changed, and this gateway does not decide by it. Subscribe again "
                    "with the cursor of the last event.",
                )
            await feed.follower.pause(left)

    @property
    def _selected(self) -> Selection:
        if self._selection is None:
            raise AssertionError("a subscription selects nothing before its start")
        return self._selection

    @property
    def _given_right(self) -> Right:
        if self._right is None:
            raise AssertionError("a subscription has no right before its start")
        return self._right
