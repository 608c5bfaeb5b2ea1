"""Who may follow events: decided at the start, and again whenever policy changed."""

from dataclasses import dataclass, replace

from msgspec import structs

from gateway.contracts import Registry
from gateway.model.decision import AccessDecision
from gateway.model.event import EventFilter
from gateway.model.json import JsonObject
from gateway.model.principal import Principal
from gateway.model.problem import ProblemError
from gateway.model.shown import Shown
from gateway.pipeline import Admitted, Call, CallRecorder, denial
from gateway.policy import Policies

LIST = "controlPlane.event.list@1.0.0"
"""Access to this contract opens every event of the workspace."""

MINE = "controlPlane.execution.mine@1.0.0"
"""Access to this contract opens the events of one's own executions."""


FOLLOWED_BY = (LIST, MINE)
"""Access to any of these opens a subscription to events."""


@dataclass(frozen=True, slots=True)
class Right:
    """A decision to let somebody follow; ``call`` is what they asked for, as it is recorded."""

    call: Call
    access: AccessDecision

    @property
    def revision(self) -> str:
        """The policy revision under which it was decided."""
        return self.access.revision

    @property
    def own(self) -> bool:
        """True where it opens one's own executions alone."""
        return self.call.contract.ref == MINE

    def record(self) -> Admitted:
        """The start as an answered query; what is shown comes later."""
        return Admitted(self.call, self.call.input, self.access, shown=Shown(later=True))


@dataclass(frozen=True, slots=True)
class Rights:
    """Decides who may follow what."""

    registry: Registry
    recorder: CallRecorder

    async def decide(
        self, policies: Policies, principal: Principal, which: EventFilter, after: str | None
    ) -> Right:
        """The right to begin.

        Raises:
            ProblemError: FORBIDDEN, UNAUTHENTICATED without a token; the denial is recorded.
        """
        call = Call(self.registry.operations[LIST], _asked(which, after), principal)
        decision = policies.access(principal, call.contract)
        if decision.allowed:
            return Right(call, decision)
        own = structs.replace(call, contract=self.registry.operations[MINE])
        narrower = policies.access(principal, own.contract)
        if narrower.allowed:
            return Right(own, narrower)
        await self.recorder.denied(call, decision.to_json())
        raise ProblemError(denial(call, decision))

    async def confirm(self, policies: Policies, right: Right) -> Right:
        """The same right under other policies. A wider one is had by asking anew.

        Raises:
            ProblemError: FORBIDDEN when it is lost; the denial is recorded.
        """
        decision = policies.access(right.call.principal, right.call.contract)
        if not decision.allowed:
            await self.recorder.denied(right.call, decision.to_json())
            raise ProblemError(denial(right.call, decision))
        return replace(right, access=decision)


def _asked(which: EventFilter, after: str | None) -> JsonObject:
    asked = {
        "executionId": which.execution_id,
        "runId": which.run_id,
        "workspaceId": which.workspace,
        "types": None if which.types is None else list(which.types),
    }
    told = {name: value for name, value in asked.items() if value is not None}
    return {"filter": told} | ({} if after is None else {"after": after})
