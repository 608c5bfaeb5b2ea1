"""Rule files: comma-separated rows, read strictly, with the place of every field.

Blank lines and lines that begin with ``#`` are comments. Space around a bare field does not
count. A field that holds a comma or a double quote stands in double quotes, with each quote inside
doubled; anything else about quotes is refused, because it could hide what a rule says.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from sys import intern

from gateway.model.decision import Rule

MAX_ROW = 4_096
"""The longest row that is read, in characters."""

# Nothing that was taken is given back: trying every way to share out blanks takes minutes.
_FIELD = re.compile(r'[ \t]*+(?:"((?:[^"]|"")*+)"|([^",]*+))[ \t]*+(?=,|$)')


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its ``kind`` (``p`` a rule, ``g`` a role assignment) and the values after it.

    ``file`` is the file's name, ``line`` counts from 1, ``names`` says what each value is called,
    ``text`` is the row as it is written, after ``indent`` blanks.
    """

    kind: str
    values: tuple[str, ...]
    file: str
    line: int
    indent: int
    names: tuple[str, ...]
    text: str

    def __getitem__(self, name: str) -> str:
        """The value of a column by its name."""
        return self.values[self.names.index(name)]

    @property
    def columns(self) -> tuple[int, ...]:
        """Where each value begins in the line, from 1."""
        return tuple(column + self.indent for _, column in _split(self.text, self.line)[1:])

    def column(self, name: str) -> int:
        """Where the value of a column begins in its line, from 1."""
        return self.columns[self.names.index(name)]

    @property
    def rule(self) -> Rule:
        """The row as decisions name it."""
        return Rule(self.file, self.line, self.text)


class RowError(ValueError):
    """A row that cannot be read; ``line`` and ``column`` count from 1."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


def read_rows(
    file: str, text: str, names: Mapping[str, tuple[str, ...]], first: int = 1
) -> Iterator[Row | RowError]:
    """Every row of a rule file, or what is wrong with it, in the order of the file.

    ``names`` are the columns of each kind of row; whether a row has as many is for the caller.
    ``first`` is the line on which ``text`` begins.
    """
    for line, written in enumerate(text.split("\n"), start=first):
        row = written.strip()
        if not row or row.startswith("#"):
            continue
        indent = len(written) - len(written.lstrip())
        if '"' in row or len(row) + indent > MAX_ROW:
            try:
                values = tuple([value for value, _ in _split(written.rstrip(), line)])
            except RowError as error:
                yield error
                continue
        else:  # nothing can be hidden in it, and it is quicker so
            values = tuple([value.strip() for value in row.split(",")])
        values = tuple(map(intern, values))  # many rows say the same, and are compared often
        yield Row(values[0], values[1:], file, line, indent, names.get(values[0], ()), row)


def _split(text: str, line: int) -> list[tuple[str, int]]:
    """The fields of a row with the column at which each begins."""
    if len(text) > MAX_ROW:
        raise RowError(f"a row has at most {MAX_ROW} characters", line, MAX_ROW)
    fields: list[tuple[str, int]] = []
    position = 0
    while True:
        match = _FIELD.match(text, position)
        if match is None:
            raise RowError(_QUOTES, line, position + 1)
        quoted, bare = match.groups()
        if quoted is not None and quoted != quoted.strip():
            raise RowError("a quoted field begins or ends with a space", line, match.start(1) + 1)
        value = bare.strip() if quoted is None else quoted.replace('""', '"')
        fields.append((value, match.start(1 if bare is None else 2) + 1))
        position = match.end()
        if position == len(text):
            return fields
        position += 1


_QUOTES = (
    "the quotes of this field do not add up: put the whole field in double quotes and write each "
    "double quote inside it twice (conditions may use single quotes instead)"
)
