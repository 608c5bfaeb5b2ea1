"""Bodies: an event as CloudEvents 1.0 in JSON, structured mode."""

import hashlib
import re
from collections.abc import Callable

from gateway.model.event import Announcement
from gateway.model.json import JsonObject, encode
from gateway.model.ports import Sealer
from gateway.model.sealing import reveal
from gateway.policy import mask_value
from gateway.webhooks.endpoint import Endpoint

CONTENT_TYPE = "application/cloudevents+json"

_TRACE_ID = re.compile(r"(?!0{32})[0-9a-f]{32}")

Compose = Callable[[Endpoint, Announcement, str | None], bytes]
"""Makes the body for an endpoint from an event and the trace id of its execution."""


def compose(sealer: Sealer, endpoint: Endpoint, event: Announcement, trace_id: str | None) -> bytes:
    """The body that tells ``endpoint`` of ``event``.

    PII is treated as the endpoint says; what cannot be opened any more is null.
    """
    body: JsonObject = {
        "specversion": "1.0",
        "id": event.id,
        "source": endpoint.origin,
        "type": event.type,
        "time": event.at,
        "dataschema": f"urn:contract-gateway:event:{event.type}:{event.version}",
        "datacontenttype": "application/json",
        "data": reveal(sealer, event.workspace, event.payload, lambda *_: endpoint.pii, mask_value),
    }
    # Attributes are left out rather than null, as the JSON format asks (section 2.2).
    if event.execution_id is not None:
        body["subject"] = event.execution_id
    if event.run_id is not None:
        body["runid"] = event.run_id
    if trace_id is not None and _TRACE_ID.fullmatch(trace_id):
        body["traceparent"] = _traceparent(trace_id, event.id)
    return encode(body).encode()


def _traceparent(trace_id: str, event_id: str) -> str:
    """W3C Trace Context (and the CloudEvents extension of that name): one parent per event."""
    return f"00-{trace_id}-{hashlib.sha256(event_id.encode()).hexdigest()[:16]}-01"
