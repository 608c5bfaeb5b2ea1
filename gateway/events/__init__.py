"""EVENTS: what the record announces, and who may follow it."""

from gateway.events.derive import announcements
from gateway.events.feed import EventFeed, Subscription
from gateway.events.gaps import tell_gaps
from gateway.events.pages import Page, announced, read_page
from gateway.events.rights import FOLLOWED_BY
from gateway.events.selection import Selection, check_filter, select, start_of
from gateway.events.view import as_seen, payload_treatment

__all__ = [
    "FOLLOWED_BY",
    "EventFeed",
    "Page",
    "Selection",
    "Subscription",
    "announced",
    "announcements",
    "as_seen",
    "check_filter",
    "payload_treatment",
    "read_page",
    "select",
    "start_of",
    "tell_gaps",
]
