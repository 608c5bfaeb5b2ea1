"""controlPlane.intent.submit"""

from gateway.model.execution import ExecutionStatus
from gateway.model.json import JsonObject
from gateway.model.ports import Tx
from gateway.operations.common import acting, require_own_workspace
from gateway.pipeline import Admitted
from gateway.runtime import Intent, Loop


def submit(loop: Loop, admitted: Admitted, tx: Tx) -> JsonObject:
    """Receive an intent; the caller becomes the requester of all that follows."""
    value, principal = admitted.value, admitted.principal
    acting(admitted, "actorId")
    require_own_workspace(admitted)
    received = loop.lifecycle.receive(
        tx,
        principal,
        Intent(
            text=value["text"],
            channel=value.get("channelKey"),
            trace_id=value.get("traceId") or admitted.call.trace_id,
            metadata=value.get("metadata"),
            traceparent=admitted.call.traceparent,
        ),
    )
    return {
        "executionId": received.execution_id,
        "intentId": received.intent_id,
        "status": ExecutionStatus.RECEIVED.value.upper(),
        "receivedAt": tx.now,
    }
