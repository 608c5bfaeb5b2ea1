"""Exporting: everything that is held on somebody, as data and as a text to be read."""

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.journal import Place, open_sealed
from gateway.model.json import JsonObject, JsonValue, decode, encode
from gateway.model.pii import SEALED, each_envelope
from gateway.model.ports import Sealer
from gateway.model.rights import Subject
from gateway.model.sealed_history import SealedEntry
from gateway.privacy import DataKeys
from gateway.rights.receipts import Classes, count_fields
from gateway.rights.search import Search, read_envelope

ARCHIVED = "(archived: put its segment back with `gateway journal restore` to read it)"
"""Stands for a value whose entry was archived and removed; only its key is known here."""

MAX_BYTES = 4 * 1024 * 1024
"""About how much of values one page holds."""


@dataclass(frozen=True, slots=True)
class Held:
    """One value that is held: where it stands, what it is, and whether it is the subject's ``own``
    or stands beside it. ``entry`` is the type of the journal's entry at ``position``."""

    position: int
    at: str
    entry: str
    execution_id: str | None
    contract: str
    field: str
    classes: tuple[str, ...]
    own: bool
    value: JsonValue


@dataclass(frozen=True, slots=True)
class Holdings:
    """A page of what is held; ``total`` values in all. ``next`` is where the next page begins."""

    items: tuple[Held, ...]
    total: int
    executions: int
    bundles: int
    counts: tuple[JsonObject, ...]
    next: int | None


@dataclass(frozen=True, slots=True)
class Exporting:
    """Reads what is held from the record at ``place``. It waits for the disk."""

    place: Place
    keys: DataKeys
    sealer: Sealer
    classes: Classes

    def holdings(self, subject: Subject, after: int, limit: int) -> Holdings:
        """A page of ``limit`` values or a few more, in entries behind the position ``after``."""
        with open_sealed(self.place) as entries:
            search = Search(self.keys, [subject], readable=True)
            search.advance(entries)
            positions = sorted(position for position in search.positions if position > after)
            items: list[Held] = []
            size, last = 0, None
            for entry in entries.at(positions):
                if len(items) >= limit or size >= MAX_BYTES:
                    break
                last = entry.position
                for item in self._held(subject, search, entry):
                    items.append(item)
                    size += len(encode(item.value))
        more = last is not None and last != positions[-1]
        return Holdings(
            items=tuple(items),
            total=search.fields.total(),
            executions=len(search.executions),
            bundles=len(search.bundles),
            counts=tuple(count_fields(search.fields, self.classes)),
            next=last if more else None,
        )

    def _held(self, subject: Subject, search: Search, entry: SealedEntry) -> Iterator[Held]:
        for envelope in each_envelope(decode(entry.body)):
            sealed = read_envelope(envelope)
            if sealed is None or sealed.key_id not in search.keys:
                continue
            try:
                value: JsonValue = ARCHIVED
                if envelope[SEALED][-1]:
                    value = self.sealer.unseal(subject.workspace, envelope)
            except ValueError:  # it is erased already, or damaged: then nobody holds it
                continue
            where = (entry.position, entry.at, entry.type, entry.execution_id)
            classes = tuple(sorted(self.classes(sealed.contract, sealed.field)))
            own = sealed.key_id in search.own
            yield Held(*where, sealed.contract, sealed.field, classes, own, value)


def document_of(named: str, holdings: Holdings, at: str) -> str:
    """What is held, as a text to be read."""
    lines = [
        f"What is held on {named}, as of {at}",
        "",
        f"{holdings.total} values in {holdings.executions} executions and in calls.",
        f"{holdings.bundles} exported bundles of evidence are of these executions.",
    ]
    place = None
    for item in holdings.items:
        if item.position != place:
            place = item.position
            within = f", execution {item.execution_id}" if item.execution_id else ""
            lines += ["", f"{item.at}  {item.entry}{within} (entry {item.position})"]
        text = item.value if isinstance(item.value, str) else encode(item.value)
        classes = ", ".join(item.classes) or "unclassified"
        beside = "" if item.own else "; stands beside the person's data"
        lines.append(f"  {item.contract} {item.field} ({classes}{beside}): {text}")
    if holdings.next is not None:
        lines += ["", f"There is more: go on behind entry {holdings.next}."]
    return "\n".join(lines) + "\n"
