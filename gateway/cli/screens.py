"""Where an execution is followed: a picture that changes in place, lines, or JSON lines."""

import json
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

import click

from gateway.cli.execution_views import columns_of, picture, show_sight, status_cell, why
from gateway.cli.output import Cell, Output, Toned
from gateway.cli.remote.reading import Sight
from gateway.model.json import JsonObject
from gateway.model.text import printable

if TYPE_CHECKING:  # what it imports takes longer than most commands
    from rich.text import Text


class Screen(Protocol):
    """Shows an execution while the context lasts."""

    def __enter__(self) -> "Screen": ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def show(self, sight: Sight) -> None:
        """Show how it is now."""

    def tell(self, event: JsonObject) -> None:
        """Tell of an event."""

    def end(self, sight: Sight) -> None:
        """Show how it ended, after the context."""


def screen_for(out: Output) -> Screen:
    """The screen that fits the output of a command."""
    if out.as_json:
        return JsonLines()
    changes_in_place = out.for_people and sys.stdout.isatty()
    return Drawing(out) if changes_in_place else Lines(out)


class JsonLines:
    """Each event, and at last the execution, as one line of JSON."""

    def __enter__(self) -> "JsonLines":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def show(self, sight: Sight) -> None:
        """Nothing: events tell what happens."""

    def tell(self, event: JsonObject) -> None:
        """Print the event."""
        click.echo(json.dumps({"event": event}))

    def end(self, sight: Sight) -> None:
        """Print the execution."""
        click.echo(json.dumps(sight.to_json()))


class Lines:
    """A line for each change of the execution or a step: when, of what, to which status, why."""

    def __init__(self, out: Output) -> None:
        self._out = out
        self._seen: dict[str, str] = {}

    def __enter__(self) -> "Lines":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def show(self, sight: Sight) -> None:
        """Print what is not as it was."""
        when = str(sight.execution["updatedAt"])
        self._show(when, "-", sight.status, None)
        for step in sight.steps:
            self._show(when, str(step["key"]), str(step["status"]), why(step))

    def tell(self, event: JsonObject) -> None:
        """Nothing: what it changes is shown."""

    def end(self, sight: Sight) -> None:
        """Nothing: the last line said it."""

    def _show(self, when: str, what: str, status: str, reason: str | None) -> None:
        if self._seen.get(what) != status:
            self._seen[what] = status
            shown = status_cell(self._out, status)
            if self._out.for_people:  # it would have a head for each row
                self._out.line(f"{when}  {what}  ", shown, f"  {reason or ''}")
            else:
                self._out.table((), [(when, what, shown, reason or "-")])


class Drawing:
    """The plan as a picture that changes in place."""

    def __init__(self, out: Output) -> None:
        from rich.console import Console
        from rich.live import Live

        self._out = out
        self._live = Live(
            console=Console(
                force_terminal=True, no_color=not out.in_color, highlight=False, emoji=False
            ),
            auto_refresh=False,
            transient=True,
        )

    def __enter__(self) -> "Drawing":
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def show(self, sight: Sight) -> None:
        """Draw it anew."""
        from rich.text import Text

        head: Sequence[Cell] = [
            f"{sight.execution['executionId']}  ",
            status_cell(self._out, sight.status),
            f"  {sight.execution['updatedAt']}",
        ]
        rows: list[Sequence[Cell]] = [head, [""], *picture(self._out, sight, columns_of(self._out))]
        rows += [[Toned(f"{step['key']}: {said}")] for step in sight.steps if (said := why(step))]
        self._live.update(Text("\n").join(_text(row) for row in rows), refresh=True)

    def tell(self, event: JsonObject) -> None:
        """Nothing: the picture changes."""

    def end(self, sight: Sight) -> None:
        """Leave what is known at the end on the terminal."""
        show_sight(self._out, sight)


def _text(row: Sequence[Cell]) -> "Text":
    from rich.text import Text

    return Text.assemble(
        *(
            (printable(part.text), part.tone.value)
            if isinstance(part, Toned)
            else (printable(part), "")
            for part in row
        )
    )
