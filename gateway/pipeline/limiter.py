"""Rate limits of contracts: at most ``rpm`` calls a minute for each key.

The algorithm is GCRA (generic cell rate algorithm, as in ATM Forum TM 4.0): one number a key, no
timer, and an even refill instead of windows that reset.
"""

from collections import OrderedDict
from threading import Lock

from gateway.model.contract import OperationContract, RateKey
from gateway.model.ports import Clock
from gateway.model.principal import Principal
from gateway.model.problem import refuse

_MAX_KEYS = 100_000


class RateLimiter:
    """Limits within this process; the most recently used 100,000 keys are remembered."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._arrivals: OrderedDict[tuple[str, ...], float] = OrderedDict()
        self._lock = Lock()

    def take(self, contract: OperationContract, principal: Principal) -> None:
        """Count one call.

        Raises:
            ProblemError: RATE_LIMITED with ``retryAfter`` in seconds.
        """
        limit = contract.policy.rate_limit
        if limit is None:
            return
        wait = self._wait(_key(contract, principal, limit.key), limit.rpm)
        if wait > 0:
            raise refuse(
                "RATE_LIMITED",
                f"{contract.key} may be called {limit.rpm} times a minute for each "
                f"{limit.key.value}. Try again in {wait:.1f} s.",
                retry_after=round(wait, 1),
            )

    def _wait(self, key: tuple[str, ...], rpm: int) -> float:
        """Seconds until this key may call again; 0 counts the call."""
        now = self._clock.now().timestamp()
        interval = 60.0 / rpm
        with self._lock:
            due = max(self._arrivals.get(key, now), now)
            wait = due - now - (60.0 - interval)
            if wait > 1e-9:
                return wait
            self._arrivals[key] = due + interval
            self._arrivals.move_to_end(key)
            if len(self._arrivals) > _MAX_KEYS:
                self._arrivals.popitem(last=False)
        return 0.0


def _key(contract: OperationContract, principal: Principal, key: RateKey) -> tuple[str, ...]:
    if key is RateKey.GLOBAL:
        return (contract.ref,)
    if key is RateKey.ORG:
        return (contract.ref, principal.workspace)
    return (contract.ref, principal.workspace, principal.subject)
