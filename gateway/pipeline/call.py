"""What travels through the pipeline: a call, and a call that has been admitted."""

from typing import Any

from msgspec import Struct, field

from gateway.model.contract import OperationContract
from gateway.model.decision import AccessDecision, VerdictDecision
from gateway.model.json import JsonObject
from gateway.model.pii import Owner, call_owner
from gateway.model.principal import Principal
from gateway.model.shown import Shown


class Call(Struct, frozen=True):
    """A request to perform a contract: who asks for what.

    ``input`` is as it came; ``idempotency_key`` names this call among the subject's calls of the
    contract; ``trace_id`` is the W3C trace id that it came with, ``traceparent`` names the span of
    the call itself, where there is one.
    """

    contract: OperationContract
    input: JsonObject
    principal: Principal
    idempotency_key: str | None = None
    trace_id: str | None = None
    traceparent: str | None = None


class Admitted(Struct, frozen=True):
    """A call that every stage before the handler let through.

    ``value`` is the validated input. ``verdict`` is None for contracts that the gateway performs
    itself. ``prepared`` is what the handler worked out before its unit of work began. ``shown``
    notes what of personal data the caller is shown.
    """

    call: Call
    value: JsonObject
    access: AccessDecision
    verdict: VerdictDecision | None = None
    prepared: Any = None
    shown: Shown = field(default_factory=Shown)

    @property
    def principal(self) -> Principal:
        """Who asks."""
        return self.call.principal

    @property
    def owner(self) -> Owner:
        """Whose data the call holds where no contract names a person."""
        return call_owner(self.call.principal.workspace, self.access.decision_id)

    @property
    def contract(self) -> OperationContract:
        """What for."""
        return self.call.contract
