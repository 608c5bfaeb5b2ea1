"""Who gets checkpoints, as ``GATEWAY_ANCHORS`` says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from gateway.model.json import JsonObject, JsonValue
from gateway.transparency import Verifier

DEFAULT_BODY: JsonObject = {"entry": "{noteBase64}"}
"""What a log is sent where nothing else is written."""


@dataclass(frozen=True, slots=True)
class FileTarget:
    """A file that checkpoints are appended to."""

    id: str
    path: Path


@dataclass(frozen=True, slots=True)
class WebhookTarget:
    """A receiver of signed messages; ``secrets`` are references, the newest first."""

    id: str
    url: str
    secrets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LogTarget:
    """A log that takes entries over HTTP; ``body`` is a template, ``headers`` may name secrets."""

    id: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: JsonValue = field(default_factory=lambda: dict(DEFAULT_BODY))


AnchorTarget: TypeAlias = FileTarget | WebhookTarget | LogTarget


@dataclass(frozen=True, slots=True)
class WitnessTarget:
    """A witness: ``url`` is its submission prefix, ``key`` verifies its cosignatures."""

    url: str
    key: Verifier

    @property
    def id(self) -> str:
        """It is known by the name of its key."""
        return self.key.name


@dataclass(frozen=True, slots=True)
class Destinations:
    """Where checkpoints go.

    ``quorum`` is how many witnesses are wanted on each. ``hosts`` are patterns of the hosts that
    may be called (none: every public one, over https). ``retry_scale`` multiplies the pauses
    between attempts.
    """

    anchors: tuple[AnchorTarget, ...] = ()
    witnesses: tuple[WitnessTarget, ...] = ()
    quorum: int = 0
    hosts: tuple[str, ...] = ()
    retry_scale: float = 1.0

    def __bool__(self) -> bool:
        return bool(self.anchors or self.witnesses)
