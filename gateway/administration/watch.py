"""Watching the record for the policy in force, which another process may change.

The record is the truth: this process decides under the revision that it names, or not at all. It is
looked at several times a second, and at once where somebody doubts; a revision that was activated
elsewhere is built away from the event loop and then adopted. What cannot be read or built is logged
once, and looked at again until it can.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from gateway.administration.activation import InForce, newest_activation
from gateway.administration.checks import STORED
from gateway.model.elapsed import elapsed
from gateway.model.ports import Journal, Records
from gateway.model.problem import ProblemError
from gateway.model.tasks import cancelled
from gateway.policy import PolicyRevision, apply_edits
from gateway.policy.contents.content import Edited
from gateway.policy.contents.history import content_of
from gateway.policy.loader import derive_revision

INTERVAL = 0.25
"""Seconds between two looks at the record."""

PATIENCE = 5.0
"""Seconds that a decision waits for the revision in force to be read and built."""

AGAIN = 2.0
"""Seconds after which building a revision that could not be built is tried again."""

_UNFORESEEN = "INTERNAL_ERROR"

_BEHIND = "PRECONDITION_FAILED"
"""The record has lost the activation that is followed: it was restored, or what is read is a copy
that lags. Nothing is sure until it has caught up, or this process starts anew."""

_log = logging.getLogger(__name__)


class PolicyWatch:
    """Keeps the policies of this process those that the record names.

    After each change ``recheck`` has subscriptions decided again, and ``wake_runs`` has every run
    that waits looked at again.
    """

    def __init__(
        self,
        journal: Journal,
        in_force: InForce,
        wake_runs: Callable[[], Awaitable[None]],
        recheck: Callable[[], None],
    ) -> None:
        self.trouble: str | None = None
        self._journal = journal
        self._in_force = in_force
        self._policies = in_force.policies
        self._wake_runs = wake_runs
        self._recheck = recheck
        in_force.changed = self._changed
        self._runs_wait = False
        self._look: asyncio.Task[None] | None = None
        self._loop: asyncio.Task[None] | None = None
        self._nudged = asyncio.Event()
        self._unusable: tuple[str, float] | None = None

    async def start(self) -> None:
        """Look once, then keep looking; from now on decisions rest on what is seen."""
        await self.refresh()
        self._policies.watched_by(self.refresh)
        self._loop = asyncio.create_task(self._keep_looking(), name="policy-watch")

    async def stop(self) -> None:
        """Look no more. Decisions are then sure for a moment only."""
        await cancelled(self._loop, self._look)

    async def refresh(self) -> None:
        """Look at the record now, or wait for the look under way; at most ``PATIENCE`` seconds."""
        if self._look is None or self._look.done():
            self._look = asyncio.create_task(self._look_once(), name="policy-look")
        await asyncio.wait({self._look}, timeout=PATIENCE)

    def _changed(self) -> None:
        """Another revision decides: what waited for people or for policy is looked at again."""
        self._runs_wait = True
        self._nudged.set()
        self._recheck()

    async def _keep_looking(self) -> None:
        while True:
            await self.refresh()
            if self._runs_wait:
                await self._wake()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(INTERVAL):
                    await self._nudged.wait()
            self._nudged.clear()

    async def _wake(self) -> None:
        self._runs_wait = False
        try:
            await self._wake_runs()
        except ProblemError as error:
            self._runs_wait = True
            _log.warning("runs that wait could not be woken (%s)", error.problem.code)
        except Exception:  # whatever it was, the watch goes on
            self._runs_wait = True
            _log.exception("runs that wait could not be woken")

    async def _look_once(self) -> None:
        try:
            self._tell(await self._follow())
        except ProblemError as error:
            self._tell(error.problem.code)
        except Exception:
            if self.trouble != _UNFORESEEN:  # several looks a second would say it again
                _log.exception("the policy in force cannot be followed")
            self._tell(_UNFORESEEN)

    def _tell(self, trouble: str | None) -> None:
        """Log what is wrong when it begins, and that it is over when it ends."""
        if trouble != self.trouble:
            if trouble is not None:
                _log.error("the policy in force cannot be followed: %s", trouble)
            else:
                _log.info("the policy in force decides here again: %s", self._policies.revision)
        self.trouble = trouble

    async def _follow(self) -> str | None:
        """Adopt what the record names; returns what is in the way of that."""
        while True:
            at = elapsed()
            head, number = await self._journal.read(_newest)
            if head is None:
                return None
            if number < self._in_force.number:
                return _BEHIND
            if head == self._policies.revision:
                self._in_force.confirm(number, at)
                if self._policies.is_doubted_since(at):  # what was read is older than the doubt
                    continue
                return None
            self._policies.observe(head, at)
            if self._is_unusable(head):
                return self.trouble
            revision = await self._build(head)
            at = elapsed()
            head, number = await self._journal.read(_newest)
            if head == revision.revision:
                self._in_force.adopt(revision, number, at)

    def _is_unusable(self, head: str) -> bool:
        if self._unusable is None:
            return False
        revision, until = self._unusable
        return revision == head and elapsed() < until

    async def _build(self, head: str) -> PolicyRevision:
        """Build a revision, or remember for a while that it cannot be."""
        try:
            current = self._policies.current
            edited = await self._journal.read(lambda records: _edited(records, head, current))
            built = await asyncio.to_thread(derive_revision, current, edited, STORED)
        except ProblemError:
            self._unusable = (head, elapsed() + AGAIN)
            raise
        self._unusable = None
        return built


def _newest(records: Records) -> tuple[str | None, int]:
    """The revision in force, and the number of the activation that made it so."""
    activation = newest_activation(records)
    return records.policy_head(), activation.number if activation else 0


def _edited(records: Records, head: str, current: PolicyRevision) -> Edited:
    """The content of ``head``: as edits to the current one where it follows that."""
    recorded = records.policy_revision(head)
    if recorded is not None and recorded.parent == current.revision:
        edited = apply_edits(current.content, recorded.edits)
        if edited.content.revision == head:
            return edited
    return Edited(content_of(records, head), None)
