"""Checks of the entries in a bundle: each against its own hash, its neighbours and the head."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gateway.evidence.archive import MAX_BYTES
from gateway.evidence.entry_lines import EntryLine, Fact, entry_of_line, fact_of
from gateway.evidence.findings import BundleFindingKind, BundleFindings
from gateway.evidence.manifest import ENTRIES
from gateway.evidence.text import FormError
from gateway.model.entry import ENTRY_FORMAT, GENESIS

MOST_LINES = MAX_BYTES // 256
"""An entry takes more bytes: its two hashes and the names of its members take 250."""

_Kind = BundleFindingKind


@dataclass(frozen=True, slots=True)
class Chain:
    """The chain that the entries should be: its name, whose it is, and its head."""

    name: str
    workspace: str
    execution_id: str
    last_seq: int
    last_hash: str


def check_entries(content: bytes, chain: Chain, findings: BundleFindings) -> list[Fact] | None:
    """What the entries say, or None where they are not those of the chain."""
    check = _Check(chain, findings)
    entries = check.read(content)
    check.numbers(entries)
    by_seq = {entry.seq: entry for entry in reversed(entries)}
    for entry in entries:
        check.one(entry, by_seq)
    check.head(by_seq)
    return None if findings.of(ENTRIES) else check.facts(entries)


@dataclass(frozen=True, slots=True)
class _Check:
    chain: Chain
    findings: BundleFindings

    def read(self, content: bytes) -> list[EntryLine]:
        """The entries of all lines that are entries with a number."""
        if content.count(b"\n") > MOST_LINES:
            told = f"it holds more than {MOST_LINES} lines, and no bundle has room for as many"
            self._add(_Kind.CHANGED, f"{told} entries", MOST_LINES + 1)
            return []
        *lines, rest = content.split(b"\n")
        if rest:
            self._add(_Kind.CHANGED, "its last line is cut off", len(lines) + 1)
        entries = []
        for number, line in enumerate(lines, 1):
            try:
                entry = entry_of_line(line)
            except FormError as error:
                # An untouched bundle has the entry of this number on this line.
                self._add(_Kind.CHANGED, f"line {number} is no entry: {error}", number)
                continue
            if type(entry.seq) is not int or entry.seq < 1:
                self._add(_Kind.CHANGED, f"line {number} has no number", number, "seq")
                continue
            entries.append(entry)
        return entries

    def numbers(self, entries: Sequence[EntryLine]) -> None:
        """Entries count from 1 to the head's number, each once and in order."""
        seen: set[int] = set()
        highest = 0
        for entry in entries:
            if entry.seq in seen:
                self._add(_Kind.INSERTED, f"entry {entry.seq} is there twice", entry.seq)
            elif entry.seq < highest:
                told = f"entry {entry.seq} stands behind entry {highest}"
                self._add(_Kind.REORDERED, told, entry.seq)
            elif entry.seq > self.chain.last_seq:
                told = f"entry {entry.seq} stands beyond the head, {self.chain.last_seq}"
                self._add(_Kind.INSERTED, told, entry.seq)
            seen.add(entry.seq)
            highest = max(highest, entry.seq)
        for first, last in _gaps(seen, self.chain.last_seq):
            told = f"entry {first} is" if first == last else f"entries {first} to {last} are"
            self._add(_Kind.REMOVED, f"{told} missing", first)

    def one(self, entry: EntryLine, by_seq: dict[int, EntryLine]) -> None:
        """An entry is whole, belongs to this chain, and follows the one before it."""
        before = by_seq.get(entry.seq - 1)
        link = GENESIS if entry.seq == 1 else before.hash if before else None
        if not entry.is_intact:
            field = self._changed_field(entry, link, by_seq.get(entry.seq + 1))
            what = f"its {field} was" if field else "its at, type, actor or body was"
            told = f"entry {entry.seq} was changed after it was recorded: {what}"
            self._add(_Kind.CHANGED, told, entry.seq, field)
            return
        for field, (found, expected) in self._members(entry).items():
            if found != expected:
                told = f"entry {entry.seq} belongs elsewhere: its {field} is another"
                self._add(_Kind.INSERTED, told, entry.seq, field)
        is_whole = before is None or before.is_intact
        if link is not None and is_whole and entry.previous != link:
            told = f"entry {entry.seq} was not recorded after entry {entry.seq - 1}"
            self._add(_Kind.REORDERED, f"{told}: one of them was replaced", entry.seq, "previous")

    def head(self, by_seq: dict[int, EntryLine]) -> None:
        """The last entry is the one that was signed."""
        last = by_seq.get(self.chain.last_seq)
        if last is not None and last.is_intact and last.hash != self.chain.last_hash:
            told = f"entry {last.seq} is not the head that was signed"
            self._add(_Kind.CHANGED, told, last.seq, "hash")

    def facts(self, entries: Sequence[EntryLine]) -> list[Fact] | None:
        """What the entries say, once they are known to be whole."""
        found = []
        for entry in entries:
            try:
                found.append(fact_of(entry))
            except FormError as error:
                self._add(_Kind.CHANGED, f"entry {entry.seq}: {error}", entry.seq, "body")
                return None
        return found

    def _members(self, entry: EntryLine) -> dict[str, tuple[object, object]]:
        """The members whose values the chain gives."""
        chain = self.chain
        return {
            "format": (entry.format, ENTRY_FORMAT),
            "chain": (entry.chain, chain.name),
            "workspace": (entry.workspace, chain.workspace),
            "executionId": (entry.execution_id, chain.execution_id),
        }

    def _changed_field(
        self, entry: EntryLine, link: str | None, following: EntryLine | None
    ) -> str | None:
        """The one member that was changed, where another value of it makes the entry whole."""
        candidates = {name: expected for name, (_, expected) in self._members(entry).items()}
        if link is not None:
            candidates["previous"] = link
        for name, value in candidates.items():
            if entry.with_member(name, value).is_intact:
                return name
        wanted = following.previous if following else self.chain.last_hash
        return "hash" if entry.own_hash == wanted else None

    def _add(self, kind: BundleFindingKind, told: str, seq: int, field: str | None = None) -> None:
        self.findings.add(kind, ENTRIES, told, seq=seq, field=field)


def _gaps(seen: set[int], last: int) -> Iterator[tuple[int, int]]:
    """The first and last of each run of numbers from 1 to ``last`` that are not ``seen``."""
    expected = 1
    for seq in [*sorted(one for one in seen if one <= last), last + 1]:
        if seq > expected:
            yield expected, seq - 1
        expected = seq + 1
