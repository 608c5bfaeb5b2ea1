"""Announcements: journal entries as the events that contracts declare."""

from dataclasses import dataclass

from gateway.model.json import JsonObject


@dataclass(frozen=True, slots=True)
class Announcement:
    """One event, derived from one entry of the journal.

    ``id`` is stable: the same entry gives the same id whoever asks, and however often.
    ``position`` is that of the entry in this store, ``index`` the event's place among those of
    the entry (from 0). ``type`` and ``version`` are those of the event contract. ``payload`` holds
    its PII sealed.
    """

    id: str
    position: int
    index: int
    type: str
    version: str
    at: str
    workspace: str
    execution_id: str | None
    run_id: str | None
    payload: JsonObject

    @property
    def cursor(self) -> str:
        """Where to go on after this event: opaque to clients, ordered for the gateway."""
        return f"{self.position}.{self.index}"


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events to give; None does not narrow. ``types`` are event keys or ``prefix.*``."""

    execution_id: str | None = None
    run_id: str | None = None
    workspace: str | None = None
    types: tuple[str, ...] | None = None
