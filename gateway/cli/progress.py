"""Telling on standard error how far a long command is."""

import sys
import time
from typing import Self

import click

with_progress = click.option(
    "--progress", is_flag=True, help="Tell on standard error how far it is, anywhere."
)
"""Give a command the flag ``progress``, for ``ProgressLine``."""

_BAR = 20
"""Signs of the bar on a terminal."""

_EVERY = 0.2
"""Seconds between two changes of the line on a terminal."""


class ProgressLine:
    """One line that changes in place on a terminal; a line each tenth where that was ``asked`` for
    and standard error is no terminal; else nothing."""

    def __init__(self, *, asked: bool) -> None:
        self._is_terminal = sys.stderr.isatty()
        self._is_asked = asked
        self._shown_at = 0.0
        self._tenth: tuple[str, int] | None = None
        self._width = 0

    def __call__(self, what: str, done: int, total: int) -> None:
        """``done`` of ``total`` are done of what is told as ``what``."""
        share = 100 * done // total if total else 100
        if self._is_terminal:
            now = time.monotonic()
            if now - self._shown_at >= _EVERY:
                self._shown_at = now
                filled = share * _BAR // 100
                bar = "#" * filled + "-" * (_BAR - filled)
                self._show(f"{what}: {share}% of {total} [{bar}]")
        elif self._is_asked and self._tenth != (what, share // 10):
            self._tenth = what, share // 10
            click.echo(f"{what}: {share}% of {total}", err=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Leave the terminal as it was."""
        if self._width:
            self._show("")
            click.echo("\r", nl=False, err=True)

    def _show(self, text: str) -> None:
        click.echo(f"\r{text.ljust(self._width)}", nl=False, err=True)
        self._width = max(self._width, len(text))
