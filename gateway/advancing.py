"""Advancing: which dispatcher a process has, by its settings and its role."""

import contextlib
from enum import Enum

from gateway.dispatch import (
    ALONE,
    ElsewhereDispatcher,
    EmbeddedDispatcher,
    Limits,
    among_others,
)
from gateway.journal import SqliteJournal
from gateway.model.ports import Dispatcher
from gateway.model.problem import Problem, ProblemError
from gateway.runtime import Loop
from gateway.settings import Settings

_AHEAD = 64
_WORKERS = ("procrastinate", "temporal")


class Role(Enum):
    """What a process is there for."""

    GATEWAY = "gateway"
    WORKER = "worker"


class Advancing:
    """The dispatcher of this process, and what brings it word of runs."""

    def __init__(self, settings: Settings, journal: SqliteJournal, role: Role) -> None:
        if role is Role.WORKER and settings.dispatch not in _WORKERS:
            raise _no_workers()
        self._settings = settings
        self._here: EmbeddedDispatcher | None = None
        self._elsewhere: ElsewhereDispatcher | None = None
        if role is Role.WORKER or settings.dispatch == "embedded":
            self._here = _embedded(settings, journal)
        else:
            self._elsewhere = ElsewhereDispatcher(journal, journal.clock, settings.lease)

    @property
    def dispatcher(self) -> Dispatcher:
        """What the loop tells of runs."""
        dispatcher = self._here or self._elsewhere
        if dispatcher is None:
            raise AssertionError("a process has a dispatcher")
        return dispatcher

    async def start(self, loop: Loop, stack: contextlib.AsyncExitStack) -> None:
        """Begin to advance runs, or to have them advanced, until ``stack`` is closed."""
        if self._elsewhere is not None:
            self._elsewhere.start()
            stack.push_async_callback(self._elsewhere.stop)
        if self._here is not None:
            await self._advance_here(self._here, loop, stack)

    async def _advance_here(
        self, here: EmbeddedDispatcher, loop: Loop, stack: contextlib.AsyncExitStack
    ) -> None:
        """Advance runs; when it ends, they are given back to whoever comes next."""
        loop.runner.keeper.start()
        stack.push_async_callback(loop.runner.keeper.stop)
        here.start(loop.runner.advance)
        stack.push_async_callback(here.stop, self._settings.drain)
        stack.callback(loop.runner.leave)


def _embedded(settings: Settings, journal: SqliteJournal) -> EmbeddedDispatcher:
    """A dispatcher that advances runs here, beside others where the database is a server."""
    is_alone = settings.dispatch == "embedded" and not settings.is_on_postgres
    waiting = {} if is_alone else {"ahead": min(_AHEAD, settings.max_runs)}
    limits = Limits(settings.max_runs, settings.max_runs_per_workspace, **waiting)
    pace = ALONE if is_alone else among_others(settings.lease)
    return EmbeddedDispatcher(journal, journal.clock, limits=limits, pace=pace, is_alone=is_alone)


def _no_workers() -> ProblemError:
    return ProblemError(
        Problem(
            "SETTINGS_INVALID",
            "The settings are not valid",
            500,
            "GATEWAY_DISPATCH is embedded: every gateway advances runs itself, and workers have "
            "nothing to do. Set it to procrastinate or temporal, for the gateways as well.",
            "validation",
        )
    )
