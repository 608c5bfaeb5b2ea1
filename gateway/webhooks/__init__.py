"""Outgoing webhooks: events told to configured endpoints, signed, at least once."""

from gateway.webhooks.build import build_webhooks
from gateway.webhooks.config import load_endpoints
from gateway.webhooks.endpoint import ALWAYS_NOTIFIED, Endpoint
from gateway.webhooks.schedule import replayed
from gateway.webhooks.service import WebhookParts, Webhooks

__all__ = [
    "ALWAYS_NOTIFIED",
    "Endpoint",
    "WebhookParts",
    "Webhooks",
    "build_webhooks",
    "load_endpoints",
    "replayed",
]
