"""What differs between two contents: rows with their places, and whole files otherwise."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from gateway.model.json import JsonObject
from gateway.model.policy import Edit
from gateway.model.problem import ProblemError
from gateway.policy.contents.content import RULE_FILES, PolicyContent, apply_edits

_Row: TypeAlias = tuple[int, str]
"""A line, counting from 1, and the row that stands there."""


class FileChange(StrEnum):
    """How a file differs.

    ``ROWS``: other rows. ``ORDER``: the same rows in another order, which decides between rules
    of equal priority and says which of several is named. ``LAYOUT``: comments, blanks and the
    places of rows, nothing that decides. The others are those of files that have no rows.
    """

    ROWS = "rows"
    ORDER = "order"
    LAYOUT = "layout"
    ADDED = "added"
    REMOVED = "removed"
    TEXT = "text"


_TOLD = {
    FileChange.ORDER: "the same rows in another order, which decides where priorities are equal",
    FileChange.LAYOUT: "only comments, blanks and the places of rows differ",
    FileChange.ADDED: "the file is new",
    FileChange.REMOVED: "the file is gone",
    FileChange.TEXT: "the file is another",
}
_SIGNS = {FileChange.ADDED: "+", FileChange.REMOVED: "-"}


@dataclass(frozen=True, slots=True)
class RowChange:
    """A row that was added, removed or replaced. Lines count from 1; ``line`` is the one in the
    earlier file, ``new_line`` the one in the later; each is None where the row is not there."""

    file: str
    line: int | None
    new_line: int | None
    before: str
    after: str

    def lines(self) -> list[str]:
        """The change as people read it."""
        gone = [f"- {self.file}:{self.line}  {self.before}"] if self.line else []
        come = [f"+ {self.file}:{self.new_line}  {self.after}"] if self.new_line else []
        return gone + come

    def to_json(self) -> JsonObject:
        """The change as machines read it."""
        return {
            "file": self.file,
            "line": self.line,
            "newLine": self.new_line,
            "before": self.before or None,
            "after": self.after or None,
        }


@dataclass(frozen=True, slots=True)
class FileDiff:
    """How one file differs. ``reordered`` says that rows which are in both stand in another order,
    besides those that came and went."""

    file: str
    change: FileChange
    rows: tuple[RowChange, ...] = ()
    reordered: bool = False

    def lines(self) -> list[str]:
        """The differences as people read them, a line each."""
        told = [line for row in self.rows for line in row.lines()]
        if self.change is not FileChange.ROWS:
            told.append(f"{_SIGNS.get(self.change, '~')} {self.file}  {_TOLD[self.change]}")
        elif self.reordered:
            told.append(f"~ {self.file}  rows that are in both stand in another order")
        return told

    def to_json(self) -> JsonObject:
        """The differences as machines read them."""
        return {
            "file": self.file,
            "change": self.change.value,
            "reordered": self.reordered,
            "rows": [row.to_json() for row in self.rows],
        }


def diff(before: PolicyContent, after: PolicyContent) -> tuple[FileDiff, ...]:
    """What differs, file by file in the order of their names; nothing for equal contents.

    Rows are compared by their text. A row that gave way to another one in its line was replaced.
    """
    names = sorted({*before.files, *after.files})
    return tuple(
        _file_diff(name, before.files.get(name), after.files.get(name))
        for name in names
        if before.files.get(name) != after.files.get(name)
    )


def edits_between(before: PolicyContent, after: PolicyContent) -> tuple[Edit, ...]:
    """Edits that turn one content into the other, to the letter.

    They are rows where rows can say it, because no line moved; otherwise the whole file.
    """
    found: list[Edit] = []
    for name in sorted({*before.files, *after.files}):
        old, new = before.files.get(name), after.files.get(name)
        if old != new:
            found += _row_edits(name, old, new) or [Edit(name, text=new or "")]
    return tuple(found)


def moved_rows(name: str, before: PolicyContent, after: PolicyContent) -> tuple[list[str], ...]:
    """The rows of a rule file that are in both contents and may stand elsewhere: as they follow one
    another in the first, and in the second."""
    old, new = (list(_rows(content.files.get(name, ""))) for content in (before, after))
    stayed, remained = ([row for _, row in _apart(*both)[1]] for both in ((old, new), (new, old)))
    first, last = 0, len(stayed)
    while first < last and stayed[first] == remained[first]:
        first += 1
    while first < last and stayed[last - 1] == remained[last - 1]:
        last -= 1
    return stayed[first:last], remained[first:last]


# --- rows


def _file_diff(name: str, before: str | None, after: str | None) -> FileDiff:
    if name not in RULE_FILES:
        if before is None or after is None:
            return FileDiff(name, FileChange.ADDED if before is None else FileChange.REMOVED)
        return FileDiff(name, FileChange.TEXT)
    old, new = list(_rows(before or "")), list(_rows(after or ""))
    gone, stayed = _apart(old, new)
    come, remained = _apart(new, old)
    reordered = [row for _, row in stayed] != [row for _, row in remained]
    if gone or come:
        return FileDiff(name, FileChange.ROWS, tuple(_changes(name, gone, come)), reordered)
    return FileDiff(name, FileChange.ORDER if reordered else FileChange.LAYOUT, (), reordered)


def _rows(text: str) -> Iterator[_Row]:
    for line, written in enumerate(text.split("\n"), start=1):
        row = written.strip()
        if row and not row.startswith("#"):
            yield line, row


def _apart(rows: Iterable[_Row], others: Iterable[_Row]) -> tuple[list[_Row], list[_Row]]:
    """The rows that ``others`` do not have as often, and the rest."""
    left = Counter(row for _, row in others)
    apart: list[_Row] = []
    rest: list[_Row] = []
    for place in rows:
        row = place[1]
        left[row] -= 1
        (apart if left[row] < 0 else rest).append(place)
    return apart, rest


def _changes(file: str, gone: Iterable[_Row], come: Iterable[_Row]) -> list[RowChange]:
    """What went and what came, by line; both in one line is a replacement."""
    old, new = dict(gone), dict(come)
    found: list[RowChange] = []
    for line in sorted({*old, *new}):
        places = (line if line in old else None, line if line in new else None)
        found.append(RowChange(file, *places, old.get(line, ""), new.get(line, "")))
    return found


def _row_edits(name: str, before: str | None, after: str | None) -> list[Edit]:
    """The edits of rows that do it, or none at all."""
    if name not in RULE_FILES or not before or not after:
        return []
    old, new = before.split("\n"), after.removesuffix("\n").split("\n")
    edits: list[Edit] = []
    for line, written in enumerate(new):
        was = old[line] if line < len(old) else ""
        if was != written:
            edits.append(Edit(name, was.strip() or None, written.strip() or None))
    if sum(map(_size, edits)) * 2 > len(after):
        return []
    try:
        made = apply_edits(PolicyContent({name: before}), edits)
    except ProblemError:
        return []
    return edits if made.content.files.get(name) == after else []


def _size(edit: Edit) -> int:
    return len(edit.add or "") + len(edit.remove or "")
