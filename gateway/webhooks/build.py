"""Putting the webhooks of a gateway together."""

import secrets
from collections.abc import Awaitable, Callable, Collection
from functools import partial

from gateway.actions import Secrets
from gateway.events import announced
from gateway.model.ports import Clock, Journal, Sealer
from gateway.webhooks.cloud_event import compose
from gateway.webhooks.config import guard_of
from gateway.webhooks.endpoint import Endpoint
from gateway.webhooks.post import Poster
from gateway.webhooks.schedule import Schedule
from gateway.webhooks.service import WebhookParts, Webhooks


def build_webhooks(
    endpoints: tuple[Endpoint, ...],
    hosts: Collection[str],
    retry_scale: float,
    journal: Journal,
    clock: Clock,
    sealer: Sealer,
    believed: Callable[[], Awaitable[str]],
) -> Webhooks:
    """The webhooks of these endpoints, to be started.

    ``hosts`` are patterns of the hosts that may be called, ``retry_scale`` multiplies the pauses
    between attempts, ``believed`` tells up to when the clock counts for what is removed.
    """
    parts = WebhookParts(
        journal=journal,
        clock=clock,
        announce=announced,
        compose=partial(compose, sealer),
        poster=Poster(guard_of(hosts), Secrets(), clock),
        schedule=Schedule(secrets.SystemRandom().random, retry_scale),
        believed=believed,
    )
    return Webhooks(endpoints, parts)
