"""What the key store keeps of a key."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.model.time import stamp

_DAY = 86_400


@dataclass(frozen=True, slots=True)
class WorkspaceKeyRow:
    """A key of a workspace, wrapped by the root key of the id ``root_key``."""

    id: str
    workspace: str
    wrapped: bytes
    root_key: str
    created_at: str


@dataclass(frozen=True, slots=True)
class DataKeyRow:
    """A data key, wrapped by the key ``workspace_key`` of its workspace.

    ``subject`` is the token of a person, None for a key of anything else. ``lifetime`` is in
    seconds, and None where what it seals is kept; with one, the key seals until ``seals_until`` and
    is destroyed at ``expires_at``. ``wrapped`` is None once it is destroyed.
    """

    id: str
    workspace: str
    subject: str | None
    lifetime: int | None
    wrapped: bytes | None
    workspace_key: str | None
    created_at: str
    seals_until: str | None = None
    expires_at: str | None = None
    destroyed_at: str | None = None


@dataclass(frozen=True, slots=True)
class SigningKeyRow:
    """An Ed25519 key that signs for a purpose, such as ``checkpoint``.

    ``role`` is ``current``, ``next`` or ``earlier``; ``public`` is the public half in PEM.
    ``wrapped`` is the private half, wrapped by the root key of the id ``root_key``: None once the
    key signs no more.
    """

    purpose: str
    id: str
    role: str
    public: str
    wrapped: bytes | None
    root_key: str | None
    created_at: str


def sealing_end(made: datetime, lifetime: int) -> str:
    """Until when a key seals that is made at a moment, and destroyed ``lifetime`` seconds later."""
    return stamp(made + timedelta(seconds=min(_DAY, lifetime / 10)))


def seals_no_more(seals_until: str | None, lifetime: int | None, now: datetime) -> bool:
    """Whether a key seals nothing new at the moment ``now``.

    One that would seal for longer than one made now was made before the clock went back, and what
    it sealed now would be kept beyond its time.
    """
    if seals_until is None:
        return False
    is_ahead = lifetime is not None and seals_until > sealing_end(now, lifetime)
    return is_ahead or seals_until <= stamp(now)
