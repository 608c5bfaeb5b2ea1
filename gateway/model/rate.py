"""Rate limits: what is counted together, and the port through which calls are counted."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from gateway.model.contract import OperationContract, RateKey
from gateway.model.principal import Principal

if TYPE_CHECKING:
    from gateway.model.ports import Tx


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose calls of ``contract`` (``key@version``) are counted together.

    ``workspace`` and ``subject`` are empty where ``key`` does not ask for them. A subject is one
    holder, whatever the type of its token, as for approvals and idempotency keys: who could come as
    another type would have a budget more.
    """

    contract: str
    key: RateKey
    workspace: str = ""
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Budget:
    """At most ``rpm`` calls a minute for ``holder``."""

    holder: Holder
    rpm: int


def budget_of(contract: OperationContract, principal: Principal) -> Budget | None:
    """The budget that a call is counted against; None for a contract without a limit."""
    limit = contract.policy.rate_limit
    if limit is None:
        return None
    workspace = "" if limit.key is RateKey.GLOBAL else principal.workspace
    subject = principal.subject if limit.key is RateKey.USER else ""
    return Budget(Holder(contract.ref, limit.key, workspace, subject), limit.rpm)


class RateLimits(Protocol):
    """Counts calls against budgets, for one process or for several that share a store.

    A minute's worth of calls may come at once; then the budget refills evenly. Calls are counted
    in two places, and each has its method. At a door nothing is being written, so ``take`` may
    wait: a shared store counts by one statement of its own, a conditional update on its own clock.
    A step is counted inside the unit of work that dispatches it, which waits for the same statement
    in a session beside its own. A unit that is rolled back afterwards leaves its call counted, so
    that a limit is never exceeded.
    """

    def close(self) -> None:
        """Count no more."""
        ...

    async def take(self, budget: Budget) -> float:
        """Count a call of the holder if the budget has one left.

        Returns the seconds after which to ask again, at most a minute: 0 if the call was counted,
        and above 0 nothing was counted.

        Raises:
            ProblemError: SERVICE_UNAVAILABLE when a shared store cannot be asked; the call must
                then not be made.
        """
        ...

    def take_within(self, tx: "Tx", budget: Budget) -> float:
        """The same for a call that is part of the unit of work ``tx``."""
        ...
