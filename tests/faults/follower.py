"""Somebody who follows all events by cursor, as long as the play lasts, across every outage."""

from dataclasses import dataclass, field
from typing import Any

from tests.faults.clients import Client

JsonObject = dict[str, Any]

LIST = ("controlPlaneEventList", "items { cursor id type executionId } cursor")
_PAGE = 50


@dataclass
class Follower:
    """Reads events behind the last cursor that it was given; ``events`` are those that came."""

    client: Client
    events: list[JsonObject] = field(default_factory=list)
    cursor: str | None = None

    def read(self) -> int | None:
        """Read one page; returns how many events it held, None where there was no answer."""
        behind = {"after": self.cursor} if self.cursor else {}
        page = self.client.look(LIST, {"limit": _PAGE, **behind})
        if page is None:
            return None
        self.events += page["items"]
        self.cursor = page["cursor"] or self.cursor
        return len(page["items"])

    def read_to_end(self) -> list[JsonObject]:
        """Read until a page is empty; returns all events that ever came."""
        while self.read() != 0:
            pass
        return self.events
