"""Columns of JSON values, looked at as a whole.

A list of objects is a table. That a column of it holds nothing but values of one kind is found by a
few calls that never come back to Python, where looking at one value after the other costs a call
for each. Nothing is decided here but that all is well: what a column says no to is to be looked at
value by value.
"""

from collections.abc import Callable, Sequence
from itertools import chain
from math import isfinite
from typing import Any

from gateway.model.json import is_unicode

Column = Sequence[Any]
Holds = Callable[[Column], bool]
"""Tells of a column that all its values are as asked."""

_DICTS = frozenset({dict})
_LISTS = frozenset({list})
_TEXTS = frozenset({str})
_INTEGERS = frozenset({int})
_FLOATS = frozenset({float})


def never(_column: Column) -> bool:
    """For values that are always looked at one by one."""
    return False


def typed(wanted: type) -> Holds:
    """Whether all are of exactly this type."""
    wanted_alone = frozenset({wanted})
    return lambda column: wanted_alone.issuperset(map(type, column))


def texts(longest: int) -> Holds:
    """Whether all are texts of Unicode (no lone surrogates) of at most so many characters."""

    def holds(column: Column) -> bool:
        if not _TEXTS.issuperset(map(type, column)):
            return False
        joined = "".join(column)
        # None is longer than all of them together, which is found in half the time.
        is_short = len(joined) <= longest or max(map(len, column)) <= longest
        return is_short and is_unicode(joined)

    return holds


def among(names: frozenset[str]) -> Holds:
    """Whether all are texts out of ``names``."""
    return lambda column: _TEXTS.issuperset(map(type, column)) and names.issuperset(column)


def integers(low: int, high: int) -> Holds:
    """Whether all are integers from ``low`` to ``high``."""

    def holds(column: Column) -> bool:
        if not _INTEGERS.issuperset(map(type, column)):
            return False
        return max(column, default=low) <= high and min(column, default=low) >= low

    return holds


def finite(column: Column) -> bool:
    """Whether all are floats and finite. A sum is finite only if all that was added is; one that
    is not tells nothing."""
    return _FLOATS.issuperset(map(type, column)) and isfinite(sum(column))


def nullable(inner: Holds) -> Holds:
    """Whether ``inner`` holds of all that are not null."""

    def holds(column: Column) -> bool:
        return inner([one for one in column if one is not None] if None in column else column)

    return never if inner is never else holds


def lists(inner: Holds) -> Holds:
    """Whether all are lists, and ``inner`` holds of what is in them."""

    def holds(column: Column) -> bool:
        return are_lists(column) and inner([*chain.from_iterable(column)])

    return never if inner is never else holds


def are_objects(column: Column) -> bool:
    """Whether all are objects of JSON."""
    return _DICTS.issuperset(map(type, column))


def are_lists(column: Column) -> bool:
    """Whether all are lists of JSON."""
    return _LISTS.issuperset(map(type, column))


def columns_of(objects: Column, names: list[str]) -> list[list[Any]] | None:
    """The columns of objects that all have just the members ``names``, in this order; else None."""
    # The keys of an object differ, so that none has more of these than there are. Where all keys
    # in a row are the names again and again, once for each object, each object has all of them.
    if not names or [*chain.from_iterable(objects)] != names * len(objects):
        return None
    values = [*chain.from_iterable(map(dict.values, objects))]
    return [values[at :: len(names)] for at in range(len(names))]
