"""Advancing: which dispatcher a process has, by its settings and its role."""

import contextlib
from collections.abc import Awaitable, Callable
from enum import Enum
from importlib import import_module
from types import ModuleType
from typing import Protocol

from gateway.dispatch import (
    ALONE,
    Backlog,
    ElsewhereDispatcher,
    EmbeddedDispatcher,
    Limits,
    among_others,
)
from gateway.journal import DurableJournal
from gateway.loading import Loaded
from gateway.model.ports import Clock, Dispatcher, Sealer
from gateway.model.problem import Problem, ProblemError
from gateway.model.record_clock import keep_right, shared_clock
from gateway.model.system import RandomIds
from gateway.pipeline import RateLimiter
from gateway.policy import Policies
from gateway.runtime import Loop, Parts, build_loop
from gateway.settings import Settings

_AHEAD = 64
_EMBEDDED, _PROCRASTINATE, _TEMPORAL = "embedded", "procrastinate", "temporal"


def reminders(settings: Settings) -> tuple[str, ...]:
    """The statements by which an engine learns of runs with the commit that wakes them."""
    if settings.dispatch != _PROCRASTINATE:
        return ()
    from gateway.dispatch.procrastinate import REMINDER  # which takes long to import

    return (REMINDER,)


class Role(Enum):
    """What a process is there for."""

    GATEWAY = "gateway"
    WORKER = "worker"


def require_role(settings: Settings, role: Role) -> None:
    """Refuse a worker that would have nothing to do.

    Raises:
        ProblemError: SETTINGS_INVALID.
    """
    if role is Role.WORKER and settings.dispatch == _EMBEDDED:
        raise _invalid(
            "GATEWAY_DISPATCH is embedded: every gateway advances runs itself, and a worker has "
            "nothing to do. Set it to procrastinate or temporal, for the gateways as well."
        )


class _Feed(Protocol):
    """What brings a worker word of runs."""

    def start(self) -> None: ...

    async def stop(self) -> None: ...


class Advancing:
    """The dispatcher of this process, and what brings it word of runs.

    Raises:
        ProblemError: SETTINGS_INVALID for Temporal without its library.
    """

    def __init__(self, settings: Settings, journal: DurableJournal, role: Role) -> None:
        is_here = role is Role.WORKER or settings.dispatch == _EMBEDDED
        self._settings = settings
        self._journal = journal
        self._clock = shared_clock(journal, journal.clock, is_shared=bool(settings.postgres_url))
        self._dispatcher: EmbeddedDispatcher | ElsewhereDispatcher
        self._feed: _Feed | None = None
        self._signals: Callable[[contextlib.AsyncExitStack], Awaitable[None]] | None = None
        self._alone: EmbeddedDispatcher | None = None
        self._backlog: Backlog | None = None
        if is_here:
            here = self._dispatcher = _embedded(settings, journal, self._clock)
            self._feed = _feed(settings, journal, self._clock, here)
            self._alone = here if _is_alone(settings) else None
            journal.on_woken = here.pool.wake
            if not _is_alone(settings):
                # So what is too much stays in the record, where the gateways count it.
                here.pool.is_late = lambda: journal.delay() > settings.max_delay
        else:
            self._dispatcher = self._elsewhere(journal)
        if self._alone is None:
            self._backlog = Backlog(journal, self._clock, settings.max_waiting_runs + 1)

    @property
    def dispatcher(self) -> Dispatcher:
        """What the loop tells of runs."""
        return self._dispatcher

    def loop(
        self,
        loaded: Loaded,
        policies: Policies,
        sealer: Sealer,
        limiter: RateLimiter,
        restored: int | None,
    ) -> Loop:
        """The governed loop of this process; ``restored`` is as for ``Parts``."""
        settings, ids = self._settings, RandomIds()
        inner = (loaded.registry, policies, sealer, self._journal, self.dispatcher)
        return build_loop(
            Parts(*inner, loaded.actions, limiter, ids, loaded.clock, restored),
            owner=ids.new("proc"),
            lease=settings.lease,
            slots=settings.max_in_flight_steps,
            cap=settings.max_runs_per_workspace,
        )

    def waiting(self) -> int:
        """How many runs are due and wait for others before they are advanced."""
        if self._backlog is not None:
            return self._backlog.count
        return self._alone.waiting() if self._alone is not None else 0

    async def start(self, loop: Loop, stack: contextlib.AsyncExitStack) -> None:
        """Begin to advance runs, or to have them advanced, until ``stack`` is closed."""
        await keep_right(self._clock)
        if self._backlog is not None:
            self._backlog.start()
            stack.push_async_callback(self._backlog.stop)
        if isinstance(self._dispatcher, ElsewhereDispatcher):
            if self._signals is not None:
                await self._signals(stack)
            self._dispatcher.start()
            stack.push_async_callback(self._dispatcher.stop)
        else:
            self._advance_here(self._dispatcher, loop, stack)

    def _advance_here(
        self, here: EmbeddedDispatcher, loop: Loop, stack: contextlib.AsyncExitStack
    ) -> None:
        """Advance runs. When that ends, no more are taken, and what is under way may end; then
        whatever is still held is given back."""
        loop.runner.keeper.start()
        stack.push_async_callback(loop.runner.keeper.stop)
        here.start(loop.runner.advance)
        stack.push_async_callback(here.stop, self._settings.drain)
        if self._feed is not None:
            self._feed.start()
            stack.push_async_callback(self._feed.stop)
        stack.callback(loop.runner.leave)
        stack.callback(here.leave)

    def _elsewhere(self, journal: DurableJournal) -> ElsewhereDispatcher:
        settings = self._settings
        if settings.dispatch != _TEMPORAL:
            return ElsewhereDispatcher(journal, self._clock, settings.lease)
        signals = _temporal().TemporalSignals(
            settings.temporal_address, settings.temporal_namespace, settings.lease
        )

        async def signalling(stack: contextlib.AsyncExitStack) -> None:
            await signals.start()
            stack.push_async_callback(signals.stop)

        self._signals = signalling
        return ElsewhereDispatcher(journal, self._clock, settings.lease, signals.submit)


def _is_alone(settings: Settings) -> bool:
    """True if no other process can advance runs of this record."""
    return settings.dispatch == _EMBEDDED and not settings.postgres_url


def _embedded(settings: Settings, journal: DurableJournal, clock: Clock) -> EmbeddedDispatcher:
    """A dispatcher that advances runs here, beside others where the database is a server."""
    limits = Limits(settings.max_runs, settings.max_runs_per_workspace)
    if _is_alone(settings):
        return EmbeddedDispatcher(journal, clock, limits=limits, pace=ALONE)
    ahead = min(_AHEAD, settings.max_runs)
    limits = Limits(limits.max_runs, limits.per_workspace, ahead)
    pace = among_others(settings.lease)
    return EmbeddedDispatcher(journal, clock, limits=limits, pace=pace, is_alone=False)


def _feed(
    settings: Settings, journal: DurableJournal, clock: Clock, here: EmbeddedDispatcher
) -> _Feed | None:
    if settings.dispatch == _PROCRASTINATE:
        from gateway.dispatch.procrastinate import ProcrastinateFeed

        return ProcrastinateFeed(settings.postgres_url or "", here)
    if settings.dispatch == _TEMPORAL:
        at_most = settings.max_runs + _AHEAD
        where = (settings.temporal_address, settings.temporal_namespace)
        feed: _Feed = _temporal().TemporalFeed(*where, here, journal, clock, at_most)
        return feed
    return None


def _temporal() -> ModuleType:
    try:
        return import_module("gateway.dispatch.temporal")
    except ModuleNotFoundError as error:
        raise _invalid(
            "GATEWAY_DISPATCH is temporal, and Temporal's library is not installed. Install the "
            "gateway with the extra temporal: pip install 'gateway[temporal]'."
        ) from error


def _invalid(told: str) -> ProblemError:
    return ProblemError(
        Problem("SETTINGS_INVALID", "The settings are not valid", 500, told, "validation")
    )
