"""Cursors into what is archived, and audits that reach there, are refused and never cut short."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.auditing.review import Review, review
from gateway.auditing.search import Search, search, stretch_of
from gateway.auditing.span import Span
from gateway.events import start_of
from gateway.journal import (
    Archiving,
    Checkpointer,
    SqliteJournal,
    Times,
    Until,
    open_audit,
    read_record,
)
from gateway.journal import times as times_module
from gateway.journal.audit_history import SqlAuditHistory
from gateway.model.audit_history import AuditHistory, AuditRow
from gateway.model.entry import NewEntry
from gateway.model.event import Cursor
from gateway.model.problem import ProblemError
from tests.contract.journal_story import WORKSPACE, SteppingClock, Story
from tests.unit.journal.conftest import KeySigner

LIVE = "exec_live"


def filled(folder: Path, *entries: NewEntry) -> Archiving:
    """What would archive a record of these entries."""
    path, signer, clock = folder / "data" / "gateway.db", KeySigner(), SteppingClock()

    async def fill() -> None:
        journal = await SqliteJournal.open(path, clock=clock, writer="w")
        for new in entries:
            await journal.write(lambda tx, new=new: tx.append(new))
        await Checkpointer(journal, signer).checkpoint()
        await journal.close()

    asyncio.run(fill())
    return Archiving(path, folder / "archive", signer, clock)


@pytest.fixture
def archiving(tmp_path: Path) -> Archiving:
    """What would remove the first seven entries of a record, of which others stay."""
    return filled(tmp_path, *Story("a").whole("x"), *Story("live").until_started("x"))


@pytest.fixture
def archived(archiving: Archiving) -> Path:
    """A record whose first seven entries went, and an execution among them stays."""
    assert archiving.run(Until(through=100)).entries == 7
    assert isinstance(archiving.place, Path)
    return archiving.place


def test_a_cursor_into_the_archive_is_gone(archived: Path) -> None:
    with pytest.raises(ProblemError) as refused:
        read_record(archived, lambda records: start_of(records, "3"))

    assert refused.value.problem.code == "GONE"
    assert "Begin at 11" in refused.value.problem.detail


def test_a_cursor_behind_the_archive_or_of_an_execution_holds(archived: Path) -> None:
    assert read_record(archived, lambda records: start_of(records, "11")) == Cursor(11)
    assert read_record(archived, lambda records: start_of(records, "8", LIVE)) == Cursor(8)


def test_a_cursor_within_the_last_entry_of_the_archive_holds_only_while_that_is_here(
    tmp_path: Path, archived: Path
) -> None:
    """What else that entry announces would be left out."""
    at_its_end = filled(tmp_path / "b", *Story("live").until_started("x"), *Story("a").whole("x"))
    assert at_its_end.run(Until(through=100)).entries == 7

    with pytest.raises(ProblemError) as refused:
        read_record(at_its_end.place, lambda records: start_of(records, "11.0"))

    assert refused.value.problem.code == "GONE"
    assert "Begin at 11," in refused.value.problem.detail
    assert read_record(archived, lambda records: start_of(records, "11.0")) == Cursor(11, 0)


def test_an_audit_that_reaches_into_the_archive_is_refused(archived: Path) -> None:
    with open_audit(archived) as history, pytest.raises(ProblemError) as refused:
        stretch_of(history, WORKSPACE, Span(), 0)

    assert refused.value.problem.code == "PRECONDITION_FAILED"
    assert "from 2026-03-01T11:30:00.0" in refused.value.problem.detail


def test_an_audit_of_what_was_archived_as_a_whole_is_refused(tmp_path: Path) -> None:
    """Also where nothing that is left was recorded then or before."""
    archiving = filled(tmp_path, *Story("a").whole("x"), *Story("live").until_started("x"))
    with open_audit(archiving.place) as history:
        during, after = (history.entries_after(place, 1)[0].at for place in (5, 7))
    archiving.run(Until(through=100))

    for span in (Span(since=during, until=after), Span(until=after)):
        with open_audit(archiving.place) as history, pytest.raises(ProblemError) as refused:
            stretch_of(history, WORKSPACE, span, 0)
        assert refused.value.problem.code == "PRECONDITION_FAILED"


def test_an_audit_is_answered_by_what_is_here_whatever_was_known_before_archiving(
    archiving: Archiving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(times_module, "_BLOCK", 7)
    times = Times()
    with open_audit(archiving.place, times) as history:
        stretch_of(history, WORKSPACE, Span(), 0)
        live, archived = history.entries_after(7, 1)[0].at, history.entries_after(3, 1)[0].at
    archiving.run(Until(through=100))

    for known in (Times(), times):
        with open_audit(archiving.place, known) as history:
            assert history.place_of(archived) == 0
            assert history.end_of(live) == 0
            with pytest.raises(ProblemError):
                stretch_of(history, WORKSPACE, Span(), 0)


def test_an_audit_behind_the_archive_is_answered(archived: Path) -> None:
    with open_audit(archived) as history:
        later = Span(since="2026-03-01T11:31:00.000000Z")
        assert stretch_of(history, WORKSPACE, later, 0).after >= 11
        assert stretch_of(history, WORKSPACE, Span(), 11).after == 11


def searched(history: AuditHistory) -> object:
    return search(history, Search(WORKSPACE, Span()), 0, 100, rules=True)


def reviewed(history: AuditHistory) -> object:
    return review(history, Review(WORKSPACE, "a.b", None, Span()), lambda *_: None)


@pytest.mark.parametrize("ask", [searched, reviewed])
def test_an_audit_that_is_overtaken_by_archiving_is_refused(
    archiving: Archiving, ask: Callable[[AuditHistory], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    read = SqlAuditHistory.audited

    def overtaken(history: SqlAuditHistory, *given: Any) -> list[AuditRow]:
        archiving.run(Until(through=100))
        return read(history, *given)

    monkeypatch.setattr(SqlAuditHistory, "audited", overtaken)
    with open_audit(archiving.place) as history, pytest.raises(ProblemError) as refused:
        ask(history)

    assert refused.value.problem.code == "PRECONDITION_FAILED"
    assert "archived" in refused.value.problem.detail
