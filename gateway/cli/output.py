"""How commands print: JSON when asked for, tables and colour on a terminal, plain text in a pipe.

A command that is decorated with ``with_output`` has the flags ``--json`` and ``--color`` and is
called with ``out``. On a terminal a table has a head and fits the width; in a pipe it is one line
a row, its cells divided by tabs, without a head. What others wrote is escaped, so that no text can
steer the terminal.
"""

import functools
import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import click

from gateway.model.text import UNSEEN, printable

if TYPE_CHECKING:  # what it imports takes longer than most commands that print plain text
    from rich.console import Console
    from rich.text import Text


class Tone(StrEnum):
    """What a text means to who reads it; the value is its style on a terminal."""

    PLAIN = ""
    GOOD = "green"
    WARNING = "yellow"
    BAD = "bold red"
    ACTIVE = "cyan"
    QUIET = "dim"
    STRONG = "bold"


@dataclass(frozen=True, slots=True)
class Toned:
    """A text and how it is meant."""

    text: str
    tone: Tone = Tone.PLAIN


Cell = str | Toned

_LONGEST_NAME = 40
"""Names of so many characters, such as ids, are not divided where they stand first in a row."""


_NARROWEST = 4
"""The least width of a column that is divided; rich would leave out what has no room at all."""

_BETWEEN = 3
"""Signs between two columns."""


@dataclass(frozen=True, slots=True)
class Output:
    """Where and how a command prints.

    Attributes:
        as_json: Whether it prints one JSON document, and nothing else, on standard output.
        for_people: Whether it lays out for eyes: tables with heads, drawings, lines that change.
        in_color: Whether it colours.
        in_unicode: Whether box characters and symbols can be printed; else ASCII.
    """

    as_json: bool
    for_people: bool
    in_color: bool
    in_unicode: bool

    def tell(self, value: Any, show: Callable[[], None]) -> None:
        """Print ``value`` as JSON if that was asked for; else have ``show`` print it."""
        if self.as_json:
            self.json(value)
        else:
            show()

    def json(self, value: Any, *, compact: bool = False) -> None:
        """Print a JSON value; what no terminal should be sent is escaped in its texts."""
        indent = None if compact else 2
        text = json.dumps(value, indent=indent, ensure_ascii=not self.in_unicode)
        seen = UNSEEN.sub(lambda found: json.dumps(found[0])[1:-1], text)
        click.echo(
            "".join(
                sign if sign.isprintable() or sign == "\n" else json.dumps(sign)[1:-1]
                for sign in seen
            )
        )

    def line(self, *parts: Cell) -> None:
        """Print one line of these parts, which nothing divides."""
        if not self.in_color:
            click.echo("".join(_plain(part) for part in parts))
            return
        from rich.text import Text  # as above

        self._print(Text.assemble(*(_rich(part) for part in parts)))

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
        """Print rows under the names of their ``columns``; nothing where there are no rows."""
        found = list(rows)
        if not self.for_people:
            for row in found:
                click.echo("\t".join(_plain(cell) for cell in row))
            return
        if not found:
            return
        from rich.box import SIMPLE_HEAD
        from rich.table import Table

        if _least_width(columns, found) > self._console().width:
            self._blocks(columns, found)
            return
        table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
        for place, column in enumerate(columns):
            is_whole = _is_whole(place, found)
            table.add_column(column.upper(), overflow="fold", no_wrap=is_whole)
        for row in found:
            table.add_row(*(_rich(cell) for cell in row))
        self._print(table)

    def _blocks(self, columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
        """Print rows one below the other, for a table whose columns have no room."""
        for number, row in enumerate(rows):
            if number:
                self.line("")
            for column, cell in zip(columns, row, strict=True):
                name = f"{column.lower()}: " if column else ""
                self.line(Toned(name, Tone.QUIET), cell)

    def _print(self, what: Any) -> None:
        """Print what rich can: a table, a text."""
        from rich.text import Text

        self._console().print(what, soft_wrap=isinstance(what, Text))

    def _console(self) -> "Console":
        from rich.console import Console

        return Console(
            file=sys.stdout,
            force_terminal=self.in_color,
            no_color=False,  # whether there is colour was decided
            highlight=False,
            emoji=False,
            legacy_windows=False,
        )


def with_output(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command ``--json`` and ``--color``, and call it with ``out``."""

    @functools.wraps(command)
    def run(*, as_json: bool, color: str, **arguments: Any) -> Any:
        return command(out=output(as_json=as_json, color=color), **arguments)

    colored = click.option(
        "--color",
        type=click.Choice(["auto", "always", "never"]),
        default="auto",
        show_default=True,
        help="Colour: on a terminal without NO_COLOR, or as said here.",
    )
    as_json = click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
    return as_json(colored(run))


def output(*, as_json: bool = False, color: str = "auto") -> Output:
    """How to print to the standard output of this process.

    Args:
        as_json: Whether JSON was asked for.
        color: ``always``, ``never``, or ``auto`` for colour on a terminal, unless NO_COLOR
            (no-color.org) is set.
    """
    is_terminal = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    wanted = color == "always" or (
        color == "auto" and is_terminal and not os.environ.get("NO_COLOR")
    )
    return Output(as_json, is_terminal or color == "always", wanted, _takes_unicode())


def _takes_unicode() -> bool:
    """Whether standard output can print the signs that drawings are made of."""
    try:
        "│✓".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _is_name(cell: Cell) -> bool:
    """Whether a cell is a name or an id, which people copy whole."""
    text = _plain(cell)
    return len(text) <= _LONGEST_NAME and " " not in text


def _is_whole(place: int, rows: Sequence[Sequence[Cell]]) -> bool:
    """Whether the column at ``place`` is not divided."""
    return place == 0 and all(_is_name(row[0]) for row in rows)


def _least_width(columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> int:
    """The width in which a table still has all of its columns."""
    from rich.cells import cell_len

    least = 0
    for place, column in enumerate(columns):
        longest = max(map(cell_len, (column, *(_plain(row[place]) for row in rows))))
        least += longest if _is_whole(place, rows) else min(longest, _NARROWEST)
    return least + _BETWEEN * len(columns) - 1


def _plain(cell: Cell) -> str:
    return printable(cell.text if isinstance(cell, Toned) else cell)


def _rich(cell: Cell) -> "Text":
    from rich.text import Text

    return Text(_plain(cell), style=cell.tone.value if isinstance(cell, Toned) else "")
