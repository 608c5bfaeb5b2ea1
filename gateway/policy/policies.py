"""Policies: the decision point of this process, over whichever revision is in force."""

import time
from collections import deque
from collections.abc import Awaitable, Callable
from threading import Lock
from typing import Protocol

from gateway.contracts import Registry
from gateway.model.contract import OperationContract
from gateway.model.decision import AccessDecision, Treatment, VerdictDecision
from gateway.model.elapsed import elapsed
from gateway.model.json import JsonObject
from gateway.model.pii import PiiClasses
from gateway.model.principal import Principal
from gateway.model.problem import refuse
from gateway.policy.revision import PolicyRevision
from gateway.telemetry import metrics

CERTAINTY = 1.0
"""Seconds for which it is known which revision is in force, once the record said so."""

_TIMED = 1024
"""Of how many access decisions, the last ones, it is kept how long they took."""


class Witness(Protocol):
    """Is told of every decision, after it was made; must neither raise nor take long."""

    def saw_access(
        self, principal: Principal, contract: OperationContract, decided: AccessDecision
    ) -> None:
        """An access decision."""
        ...

    def saw_verdict(
        self,
        principal: Principal,
        contract: OperationContract,
        arguments: JsonObject,
        unknown: frozenset[str],
        decided: VerdictDecision,
    ) -> None:
        """A verdict."""
        ...


class Policies:
    """Decides under ``current``, which another revision may replace at any time.

    A reader who needs several decisions of one revision takes ``current`` once. Thread-safe.
    ``witness`` is told of every access decision and verdict; ``timings`` are the seconds that the
    last access decisions took.

    Where somebody watches the record for it (``watched_by``), decisions are only sure for
    ``CERTAINTY`` seconds after the record named this revision as the one in force; who cannot
    look it up in his own transaction asks ``settle`` first.
    """

    def __init__(self, current: PolicyRevision) -> None:
        self.current = current
        self.witness: Witness | None = None
        self.timings: deque[float] = deque(maxlen=_TIMED)
        self._refresh: Callable[[], Awaitable[None]] | None = None
        self._sure_until = 0.0
        self._doubted_at = 0.0
        self._lock = Lock()

    @property
    def revision(self) -> str:
        """The revision that decides now."""
        return self.current.revision

    @property
    def registry(self) -> Registry:
        """The contracts that the rules speak of."""
        return self.current.registry

    def adopt(self, revision: PolicyRevision) -> None:
        """Decide under another revision from now on."""
        self.current = revision

    def watched_by(self, refresh: Callable[[], Awaitable[None]]) -> None:
        """Be sure of the revision no longer than the record says so; ``refresh`` reads it, adopts
        what is in force, and calls ``observe``. It raises nothing."""
        self._refresh = refresh

    def observe(self, head: str | None, at: float | None = None) -> bool:
        """The record names ``head`` as the revision in force; True if that is the one that decides
        here. ``at`` is when it said so, by ``elapsed``: at this moment, if not given. What
        it said before it named another one makes nothing sure any more."""
        same = head == self.current.revision
        seen = elapsed() if at is None else at
        with self._lock:  # the loop and the record's writer see it, each at its own moment
            if not same:
                self._sure_until, self._doubted_at = 0.0, max(seen, self._doubted_at)
            elif not self.is_doubted_since(seen):
                self._sure_until = seen + CERTAINTY
        return same

    def is_doubted_since(self, at: float) -> bool:
        """True if the record named another revision than the one that decided here at ``at``, by
        ``elapsed``, or later."""
        return at <= self._doubted_at

    @property
    def is_sure(self) -> bool:
        """True while it is sure that the revision in force decides here, without a look."""
        return self._refresh is None or elapsed() < self._sure_until

    async def settle(self) -> None:
        """Return once it is sure that the revision in force decides here.

        Raises:
            ProblemError: SERVICE_UNAVAILABLE if that cannot be told, so that nothing is decided.
        """
        if self._refresh is None or self.is_sure:
            return
        await self._refresh()
        if not self.is_sure:
            raise refuse(
                "SERVICE_UNAVAILABLE",
                "This gateway cannot tell which policy is in force, so it decides nothing. Try "
                "again; if it stays so, look at its log and at /readyz.",
                retry_after=CERTAINTY,
            )

    def roles(self, principal: Principal) -> frozenset[str]:
        """The effective roles: claims and assignments in the principal's workspace, closed."""
        return self.current.roles(principal)

    def holds(self, principal: Principal, role: str) -> bool:
        """True if ``role`` is among the principal's effective roles."""
        return self.current.holds(principal, role)

    def access(self, principal: Principal, contract: OperationContract) -> AccessDecision:
        """Whether the principal may call the contract: through a door or as a step of a plan."""
        began = time.perf_counter()
        decided = self.current.access(principal, contract)
        self.timings.append(time.perf_counter() - began)
        metrics.decided("access", "allow" if decided.allowed else "deny", began)
        if (witness := self.witness) is not None:
            witness.saw_access(principal, contract, decided)
        return decided

    def verdict(
        self,
        principal: Principal,
        contract: OperationContract,
        arguments: JsonObject,
        unknown: frozenset[str] = frozenset(),
    ) -> VerdictDecision:
        """How the call may run; see ``PolicyRevision.verdict``."""
        began = time.perf_counter()
        decided = self.current.verdict(principal, contract, arguments, unknown)
        metrics.decided("verdict", decided.verdict.value, began)
        if (witness := self.witness) is not None:
            witness.saw_verdict(principal, contract, arguments, unknown, decided)
        return decided

    def treatment(
        self,
        principal: Principal,
        contract_ref: str,
        field: str,
        classes: PiiClasses | None = None,
    ) -> Treatment:
        """What the principal sees of a PII field; see ``PolicyRevision.treatment``."""
        return self.current.treatment(principal, contract_ref, field, classes)
