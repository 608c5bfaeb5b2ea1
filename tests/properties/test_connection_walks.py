"""Walking a connection visits what its list does, once each and in order, by pages of any sizes."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import cycle, islice
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.contracts import ContinuedList, CountedList, Listing, listing_of
from gateway.model.problem import ProblemError
from gateway.surfaces.graphql.schema.cursors import Cursors
from gateway.surfaces.graphql.schema.paging import Asked, window_of
from tests.unit.graphql.listed import BY_DEFAULT, EVENTS, FOUND, MOST, PARTS, Counted, Scanned

CURSORS = Cursors("shop.part.list")
SIZES = st.lists(st.integers(1, MOST) | st.none(), min_size=1, max_size=5)
LENGTHS = st.integers(0, 40)

ENOUGH = 200
"""More pages than any of these lists has."""

Answer = Callable[[dict[str, Any]], dict[str, Any]]


def ask(listing: Listing, answer: Answer, **asked: Any) -> dict[str, Any]:
    """A connection, held to what every connection must be."""
    window = window_of(listing, CURSORS, Asked(**asked))
    found = window.connection(answer(window.input))
    page, edges = found["pageInfo"], found["edges"]
    if edges:
        assert (page["startCursor"], page["endCursor"]) == (
            edges[0]["cursor"],
            edges[-1]["cursor"],
        )
    most = asked.get("first") if asked.get("last") is None else asked["last"]
    assert most is None or len(edges) <= most
    return found


def skus(edges: list[dict[str, Any]]) -> list[str]:
    return [edge["node"]["sku"] for edge in edges]


def forward(
    listing: Listing, answer: Answer, sizes: list[int | None], after: str | None = None
) -> Iterator[dict[str, Any]]:
    """Every page from the front, or from behind a cursor, to the end."""
    for size in islice(cycle(sizes), ENOUGH):
        found = ask(listing, answer, first=size, after=after)
        yield found
        if not found["pageInfo"]["hasNextPage"]:
            return
        after = found["pageInfo"]["endCursor"]
    raise AssertionError("it does not end")


@st.composite
def scanned(draw: st.DrawFn) -> Scanned:
    length = draw(st.integers(0, 20))
    there = sorted(draw(st.sets(st.integers(1, length)))) if length else []
    return Scanned(there, length, draw(st.integers(1, 8)), draw(st.booleans()))


def listing_for(answer: Scanned) -> Listing:
    found = listing_of(EVENTS if answer.ends_in_cursor else FOUND)
    assert isinstance(found, ContinuedList)
    return found


def counted() -> Listing:
    found = listing_of(PARTS)
    assert isinstance(found, CountedList)
    return found


@given(LENGTHS, SIZES)
def test_a_counted_list_forward(length: int, sizes: list[int | None]) -> None:
    pages = list(forward(counted(), Counted(length), sizes))
    assert [sku for page in pages for sku in skus(page["edges"])] == [*map(str, range(length))]
    assert {page["totalCount"] for page in pages} == {length}
    assert [page["pageInfo"]["hasPreviousPage"] for page in pages] == [
        False,
        *[True] * (len(pages) - 1),
    ]


@given(LENGTHS, st.lists(st.integers(1, MOST), min_size=1), st.integers(0, 60))
def test_a_counted_list_backward_mirrors_it(length: int, sizes: list[int], start: int) -> None:
    before, seen = CURSORS.write(str(start)), list[str]()
    for size in islice(cycle(sizes), ENOUGH):
        found = ask(counted(), Counted(length), last=size, before=before)
        seen = skus(found["edges"]) + seen
        before = found["pageInfo"]["startCursor"]
        if not found["pageInfo"]["hasPreviousPage"]:
            break
    assert seen == [str(number) for number in range(min(start, length))]


INDEXES = st.integers(0, 45) | st.none()
COUNTS = st.integers(0, MOST)


@given(LENGTHS, COUNTS | st.none(), COUNTS, st.booleans(), INDEXES, INDEXES)
def test_a_page_is_that_of_the_specification(
    length: int, first: int | None, last: int, is_back: bool, after: int | None, before: int | None
) -> None:
    """EdgesToReturn, HasNextPage and HasPreviousPage of section 4.4, with the list's default for
    first."""
    edges = list(range(length))[0 if after is None else after + 1 : before]
    asked: dict[str, Any] = {"after": after, "before": before}
    asked = {name: None if at is None else CURSORS.write(str(at)) for name, at in asked.items()}
    if is_back and before is not None:
        wanted = edges[len(edges) - min(last, len(edges)) :]
        has_next, has_previous = before < length, len(edges) > last
        if before > length:  # where the list ends is not known before it is asked
            return
        found = ask(counted(), Counted(length), last=last, **asked)
    else:
        most = BY_DEFAULT if first is None else first
        wanted, has_next = edges[:most], len(edges) > most
        has_previous = after is not None and length > 0
        found = ask(counted(), Counted(length), first=first, **asked)
    assert skus(found["edges"]) == [*map(str, wanted)]
    assert found["pageInfo"]["hasNextPage"] is has_next
    assert found["pageInfo"]["hasPreviousPage"] is has_previous


@given(scanned(), SIZES, st.integers(1, MOST))
def test_any_cursor_of_such_a_list_goes_on_behind_its_item(
    answer: Scanned, sizes: list[int | None], size: int
) -> None:
    listing = listing_for(answer)
    edges = [edge for page in forward(listing, answer, sizes) for edge in page["edges"]]
    for at, edge in enumerate(edges):
        pages = forward(listing, answer, [size], edge["cursor"])
        seen = [sku for page in pages for sku in skus(page["edges"])]
        assert seen == skus(edges[at + 1 :])


@given(st.text() | st.from_regex(r"[A-Za-z0-9_-]{1,40}", fullmatch=True))
def test_whatever_is_taken_for_a_cursor_was_written_as_one(text: str) -> None:
    assert CURSORS.read(CURSORS.write(text), "after") == text
    with suppress(ProblemError):
        assert CURSORS.write(CURSORS.read(text, "after")) == text


@given(scanned(), SIZES)
def test_a_list_with_cursors_of_its_own_forward(answer: Scanned, sizes: list[int | None]) -> None:
    pages = forward(listing_for(answer), answer, sizes)
    seen = [sku for page in pages for sku in skus(page["edges"])]
    assert seen == [*map(str, answer.there)]
