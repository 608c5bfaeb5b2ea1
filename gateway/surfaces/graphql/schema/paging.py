"""Pages of connections: from ``first``, ``after``, ``last`` and ``before`` to what a list is asked,
and from what it answers to edges and ``pageInfo``.

The rules are those of the GraphQL Cursor Connections Specification (Relay), section 4. All of it is
pure: nothing is called here.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from graphql import GRAPHQL_MAX_INT

from gateway.contracts import ContinuedList, CountedList, Listing
from gateway.model.json import JsonObject
from gateway.model.problem import Issue, ProblemError, invalid
from gateway.surfaces.graphql.schema.cursors import Cursors, not_a_cursor

_NUMBER = "(0|[1-9][0-9]{0,9})"
_INDEX = re.compile(_NUMBER, re.ASCII)
_BEHIND = re.compile(f"{_NUMBER}(?:,(.*))?", re.ASCII | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Asked:
    """The arguments of a connection; None where they are absent or null."""

    first: int | None = None
    after: str | None = None
    last: int | None = None
    before: str | None = None


class Window(Protocol):
    """The part of a list that is asked for."""

    @property
    def input(self) -> JsonObject:
        """The paging fields of the contract's input."""
        ...

    @property
    def names(self) -> Mapping[str, str]:
        """The argument that each of these fields comes from."""
        ...

    def connection(self, output: JsonObject) -> JsonObject:
        """The connection, from the contract's output."""
        ...


def window_of(listing: Listing, cursors: Cursors, asked: Asked) -> Window:
    """What the arguments of a connection ask of a list.

    Raises:
        ProblemError: VALIDATION_FAILED for a number below zero, arguments that do not go together,
            or what is no cursor of this list.
    """
    issues = list(_faults_of(asked))
    if issues:
        raise invalid(issues)
    if isinstance(listing, ContinuedList):
        return _ContinuedWindow(listing, cursors, asked, _place(cursors, asked.after))
    start = _index(cursors, asked.after, "after")
    end = _index(cursors, asked.before, "before")
    return _CountedWindow(listing, cursors, asked, 0 if start is None else start + 1, end)


def in_terms_of(window: Window, error: ProblemError) -> ProblemError:
    """A problem of the contract that names the arguments of the connection for its fields."""
    names = {f"/input/{name}": f"/{argument}" for name, argument in window.names.items()}
    told = error.problem
    if not any(issue.path in names for issue in told.issues):
        return error
    issues = tuple(replace(one, path=names.get(one.path, one.path)) for one in told.issues)
    path, colon, said = told.detail.partition(":")
    return ProblemError(replace(told, issues=issues, detail=names.get(path, path) + colon + said))


def _faults_of(asked: Asked) -> Iterator[Issue]:
    for name, number in (("first", asked.first), ("last", asked.last)):
        if number is not None and number < 0:
            yield Issue(f"/{name}", "OUT_OF_RANGE", "must be 0 or more")
    if asked.first is not None and asked.last is not None:
        yield Issue("/last", "NOT_ALLOWED", "must not come with first; send one of the two")
    elif asked.last is not None and asked.before is None:
        told = "is required with last: a list is read from its front; go to its end by first"
        yield Issue("/before", "REQUIRED", told)


@dataclass(frozen=True, slots=True)
class _CountedWindow:
    """Items from ``start`` to before ``end``, as indexes; cursors stand for the index."""

    listing: CountedList
    cursors: Cursors
    asked: Asked
    start: int
    end: int | None

    @property
    def offset(self) -> int:
        if self.asked.last is None or self.end is None:
            return self.start
        return max(self.start, self.end - self.asked.last)

    @property
    def most(self) -> int | None:
        """How many items there may be; None leaves that to the contract."""
        if self.end is None:
            return self.asked.first
        room = max(self.end - self.offset, 0)
        return room if self.asked.first is None else min(self.asked.first, room)

    @property
    def input(self) -> JsonObject:
        """A list is asked for one item at least: it counts the others too."""
        is_by_default = self.asked.first is None and self.asked.last is None
        limit = {} if is_by_default or self.most is None else {"limit": max(self.most, 1)}
        return {"offset": self.offset, **limit}

    @property
    def names(self) -> Mapping[str, str]:
        return {"limit": "first" if self.asked.last is None else "last", "offset": "after"}

    def connection(self, output: JsonObject) -> JsonObject:
        found = _items(output, self.listing.items)
        items, offset = found[: self.most], self.offset
        cursors = [self._cursor(offset + at) for at in range(len(items))]
        total = output.get("total")
        whole = total if isinstance(total, int) else offset + len(found)
        is_forward = self.asked.last is None
        end = whole if self.end is None else min(whole, self.end)
        has_previous = whole > 0 and offset > (0 if is_forward else self.start)
        start, stop = (cursors[0], cursors[-1]) if cursors else (None, None)
        if start is None and has_previous and not is_forward:  # the list is shorter than it was
            start = self._cursor(min(offset, whole))
        return _connection(
            output,
            _edges(items, cursors),
            has_next=offset + len(items) < end if is_forward else end < whole,
            has_previous=has_previous,
            ends=(start, stop),
        )

    def _cursor(self, index: int) -> str:
        return self.cursors.write(str(index))


@dataclass(frozen=True, slots=True)
class _Place:
    """A place in a list with cursors of its own: behind the item ``skipped`` after such a cursor,
    or after the front of the list where that is None."""

    behind: str | None = None
    skipped: int = 0

    def written(self) -> str:
        return str(self.skipped) + ("" if self.behind is None else f",{self.behind}")


@dataclass(frozen=True, slots=True)
class _ContinuedWindow:
    """Items behind a place. Where the list gives a cursor for a page alone, a place within a page
    is counted from the cursor that the page began at."""

    listing: ContinuedList
    cursors: Cursors
    asked: Asked
    place: _Place

    @property
    def input(self) -> JsonObject:
        """A list is asked for one item at least: its own cursor tells whether it goes on."""
        first, behind = self.asked.first, self.place.behind
        after = {} if behind is None else {"after": behind}
        return after if first is None else {**after, "limit": max(first, 1)}

    @property
    def names(self) -> Mapping[str, str]:
        return {"limit": "first", "after": "after"}

    def connection(self, output: JsonObject) -> JsonObject:
        found = _items(output, self.listing.items)
        own = output.get(self.listing.goes_on)
        skipped = self.place.skipped
        rest = found[skipped:]
        items = rest[: self.asked.first]
        is_cut = len(items) < len(rest)
        places = [self._place_of(found, skipped + at, own) for at in range(len(items))]
        cursors = [self.cursors.write(place.written()) for place in places]
        if cursors or is_cut or own is None:
            end = cursors[-1] if cursors else self.asked.after
        else:
            end = self.cursors.write(_Place(own, max(skipped - len(found), 0)).written())
        return _connection(
            output,
            _edges(items, cursors),
            has_next=is_cut or self._goes_on(own),
            has_previous=False,  # nobody can go back in such a list
            ends=(cursors[0] if cursors else None, end),
        )

    def _place_of(self, found: Sequence[Any], at: int, own: str | None) -> _Place:
        """The place behind an item."""
        if own is not None and at == len(found) - 1:
            return _Place(own)
        if self.listing.is_each_marked and isinstance(found[at], dict):
            marked = found[at].get("cursor")
            if isinstance(marked, str):
                return _Place(marked)
        return _Place(self.place.behind, at + 1)

    def _goes_on(self, own: str | None) -> bool:
        if self.listing.goes_on == "next":
            return own is not None
        return own is not None and own != self.place.behind


def _index(cursors: Cursors, cursor: str | None, argument: str) -> int | None:
    if cursor is None:
        return None
    written = cursors.read(cursor, argument)
    if not _INDEX.fullmatch(written) or int(written) >= GRAPHQL_MAX_INT:
        raise not_a_cursor(argument)
    return int(written)


def _place(cursors: Cursors, cursor: str | None) -> _Place:
    if cursor is None:
        return _Place()
    found = _BEHIND.fullmatch(cursors.read(cursor, "after"))
    place = _Place(found[2], int(found[1])) if found else _Place()
    if place == _Place() or place.skipped > GRAPHQL_MAX_INT:
        raise not_a_cursor("after")
    return place


def _items(output: JsonObject, name: str) -> list[Any]:
    """The items of a page; none where policy leaves them out or masks them as a whole."""
    found = output.get(name)
    return found if isinstance(found, list) else []


def _edges(items: Sequence[Any], cursors: Sequence[str]) -> list[JsonObject]:
    return [{"cursor": cursor, "node": item} for cursor, item in zip(cursors, items, strict=True)]


def _connection(
    output: JsonObject,
    edges: list[JsonObject],
    *,
    has_next: bool,
    has_previous: bool,
    ends: tuple[str | None, str | None],
) -> JsonObject:
    """The connection beside the output's own fields, of which nothing is lost."""
    page = {
        "hasNextPage": has_next,
        "hasPreviousPage": has_previous,
        "startCursor": ends[0],
        "endCursor": ends[1],
    }
    told = {"edges": edges, "pageInfo": page, "totalCount": output.get("total")}
    return {**output, **told}
