"""The text of a rule file while rows of it are edited.

Lines never move: a removed row leaves an empty line, and an added one goes to the end. Any number
of edits costs one pass over the text to find the rows and one to write it anew.
"""

from collections.abc import Collection, Iterator
from typing import TypeAlias

FEW = 4
"""Up to so many rows are looked for one by one, which is quicker than reading every line."""

_Place: TypeAlias = tuple[int, int, int]
"""A line, counting from 1, and where it begins and ends in the text as it was given; a line that
was added has no beginning (-1), and its place among the added ones is its end."""


class RuleText:
    """Edits rows of one rule file. ``removable`` are the rows that may be removed, stripped."""

    def __init__(self, text: str, removable: Collection[str]) -> None:
        self._given = text
        self._places: dict[str, list[_Place]] = {row: [] for row in removable}
        self._changed: dict[int, tuple[int, str]] = {}
        self._added: list[str] = []
        self._border = ""
        self._lines = 0
        for row, place in _places_in(text, self._places):
            self._places[row].append(place)

    def replace(self, row: str, added: str) -> int:
        """Put ``added``, which may be empty, where ``row`` stands; returns the line.

        Raises:
            ValueError: not exactly one line says ``row``.
        """
        places = self._places[row]
        if len(places) != 1:
            raise ValueError("no line" if not places else f"{len(places)} lines")
        place = places.pop()
        line, start, end = place
        if start < 0:
            self._added[end] = added
        else:
            self._changed[start] = (end, added)
        self._now_says(added, place)
        return line

    def append(self, added: str) -> int:
        """Put ``added`` behind the last line; returns its line."""
        if not self._added:
            ends = "\n" in self._given and not self._last_line()
            self._border = "" if ends else "\n"
            self._lines = self._given.count("\n") + len(self._border)
        self._added.append(added)
        line = self._lines + len(self._added)
        self._now_says(added, (line, -1, len(self._added) - 1))
        return line

    @property
    def text(self) -> str:
        """The file as it now is."""
        pieces: list[str] = []
        position = 0
        for start, (end, row) in sorted(self._changed.items()):
            pieces += (self._given[position:start], row)
            position = end
        pieces.append(self._given[position:])
        if self._added:
            pieces.append(self._border)
            pieces += (f"{row}\n" for row in self._added)
        return "".join(pieces)

    def _now_says(self, row: str, place: _Place) -> None:
        if row in self._places:
            self._places[row].append(place)

    def _last_line(self) -> str:
        start = self._given.rfind("\n") + 1
        _, changed = self._changed.get(start, (0, None))
        return self._given[start:] if changed is None else changed


def _places_in(text: str, rows: Collection[str]) -> Iterator[tuple[str, _Place]]:
    """Every line that says one of ``rows`` and nothing else but blanks."""
    if len(rows) > FEW:
        yield from _read_through(text, rows)
        return
    for row in rows:
        for place in _looked_for(row, text):
            yield row, place


def _read_through(text: str, rows: Collection[str]) -> Iterator[tuple[str, _Place]]:
    start = 0
    for number, line in enumerate(text.split("\n"), start=1):
        row = line.strip()
        if row in rows:
            yield row, (number, start, start + len(line))
        start += len(line) + 1


def _looked_for(row: str, text: str) -> Iterator[_Place]:
    line, counted = 1, 0
    position = text.find(row)
    while position >= 0:
        start = text.rfind("\n", 0, position) + 1
        end = text.find("\n", position)
        end = len(text) if end < 0 else end
        if text[start:end].strip() == row:
            line += text.count("\n", counted, start)
            counted = start
            yield line, start, end
        position = text.find(row, max(end, position + 1))
