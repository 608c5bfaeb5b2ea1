"""Telling how far long work on the record is."""

from collections.abc import Callable
from typing import TypeAlias

Progress: TypeAlias = Callable[[str, int, int], None]
"""Is told what is being done, how much of it is, and how much there is of it."""


def untold(what: str, done: int, total: int) -> None:
    """The progress that nobody asks for."""
