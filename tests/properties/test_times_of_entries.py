"""Spans of time are found whatever clocks did."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.journal import times as module
from gateway.journal.audit_history import SqlAuditHistory
from gateway.journal.dialects import SQLITE
from gateway.journal.sqlite_session import SqliteSession
from gateway.journal.statement import creating
from gateway.journal.tables import entry
from gateway.journal.times import Times
from gateway.model.time import after

_EPOCH = "2026-06-01T00:00:00.000000Z"
_HOURS = st.lists(st.integers(0, 40), max_size=30)


def at(hour: int) -> str:
    return after(_EPOCH, hour * 3600.0)


@pytest.fixture(autouse=True, scope="module")
def small() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_BLOCK", 4)
        patch.setattr(module, "_AT_ONCE", 2)
        yield


@contextmanager
def record() -> Iterator[sqlite3.Connection]:
    database = sqlite3.connect(":memory:")
    for command in creating(entry, dialect=SQLITE):
        database.execute(command)
    yield database
    database.close()


def add(database: sqlite3.Connection, first: int, hours: list[int]) -> None:
    rows = [(first + number, number + first, at(hour)) for number, hour in enumerate(hours)]
    insert = "INSERT INTO entry VALUES (?, 'c', ?, 2, ?, 't', 'w', NULL, 'a', '{}', '', '')"
    database.executemany(insert, rows)


def span(database: sqlite3.Connection, times: Times, since: int, until: int) -> tuple[int, int]:
    history = SqlAuditHistory(SqliteSession(database.cursor()), times)
    return history.place_of(at(since)), history.end_of(at(until))


def within(database: sqlite3.Connection, since: int, until: int) -> list[int]:
    asked = "SELECT position FROM entry WHERE at >= ? AND at < ? ORDER BY position"
    return [row[0] for row in database.execute(asked, (at(since), at(until)))]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_HOURS, _HOURS, st.integers(0, 41), st.integers(0, 41))
def test_every_entry_of_a_span_lies_where_it_is_looked_for(
    hours: list[int], more: list[int], since: int, until: int
) -> None:
    times = Times()
    with record() as database:
        add(database, 1, hours)
        for first, late in ((1, []), (1 + len(hours), more)):
            add(database, first, late)
            begin, end = span(database, times, since, until)
            found = within(database, since, until)
            assert all(begin < position <= end for position in found)


@given(_HOURS, st.integers(0, 41), st.integers(0, 41))
def test_no_more_is_looked_at_than_the_span_and_an_hour_where_clocks_go_forward(
    hours: list[int], since: int, until: int
) -> None:
    hours = sorted(hours)
    with record() as database:
        add(database, 1, hours)
        begin, end = span(database, Times(), since, until)
        assert begin == len([hour for hour in hours if hour < since - 1])
        assert end == len([hour for hour in hours if hour < until])


@given(_HOURS, st.sets(st.integers(1, 30)), st.integers(0, 41))
def test_the_last_entry_before_what_is_missing_is_where_a_span_begins(
    hours: list[int], missing: set[int], since: int
) -> None:
    """So that whoever asks sees that it reaches into what was archived."""
    times = Times()
    with record() as database:
        add(database, 1, hours)
        span(database, times, since, since)  # what is known of blocks may be of before
        database.executemany("DELETE FROM entry WHERE position = ?", [(one,) for one in missing])
        begin, _ = span(database, Times(), since, since)
        young = within(database, since - 1, 100)
        older = [row[0] for row in database.execute("SELECT position FROM entry")]
        before = [position for position in older if not young or position < young[0]]
        assert begin == max(before, default=0)


def test_what_is_put_back_is_found() -> None:
    times = Times()
    with record() as database:
        add(database, 1, [1, 2, 3, 4, 5, 6, 7, 8])
        database.execute("DELETE FROM entry WHERE position IN (2, 3)")
        assert span(database, times, 3, 4) == (1, 1)
        add(database, 2, [9, 3])
        assert span(database, times, 9, 10) == (1, 8)


def test_blocks_that_are_complete_are_read_once() -> None:
    times, read = Times(), []
    with record() as database:
        add(database, 1, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
        span(database, times, 3, 4)
        database.set_trace_callback(lambda sql: read.append(sql) if "GROUP BY" in sql else None)
        span(database, times, 3, 4)
    assert len(read) == 1
    assert "entry.position >= 9 AND entry.position <= 12" in read[0]  # the last one may grow
