"""What is held on somebody: the keys that fall when they are erased, and where these sealed.

A person's own keys fall, and with them the keys that are nobody's own of every execution, call and
grant in which the person occurs: what people wrote there speaks of them too. Keys of other people
stay. What is held on an execution are its keys that are nobody's own.
"""

from collections import Counter
from collections.abc import Iterable, Set
from dataclasses import dataclass

from gateway.model.entry import EntryType
from gateway.model.json import JsonObject, JsonValue, decode
from gateway.model.pii import SEALED, each_envelope
from gateway.model.rights import Subject, SubjectKind
from gateway.model.sealed_history import SealedEntry, SealedHistory
from gateway.privacy import DataKeys

_SHARED_FORMAT = 1
"""Envelopes of an earlier release, all of a workspace under one key, which cannot fall."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """What an envelope says of itself."""

    format: int
    contract: str
    field: str
    key_id: str


def read_envelope(envelope: JsonObject) -> Sealed | None:
    """What an envelope says of itself, None for one that nobody can open."""
    match envelope[SEALED]:
        case [int(version), str(contract), str(field), str(key_id), str()]:
            return Sealed(version, contract, field, key_id)
        case _:
            return None


class Search:
    """Looks for what is held on ``subjects`` of one workspace; ``advance`` reads what is new.

    ``known`` are keys that are known to be theirs though the key store may have forgotten it.
    ``readable`` leaves out what nobody can open, such as what was erased already, ``only`` whatever
    other keys sealed, ``until`` what came behind a position and whatever stands beside none of the
    ``known`` keys. After ``advance``: ``keys`` are those that fall, ``own`` those of the people
    among them; ``executions`` the executions concerned; ``others`` the tokens of other people whose
    data shares an entry or an execution with what falls, and ``beside`` the keys that seal it
    there; ``fields`` counts the values that fall by contract and field; ``positions`` are those of
    their entries; ``bundles`` the evidence exported of these executions, as (run, number);
    ``shared`` counts values that cannot fall. Not safe for two threads at a time.
    """

    def __init__(
        self,
        keys: DataKeys,
        subjects: Iterable[Subject],
        known: Iterable[str] = (),
        *,
        readable: bool = False,
        only: Set[str] | None = None,
        until: int | None = None,
    ) -> None:
        self._keystore = keys
        self._until = until
        self._only = only
        self._readable = readable
        self._subjects = frozenset(subjects)
        (self._workspace,) = {subject.workspace for subject in self._subjects}
        self._tokens = {s.target for s in self._subjects if s.kind is SubjectKind.PERSON}
        self._owners: dict[str, str | None] = {}
        self._named = {s.target for s in self._subjects if s.kind is SubjectKind.EXECUTION}
        self.own = {key for key in known if self._owner(key) in self._tokens}
        self.position = 0
        self.keys: set[str] = set()
        self.executions: set[str] = set()
        self.others: set[str] = set()
        self.beside: set[str] = set()
        self.fields: Counter[tuple[str, str]] = Counter()
        self.positions: list[int] = []
        self.bundles: set[tuple[str, int]] = set()
        self.shared = 0

    def advance(self, entries: SealedHistory) -> None:
        """Read the entries that came since."""
        through = entries.last_position() if self._until is None else self._until
        # Keys are listed after the end was fixed, so each that sealed something before it is there.
        for token in self._tokens if self._only is None and self._until is None else ():
            self.own.update(self._keystore.keys_of_token(self._workspace, token))
        self.keys |= self.own
        fresh = self._named - self.executions
        found = entries.holding(self._workspace, frozenset(self.own), self.position, through)
        for entry in found:
            if entry.execution_id is None:
                self._read(entry)
            elif entry.execution_id not in self.executions:
                fresh.add(entry.execution_id)
        for execution_id in self.executions:
            self._read_all(entries.of_execution(execution_id, self.position, through))
        for execution_id in fresh:
            self._read_all(entries.of_execution(execution_id, 0, through))
        self.executions |= fresh
        self.position = through

    def falls(self, key_id: str) -> bool:
        """True for a key that falls."""
        return key_id in self.keys

    def _read_all(self, entries: Iterable[SealedEntry]) -> None:
        for entry in entries:
            self._read(entry)

    def _read(self, entry: SealedEntry) -> None:
        body, falling = decode(entry.body), 0
        for envelope in each_envelope(body):
            sealed = read_envelope(envelope)
            if sealed is None:
                continue
            if sealed.format == _SHARED_FORMAT:
                self.shared += 1
            elif self._falls(sealed.key_id):
                self.keys.add(sealed.key_id)
                self.fields[sealed.contract, sealed.field] += 1
                falling += 1
        if falling:
            self.positions.append(entry.position)
        if entry.type == EntryType.EVIDENCE_EXPORTED:
            self._note_bundle(body)

    def _falls(self, key_id: str) -> bool:
        owner = self._owner(key_id)
        if owner is not None and owner not in self._tokens:
            self.others.add(owner)
            self.beside.add(key_id)
            return False
        if self._only is not None:
            return key_id in self._only
        if key_id in self.keys:
            return True
        return not self._readable or self._keystore.is_there(key_id)

    def _owner(self, key_id: str) -> str | None:
        if key_id not in self._owners:
            self._owners[key_id] = self._keystore.owner_token(key_id)
        return self._owners[key_id]

    def _note_bundle(self, body: JsonValue) -> None:
        if isinstance(body, dict) and body.get("runId") is not None:
            self.bundles.add((str(body["runId"]), int(body["number"])))
