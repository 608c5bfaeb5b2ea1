"""A grid of signs on which boxes and lines are drawn, and which is then printed."""

from collections.abc import Mapping
from itertools import groupby

from gateway.cli.output import Tone, Toned

UP, RIGHT, DOWN, LEFT = 1, 2, 4, 8
"""The directions in which a line leaves a cell."""

_SIGNS: Mapping[int, str] = {
    UP: "│", DOWN: "│", UP | DOWN: "│", LEFT: "─", RIGHT: "─", LEFT | RIGHT: "─",
    DOWN | RIGHT: "╭", DOWN | LEFT: "╮", UP | RIGHT: "╰", UP | LEFT: "╯",
    UP | DOWN | RIGHT: "├", UP | DOWN | LEFT: "┤", DOWN | LEFT | RIGHT: "┬", UP | LEFT | RIGHT: "┴",
    UP | DOWN | LEFT | RIGHT: "┼",
}  # fmt: skip


class Canvas:
    """Signs by row and column. Lines join with those of the same owner, and cross others: at a
    crossing the upright line is drawn, so that only what is connected looks connected."""

    def __init__(self, *, in_unicode: bool) -> None:
        self._in_unicode = in_unicode
        self._lines: dict[tuple[int, int], dict[str, int]] = {}
        self._texts: dict[tuple[int, int], tuple[str, Tone]] = {}

    def text(self, row: int, column: int, text: str, tone: Tone = Tone.PLAIN) -> None:
        """Write over whatever is there."""
        for offset, sign in enumerate(text):
            self._texts[row, column + offset] = sign, tone

    def upright(self, owner: str, column: int, first: int, last: int) -> None:
        """A line down from row ``first`` to row ``last``."""
        for row in range(first, last + 1):
            to = (UP if row > first else 0) | (DOWN if row < last else 0)
            self._line(row, column, owner, to)

    def flat(self, owner: str, row: int, one: int, other: int) -> None:
        """A line from one column to another."""
        first, last = sorted((one, other))
        for column in range(first, last + 1):
            to = (LEFT if column > first else 0) | (RIGHT if column < last else 0)
            self._line(row, column, owner, to)

    def box(self, row: int, column: int, width: int, height: int, tone: Tone) -> None:
        """The frame of a box, which nothing crosses."""
        right, bottom = column + width - 1, row + height - 1
        across = ("─" if self._in_unicode else "-") * (width - 2)
        corners = "╭╮╰╯" if self._in_unicode else "++++"
        self.text(row, column, corners[0] + across + corners[1], tone)
        self.text(bottom, column, corners[2] + across + corners[3], tone)
        for between in range(row + 1, bottom):
            for edge in (column, right):
                self.text(between, edge, "│" if self._in_unicode else "|", tone)

    def rows(self) -> list[list[Toned]]:
        """The rows from the first to the last that holds a sign, without trailing blanks."""
        cells = {place: (self._sign(lines), Tone.QUIET) for place, lines in self._lines.items()}
        cells |= self._texts
        columns: dict[int, dict[int, tuple[str, Tone]]] = {}
        for (row, column), cell in cells.items():
            columns.setdefault(row, {})[column] = cell
        return [_toned(columns.get(row, {})) for row in range(max(columns, default=-1) + 1)]

    def _line(self, row: int, column: int, owner: str, to: int) -> None:
        cell = self._lines.setdefault((row, column), {})
        cell[owner] = cell.get(owner, 0) | to

    def _sign(self, lines: Mapping[str, int]) -> str:
        to = next(iter(lines.values()))
        if len(lines) > 1:
            to = UP | DOWN
        if self._in_unicode:
            return _SIGNS.get(to, " ")
        if to & (LEFT | RIGHT) and to & (UP | DOWN):
            return "+"
        return "|" if to & (UP | DOWN) else "-"


def _toned(row: Mapping[int, tuple[str, Tone]]) -> list[Toned]:
    """A row as runs of one tone."""
    signs = [row.get(column, (" ", Tone.PLAIN)) for column in range(max(row, default=-1) + 1)]
    return [
        Toned("".join(sign for sign, _ in run), tone)
        for tone, run in groupby(signs, key=lambda cell: cell[1])
    ]
