"""Units on PostgreSQL that share a batch: what becomes of one is not told to another."""

import asyncio
import threading
from typing import Any

import pytest

from gateway.journal.postgres import PostgresJournal
from gateway.journal.postgres.commit import PostgresCommit
from gateway.journal.statements import ENTRY_HASH
from gateway.model.entry import EntryType, NewEntry
from gateway.model.ports import Tx
from gateway.model.problem import ProblemError
from tests.contract.test_journal_claims import enlisted
from tests.contract.test_journal_turns import together

pytestmark = pytest.mark.anyio


def good(tx: Tx) -> str:
    tx.append(NewEntry(EntryType.QUERY_ANSWERED, "acme", {"n": 1}, None, "al"))
    return "good"


async def kinds(journal: PostgresJournal) -> list[EntryType]:
    entries = await journal.read(lambda records: records.entries_after(0, 99))
    return [entry.type for entry in entries]


async def test_a_unit_that_fails_before_its_changes_do_fails_alone(
    journal: PostgresJournal,
) -> None:
    """The server has not refused its change yet when it ends by itself."""
    story = await enlisted(journal, "a")

    def bad(tx: Tx) -> None:
        tx.enlist(story.run_id, story.execution_id)  # is there already
        raise RuntimeError("of the unit itself")

    answers = await together(journal, good, bad, good)
    assert [str(answer) for answer in answers] == ["good", "of the unit itself", "good"]
    assert (await kinds(journal))[-2:] == [EntryType.QUERY_ANSWERED] * 2


async def test_a_unit_whose_change_was_refused_fails_alone_whatever_it_had_asked(
    journal: PostgresJournal,
) -> None:
    """What it had asked together with that change has no answer, and nobody waits for one."""
    story = await enlisted(journal, "a")

    def bad(tx: Any) -> None:
        tx._session.ask(ENTRY_HASH, of_position=1)
        tx.enlist(story.run_id, story.execution_id)  # is there already
        tx.claim_of(story.run_id)

    answers = await together(journal, good, bad, good)
    assert answers[::2] == ["good", "good"]
    assert isinstance(answers[1], ProblemError)
    assert (await kinds(journal))[-2:] == [EntryType.QUERY_ANSWERED] * 2


async def test_what_nobody_foresaw_in_one_transaction_is_not_told_to_works_of_another(
    journal: PostgresJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, loop = PostgresCommit._batch, asyncio.get_running_loop()
    begun, go = asyncio.Event(), threading.Event()

    def batch(self: PostgresCommit, session: Any, **given: Any) -> Any:
        if given.get("alone"):
            raise MemoryError
        return make(self, session, **given)

    def swept(tx: Tx) -> None:  # must be run again, alone, with the batch of what comes meanwhile
        loop.call_soon_threadsafe(begun.set)
        assert go.wait(30)
        tx.append(NewEntry(EntryType.RETENTION_SWEPT, "acme", {"cause": "x", "keys": ["k"]}))

    monkeypatch.setattr(PostgresCommit, "_batch", batch)
    alone = asyncio.create_task(journal.write(swept))
    await begun.wait()
    beside = asyncio.create_task(journal.write(good))
    await asyncio.sleep(0)  # it is queued
    go.set()
    with pytest.raises(ProblemError, match="MemoryError"):
        await alone
    assert await beside == "good"
    assert await kinds(journal) == [EntryType.QUERY_ANSWERED]
    commits: Any = journal._writer._perform
    assert not commits.__self__._since
    assert not commits.__self__._alone
