"""Endpoints: who is told of which events."""

from dataclasses import dataclass
from urllib.parse import quote

from gateway.model.decision import Treatment
from gateway.model.event import Announcement

ALWAYS_NOTIFIED = frozenset({"controlPlane.execution.override.used"})
"""Events that every endpoint of a workspace gets, whatever its ``types`` say: break-glass."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A receiver of one workspace.

    ``secrets`` are references (``${secret:NAME}``), the newest first; each gives one signature.
    ``types`` are event keys, ``prefix.*`` or ``*``. ``pii`` says what becomes of PII, which is
    never raw. ``source`` is the CloudEvents source, None for the workspace's path.
    """

    id: str
    workspace: str
    url: str
    secrets: tuple[str, ...]
    types: tuple[str, ...]
    pii: Treatment = Treatment.DROP
    source: str | None = None
    enabled: bool = True

    @property
    def place(self) -> tuple[str, str]:
        """What it is known by, as all that is stored of it is: its workspace and its id."""
        return self.workspace, self.id

    def wants(self, event: Announcement) -> bool:
        """True if this endpoint is told of the event."""
        if event.workspace != self.workspace:
            return False
        return event.type in ALWAYS_NOTIFIED or any(
            covers(pattern, event.type) for pattern in self.types
        )

    @property
    def origin(self) -> str:
        """The CloudEvents source of what is sent here (a URI reference, RFC 3986)."""
        return self.source or f"/workspaces/{quote(self.workspace, safe='')}"


def covers(pattern: str, key: str) -> bool:
    """True if ``pattern`` (a key, ``prefix.*`` or ``*``) covers the event key."""
    if pattern == "*":
        return True
    if pattern.endswith(".*"):
        return key.startswith(pattern[:-1])
    return key == pattern


class Roster:
    """The endpoints in service: those that are enabled, less those that answered 410 Gone.

    Who is gone comes back with the next start, for by then somebody may have mended it.
    """

    def __init__(self, endpoints: tuple[Endpoint, ...]) -> None:
        self._serving = {endpoint.place: endpoint for endpoint in endpoints if endpoint.enabled}

    def __bool__(self) -> bool:
        return bool(self._serving)

    def serving(self) -> tuple[Endpoint, ...]:
        """Every endpoint in service."""
        return tuple(self._serving.values())

    def retire(self, endpoint: Endpoint) -> None:
        """Take an endpoint out of service."""
        self._serving.pop(endpoint.place, None)
