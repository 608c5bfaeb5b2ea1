"""The fields of a side of a contract as rows, with what is personal data among them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from gateway.contracts.paths import Fields, Types, coverings
from gateway.contracts.reference.detail import FieldRow, FieldTable, NamedTypeEntry
from gateway.contracts.reference.scalars import SCALAR_NOTES
from gateway.model.contract import EnumType, NamedType, ObjectType
from gateway.model.pii import ANY_CLASS, PiiClasses
from gateway.model.types import TypeRef

MAX_ROWS = 400
"""How many rows a table has at most: models that hold one another may have very many."""


@dataclass(frozen=True, slots=True)
class Privacy:
    """What a contract says of personal data: ``classes`` by declared path, and what is none."""

    paths: tuple[str, ...] = ()
    classes: Mapping[str, PiiClasses] | None = None
    not_pii: Mapping[str, str] | None = None

    def at(self, path: str) -> tuple[str, ...]:
        """The classes of the personal data at or around ``path``."""
        known = self.classes or {}
        found = [known.get(one, ANY_CLASS) for one in coverings(path, self.paths)]
        return tuple(sorted(one.value for one in frozenset().union(*found)))

    def reason_at(self, path: str) -> str | None:
        """Why what looks like personal data at ``path`` is none."""
        return (self.not_pii or {}).get(path)


_NOTHING_SAID = Privacy()


def field_table(fields: Fields, types: Types, privacy: Privacy) -> FieldTable:
    """The fields with those inside of them, down to where a model would hold itself again."""
    rows = list(islice(_rows(fields, types, privacy, ()), MAX_ROWS + 1))
    return FieldTable(tuple(rows[:MAX_ROWS]), len(rows) <= MAX_ROWS)


def type_entries(types: Types) -> tuple[NamedTypeEntry, ...]:
    """The named types that a contract reaches, in order of their names."""
    return tuple(_entry(named, types) for _, named in sorted(types.items()))


def _entry(named: NamedType, types: Types) -> NamedTypeEntry:
    if isinstance(named, EnumType):
        return NamedTypeEntry(named.name, named.values, ())
    rows = tuple(_row(name, ref, types, _NOTHING_SAID) for name, ref in named.fields.items())
    return NamedTypeEntry(named.name, (), rows)


def _rows(
    fields: Fields, types: Types, privacy: Privacy, around: tuple[tuple[str, str], ...]
) -> Iterator[FieldRow]:
    """Rows in order; ``around`` are the fields and types that lead here."""
    for name, ref in fields.items():
        path = ".".join([*(step for step, _ in around), name])
        yield _row(path, ref, types, privacy)
        inner = types.get(ref.named)
        if isinstance(inner, ObjectType) and ref.named not in {held for _, held in around}:
            yield from _rows(inner.fields, types, privacy, (*around, (name, ref.named)))


def _row(path: str, ref: TypeRef, types: Types, privacy: Privacy) -> FieldRow:
    return FieldRow(
        path=path,
        type=str(ref),
        required=ref.required,
        description=_meaning(ref, types),
        pii=privacy.at(path),
        not_pii=privacy.reason_at(path),
    )


def _meaning(ref: TypeRef, types: Types) -> str:
    named = types.get(ref.named)
    if isinstance(named, EnumType):
        return f"One of {', '.join(named.values)}."
    note = SCALAR_NOTES.get(ref.named)
    return note.meaning if note is not None else ""
