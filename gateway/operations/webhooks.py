"""controlPlane.webhook.delivery.list and webhook.delivery.replay"""

from gateway.events.selection import is_here
from gateway.model.delivery import Delivery, DeliveryFilter, DeliveryStatus
from gateway.model.entry import EntryType, NewEntry
from gateway.model.json import JsonObject
from gateway.model.ports import Records, Tx
from gateway.model.problem import refuse
from gateway.operations.common import acting, lower, page_of, present
from gateway.pipeline import Admitted
from gateway.runtime import Loop
from gateway.webhooks import replayed


def list_deliveries(loop: Loop, admitted: Admitted, records: Records) -> JsonObject:
    """Webhook deliveries of the workspace, the newest event first."""
    value = admitted.value
    workspace = admitted.principal.workspace
    which = DeliveryFilter(workspace, lower(value.get("status")), value.get("endpointId"))
    found, total = records.deliveries(which, page_of(admitted))
    return {"items": [_item(item) for item in found], "total": total}


def replay(loop: Loop, admitted: Admitted, tx: Tx) -> JsonObject:
    """Put a settled delivery back into the queue.

    The entry that records this is also what wakes the sender.

    Raises:
        ProblemError: NOT_FOUND for one that is not of this workspace, CONFLICT for one that is
            still being sent, GONE for one whose event is archived.
    """
    by = acting(admitted, "replayedBy")
    workspace, wanted = admitted.principal.workspace, admitted.value["deliveryId"]
    before = tx.delivery(workspace, wanted)
    if before is None:
        raise refuse("NOT_FOUND", f"There is no webhook delivery {wanted} in this workspace.")
    if before.status is DeliveryStatus.PENDING:
        told = f"The delivery {wanted} is PENDING: it is still being sent by itself."
        raise refuse("CONFLICT", told)
    _require_entry(tx, before)
    tx.change_delivery(before, replayed(before, tx.now))
    tx.append(_recorded(before, by))
    return {
        "deliveryId": before.id,
        "status": DeliveryStatus.PENDING.value.upper(),
        "replayedAt": tx.now,
    }


def _require_entry(records: Records, delivery: Delivery) -> None:
    """Refuse to send again what can be composed no more: a message is made of its entry each time.

    Raises:
        ProblemError: GONE where the entry is archived.
    """
    if not is_here(records, delivery.position):
        told = (
            f"The event of the delivery {delivery.id} is archived, so that it can be sent no more. "
            f"Read it from the archive, at position {delivery.position} of the record."
        )
        raise refuse("GONE", told)


def _recorded(before: Delivery, by: str) -> NewEntry:
    body = {
        "endpoint": before.endpoint,
        "deliveryId": before.id,
        "eventId": before.event_id,
        "status": before.status.value,
        "attempts": before.attempts,
    }
    return NewEntry(EntryType.WEBHOOK_REPLAYED, before.workspace, body, actor=by)


def _item(delivery: Delivery) -> JsonObject:
    return present(
        {
            "deliveryId": delivery.id,
            "endpointId": delivery.endpoint,
            "eventId": delivery.event_id,
            "type": delivery.type,
            "status": delivery.status.value.upper(),
            "attempts": delivery.attempts,
            "nextAttemptAt": delivery.next_at,
            "lastStatus": delivery.last_status,
            "lastError": delivery.last_error,
            "createdAt": delivery.created_at,
            "updatedAt": delivery.updated_at,
            "executionId": delivery.execution_id,
        }
    )
