"""An attempt: one recorded intention to perform a step, about to be carried out."""

from msgspec import Struct

from gateway.model.contract import OperationContract
from gateway.model.json import JsonObject
from gateway.model.plan import PlanStep


class Attempt(Struct, frozen=True):
    """What the runner carries out once it is durably recorded.

    ``value`` is the resolved and validated input (raw); ``number`` counts from 1; ``epoch`` is that
    of the claim under which it was recorded; ``idempotency_key`` is the same for every attempt of
    the step in this run, until an operator has a step tried again that certainly had no effect.
    ``base`` is how many attempts belong to rounds before the operator's last retry; ``workspace``
    is that of its execution.
    """

    execution_id: str
    step: PlanStep
    contract: OperationContract
    value: JsonObject
    number: int
    epoch: int
    idempotency_key: str
    trace_id: str | None = None
    base: int = 0
    workspace: str = ""
