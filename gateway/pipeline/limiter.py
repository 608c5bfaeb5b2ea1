"""Rate limits of contracts: at most ``rpm`` calls a minute for each user, workspace, or in all.

The algorithm is GCRA (generic cell rate algorithm, as in ATM Forum TM 4.0): one number for each
holder, no timer, and an even refill instead of windows that reset.
"""

import math
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock

from gateway.model.contract import OperationContract
from gateway.model.ports import Clock, Tx
from gateway.model.principal import Principal
from gateway.model.problem import refuse
from gateway.model.rate import Budget, Holder, RateLimits, budget_of
from gateway.telemetry import metrics

_MINUTE = 60.0
_ROUNDING = 1e-6
"""Seconds that are no wait: moments since 1970 are floats that are no more exact than this."""


@dataclass(frozen=True, slots=True)
class RateLimiter:
    """Holds calls to the limits of their contracts; ``limits`` counts them."""

    limits: RateLimits

    async def take(self, contract: OperationContract, principal: Principal) -> None:
        """Count a call that comes through a door.

        Raises:
            ProblemError: RATE_LIMITED with ``retryAfter`` in seconds; SERVICE_UNAVAILABLE.
        """
        budget = budget_of(contract, principal)
        if budget is not None:
            _require_no_wait(contract, budget, await self.limits.take(budget))

    def take_within(self, tx: Tx, contract: OperationContract, principal: Principal) -> None:
        """Count a call that the unit of work ``tx`` makes.

        Raises:
            ProblemError: RATE_LIMITED with ``retryAfter`` in seconds; SERVICE_UNAVAILABLE.
        """
        budget = budget_of(contract, principal)
        if budget is not None:
            _require_no_wait(contract, budget, self.limits.take_within(tx, budget))


def _require_no_wait(contract: OperationContract, budget: Budget, wait: float) -> None:
    if wait <= 0:
        return
    metrics.rate_limited.add(contract.ref)
    enough = math.ceil(wait * 10) / 10  # rounded up: whoever waits for it is not refused again
    raise refuse(
        "RATE_LIMITED",
        f"{contract.key} may be called {budget.rpm} times a minute {_BY[budget.holder.key]}. Try "
        f"again in {enough:g} s.",
        retry_after=enough,
    )


_BY = {"user": "by each user", "org": "in each workspace", "global": "in all"}


class ProcessRateLimits:
    """The limits of one process, in its memory.

    It remembers who called within the last minute, and at most ``most`` holders: then those whose
    last call is the longest ago. Thread-safe.
    """

    def __init__(self, clock: Clock, most: int = 100_000) -> None:
        self._clock = clock
        self._most = most
        self._due: OrderedDict[Holder, float] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        """How many holders are remembered."""
        return len(self._due)

    def close(self) -> None:
        """Forget them."""
        self._due.clear()

    async def take(self, budget: Budget) -> float:
        """Count a call; see ``RateLimits``."""
        return self._take(budget)

    def take_within(self, tx: Tx, budget: Budget) -> float:
        """Count a call of a unit of work; see ``RateLimits``."""
        return self._take(budget)

    def _take(self, budget: Budget) -> float:
        now = self._clock.now().timestamp()
        interval = _MINUTE / budget.rpm
        with self._lock:
            known = self._due.get(budget.holder, now)
            # A spent budget is due in a minute; what is due later was written before the clock
            # went back.
            due = min(max(known, now), now + _MINUTE)
            wait = due - now - (_MINUTE - interval)
            if wait > _ROUNDING:
                self._due[budget.holder] = due
                return wait
            self._due[budget.holder] = due + interval
            self._due.move_to_end(budget.holder)
            self._forget(now)
        return 0.0

    def _forget(self, now: float) -> None:
        """Drop those whose budget is full again, from the longest silent on, and any too many."""
        while len(self._due) > self._most or next(iter(self._due.values())) <= now:
            self._due.popitem(last=False)
