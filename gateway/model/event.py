"""Announcements: journal entries as the events that contracts declare."""

import re
from dataclasses import dataclass

from gateway.model.execution import RunMode
from gateway.model.json import JsonObject

_ALL = 2**31
_CURSOR = re.compile(r"(0|[1-9][0-9]{0,17})(?:\.(0|[1-9][0-9]{0,8}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Origin:
    """What events tell of the execution behind an entry; it never changes once it is known.

    ``submitter`` is the subject who asked. ``run_id`` and ``mode`` are those of its run, None
    before it was started; an execution has at most one.
    """

    submitter: str | None = None
    run_id: str | None = None
    mode: RunMode | None = None


@dataclass(frozen=True, slots=True, order=True)
class Cursor:
    """How far somebody has read: up to the event ``index`` (from 0) of the entry at ``position``,
    or up to the end of that entry."""

    position: int
    index: int = _ALL

    @classmethod
    def parse(cls, text: str) -> "Cursor":
        """The cursor that ``str`` wrote.

        Raises:
            ValueError: ``text`` is none.
        """
        found = _CURSOR.fullmatch(text)
        if found is None:
            raise ValueError("it is no cursor")
        position, index = found.groups()
        return cls(int(position), _ALL if index is None else int(index))

    @property
    def behind(self) -> int:
        """The position behind which the entries stand that may hold anything new."""
        return self.position if self.index == _ALL else self.position - 1

    def __str__(self) -> str:
        return str(self.position) if self.index == _ALL else f"{self.position}.{self.index}"


@dataclass(frozen=True, slots=True)
class Announcement:
    """One event, derived from one entry of the journal.

    ``id`` is stable: the same entry gives the same id whoever asks, and however often.
    ``position`` is that of the entry in this store, ``index`` the event's place among those of
    the entry (from 0). ``type`` and ``version`` are those of the event contract. ``payload`` holds
    its PII sealed. ``submitter`` is the subject whose execution it is about.
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
    submitter: str | None = None

    @property
    def place(self) -> Cursor:
        """Where this event stands in the record."""
        return Cursor(self.position, self.index)

    @property
    def cursor(self) -> str:
        """Where to go on after this event: opaque to clients, ordered for the gateway."""
        return str(self.place)


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events to give; None does not narrow. ``types`` are event keys or ``prefix.*``."""

    execution_id: str | None = None
    run_id: str | None = None
    workspace: str | None = None
    types: tuple[str, ...] | None = None

    @classmethod
    def from_json(cls, given: JsonObject) -> "EventFilter":
        """The filter of an input, by the names that the contract has for its fields."""
        types = given.get("types")
        return cls(
            execution_id=given.get("executionId"),
            run_id=given.get("runId"),
            workspace=given.get("workspaceId"),
            types=None if types is None else tuple(types),
        )
