"""The rows of rule files by the names of their columns, which docs/policies.md tells."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass

RULE_FILES = ("access.csv", "verdict.csv", "pii.csv")
"""The files that are made of rows."""

_ACCESS = ("sub", "dom", "obj", "act", "eft")
_ASSIGNMENT = ("subject", "role", "workspace")
_VERDICT = (
    *("priority", "sub", "dom", "obj", "risk", "when", "verdict"),
    *("approver", "quorum", "expiry", "escalation"),
)
_PII = ("priority", "sub", "type", "dom", "obj", "field", "treatment")
_COLUMNS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("access.csv", "p"): _ACCESS,
    ("access.csv", "g"): _ASSIGNMENT,
    ("verdict.csv", "p"): _VERDICT,
    ("pii.csv", "p"): _PII,
}


@dataclass(frozen=True, slots=True)
class RuleRow:
    """A row of ``file``: ``kind`` is ``p`` for a rule and ``g`` for an assignment."""

    file: str
    kind: str
    columns: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        """The value of a column."""
        return self.columns[name]

    @property
    def subject(self) -> str:
        """Of whom the row speaks."""
        return self.columns["subject" if self.kind == "g" else "sub"]

    def differs_in(self, other: "RuleRow") -> frozenset[str]:
        """The columns in which another row of the same kind differs; those of another kind in
        all."""
        if (self.file, self.kind) != (other.file, other.kind):
            return frozenset(self.columns)
        names = self.columns
        return frozenset(name for name in names if self[name] != other[name])


def row_of(file: str, text: str) -> RuleRow | None:
    """The row that ``text`` writes; None where its columns are not those of the file."""
    if "\n" in text or "\r" in text:
        return None
    try:
        values = next(csv.reader([text.strip()], skipinitialspace=True, strict=True), [])
    except csv.Error:
        return None
    kind, *rest = (value.strip() for value in values or [""])
    names = _COLUMNS.get((file, kind), ())
    if not names or len(names) != len(rest) or not all(rest):
        return None
    return RuleRow(file, kind, dict(zip(names, rest, strict=True)))
