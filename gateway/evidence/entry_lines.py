"""Entries in a bundle: one line of JSON each, with every field that its hash covers."""

from dataclasses import dataclass, replace
from typing import Any

from gateway.evidence.text import FormError, compact, read
from gateway.journal.chain import entry_hash
from gateway.model.json import JsonObject, JsonValue
from gateway.model.stored_entry import StoredEntry
from gateway.model.time import is_stamp


@dataclass(frozen=True, slots=True)
class EntryLine:
    """An entry as a bundle holds it; ``body`` is its text as stored.

    Its members may be anything JSON: a bundle may come from a stranger.
    """

    format: Any
    chain: Any
    seq: Any
    at: Any
    type: Any
    workspace: Any
    execution_id: Any
    actor: Any
    body: Any
    previous: Any
    hash: Any

    @property
    def own_hash(self) -> str | None:
        """What its hash should be; None where its members can be no entry's."""
        try:
            return entry_hash(
                *(self.format, self.chain, self.seq, self.previous, self.at, self.type),
                *(self.workspace, self.execution_id, self.actor, self.body),
            )
        except TypeError:
            return None

    @property
    def is_intact(self) -> bool:
        """True if it hashes to what was recorded with it."""
        return bool(self.own_hash == self.hash)

    def with_member(self, name: str, value: JsonValue) -> "EntryLine":
        """The same entry with another value of one member."""
        changed: dict[str, Any] = {_FIELDS[name]: value}
        return replace(self, **changed)


_FIELDS = {
    **{name: name for name in ("format", "chain", "seq", "at", "type", "workspace", "actor")},
    **{name: name for name in ("body", "previous", "hash")},
    "executionId": "execution_id",
}
"""The members of a line, and the fields of an entry that they are."""

_TEXTS = _FIELDS.keys() - {"format", "seq"}


def line_of(entry: StoredEntry) -> bytes:
    """The line of a stored entry, without a newline."""
    return compact({member: getattr(entry, field) for member, field in _FIELDS.items()})


def entry_of_line(line: bytes) -> EntryLine:
    """The entry of a line.

    Raises:
        FormError: the line is none that an exporter writes.
    """
    value = read(line, compact)
    if not isinstance(value, dict) or set(value) != set(_FIELDS):
        raise FormError("it does not hold just the members of an entry")
    if type(value["format"]) is not int or any(type(value[name]) is not str for name in _TEXTS):
        raise FormError("a member of it is of another type")
    if not is_stamp(value["at"]):
        raise FormError("its at is no moment as the journal writes it")
    return EntryLine(**{_FIELDS[member]: found for member, found in value.items()})


@dataclass(frozen=True, slots=True)
class Fact:
    """What an entry says, its body read; ``hash`` is the entry's."""

    seq: int
    at: str
    type: str
    actor: str
    body: JsonObject
    hash: str


def fact_of(entry: StoredEntry | EntryLine) -> Fact:
    """What an entry says.

    Raises:
        FormError: its body is not the JSON object that the journal wrote.
    """
    body = read(str(entry.body).encode(), compact)
    if not isinstance(body, dict):
        raise FormError("its body is no JSON object")
    return Fact(entry.seq, entry.at, entry.type, entry.actor, body, entry.hash)
