"""What a workspace did and has to do, counted by every journal."""

from collections import Counter
from operator import methodcaller

import pytest

from gateway.auditing.span import Span
from gateway.journal.audit_history import open_audit
from gateway.model.activity import ActivityCount, Holder
from gateway.model.approval import ApprovalFilter, Decider
from gateway.model.audit_history import Stretch
from gateway.model.entry import EntryType, NewEntry
from gateway.model.ports import Journal, Page, Records, Tx
from gateway.model.time import after
from tests.contract.journal_story import WORKSPACE, Story, call

pytestmark = pytest.mark.anyio

FAR = "2999-01-01T00:00:00.000000Z"
IN_TIME = "2026-03-01T10:00:00.000000Z"
"""Before the request of the story expires."""


async def tell(journal: Journal, *entries: NewEntry) -> str:
    def unit(tx: Tx) -> str:
        for entry in entries:
            tx.append(entry)
        return tx.now

    return await journal.write(unit)


async def counted(
    journal: Journal, workspace: str = WORKSPACE, begin: int = 0
) -> set[ActivityCount]:
    def read(records: Records) -> list[ActivityCount]:
        return records.activity(workspace, begin, records.last_position())

    found = await journal.read(read)
    assert len(set(found)) == len(found)
    return set(found)


def denied(workspace: str = WORKSPACE) -> NewEntry:
    body = {"contract": "a.b@1.0.0", "decision": {}}
    return NewEntry(EntryType.CALL_DENIED, workspace, body, None, "alice")


async def test_entries_are_counted_by_minute_contract_and_outcome(journal: Journal) -> None:
    failed = NewEntry(
        EntryType.CALL_FAILED, WORKSPACE, {"contract": "a.b@1.0.0", "code": "TIMEOUT"}, None, "bob"
    )
    done = (*Story("a").whole("x", "y"), call(None), denied(), denied(), failed)
    minute = (await tell(journal, *done))[:16]

    assert await counted(journal) == {
        ActivityCount(minute, EntryType.RUN_STARTED, None, None, 1),
        ActivityCount(minute, EntryType.STEP_DISPATCHED, "support.ticket.read@1.0.0", None, 2),
        ActivityCount(minute, EntryType.STEP_COMPLETED, None, None, 2),
        ActivityCount(minute, EntryType.RUN_ENDED, None, "completed", 1),
        ActivityCount(minute, EntryType.CALL_COMPLETED, "support.reply@1.0.0", None, 1),
        ActivityCount(minute, EntryType.CALL_DENIED, "a.b@1.0.0", None, 2),
        ActivityCount(minute, EntryType.CALL_FAILED, "a.b@1.0.0", "TIMEOUT", 1),
    }


async def test_another_workspace_counts_for_itself(journal: Journal) -> None:
    await tell(journal, denied(), denied("other"), *Story("b", "other").whole("x"))

    assert {one.type for one in await counted(journal)} == {EntryType.CALL_DENIED}
    assert EntryType.RUN_ENDED in {one.type for one in await counted(journal, "other")}


async def test_a_text_with_a_nul_keeps_nothing_from_being_counted_or_found(
    journal: Journal,
) -> None:
    """PostgreSQL reads no member of a document that holds U+0000 in any text."""
    body = {**denied().body, "subject": "alice", "input": {"asked": "a\0b", "as": "\\u0000"}}
    await tell(journal, NewEntry(EntryType.CALL_DENIED, WORKSPACE, body, None, "alice"))

    [found] = await counted(journal)
    assert (found.contract, found.count) == ("a.b@1.0.0", 1)
    with open_audit(journal.place) as history:
        tokens = history.tokens(Stretch(WORKSPACE, 0, 1, Span().since, Span().until))
    assert [token.subject for token in tokens] == ["alice"]


async def test_a_note_with_a_nul_hides_no_request_from_who_may_decide(journal: Journal) -> None:
    story = Story("a")
    vote = story.voted("x", "appr_1", "bob", approved=False)
    vote.body["note"] = "fine\0"
    await tell(journal, *story.until_started("x"), story.requested("x", "appr_1", 2), vote)

    def open_to(subject: str) -> ApprovalFilter:
        decider = Decider(subject, frozenset({"approver"}), IN_TIME)
        return ApprovalFilter(WORKSPACE, "pending", decider=decider)

    for subject, count in (("carol", 1), ("bob", 0)):
        which = open_to(subject)
        _, total = await journal.read(lambda r, which=which: r.approvals(which, Page(10, 0)))
        assert total == count


@pytest.mark.parametrize(
    ("involved", "asking"),
    [("bob", "BOB"), ("Änne", "änne"), ("straße", "STRASSE"), ("STRASSE", "straße"), ("I", "i")],
)
async def test_whoever_is_involved_is_asked_under_no_spelling(
    journal: Journal, involved: str, asking: str
) -> None:
    by_vote, by_part = Story("a"), Story("b")
    vote = by_vote.voted("x", "appr_1", involved, approved=False)
    asked = by_part.requested("x", "appr_2")
    asked.body["excluded"] = [involved]
    await tell(
        journal,
        *(*by_vote.until_started("x"), by_vote.requested("x", "appr_1", 2), vote),
        *(*by_part.until_started("x"), asked),
    )
    for subject, count in ((asking, 0), ("ärne", 2), ("carol", 2)):
        decider = Decider(subject, frozenset({"approver"}), IN_TIME)
        which = ApprovalFilter(WORKSPACE, "pending", decider=decider)
        found, total = await journal.read(lambda r, which=which: r.approvals(which, Page(10, 0)))
        assert (len(found), total) == (count, count)


async def test_stretches_make_up_the_whole(journal: Journal) -> None:
    await tell(journal, *Story("a").whole("x", "y", "z"), denied())
    last = await journal.read(lambda records: records.last_position())
    parts: Counter[EntryType] = Counter()
    for begin in range(last):
        read = methodcaller("activity", WORKSPACE, begin, begin + 1)
        for one in await journal.read(read):
            parts[one.type] += one.count

    whole: Counter[EntryType] = Counter()
    for one in await counted(journal):
        whole[one.type] += one.count
    assert parts == whole
    assert whole[EntryType.STEP_COMPLETED] == 3


async def test_a_place_is_found_by_its_moment(journal: Journal) -> None:
    for _ in range(9):
        await tell(journal, denied())
    first = await journal.read(lambda records: records.moment_behind(0))
    entries = await journal.read(lambda records: records.entries_after(0, 20))
    assert first == entries[0].at

    for place, entry in enumerate(entries):
        before = await journal.read(methodcaller("position_before", entry.at))
        assert before == (entries[place - 1].position if place else 0)
    assert await journal.read(lambda r: r.position_before(FAR)) == entries[-1].position
    assert await journal.read(lambda r: r.moment_behind(entries[-1].position)) is None


async def test_runs_are_due_held_or_parked(journal: Journal) -> None:
    def unit(tx: Tx) -> str:
        for name in ("a", "b", "c", "d"):
            story = Story(name)
            for entry in story.until_started("x"):
                tx.append(entry)
            tx.enlist(story.run_id, story.execution_id)
        other = Story("o", "other")
        for entry in other.until_started("x"):
            tx.append(entry)
        tx.enlist(other.run_id, other.execution_id)
        return tx.now

    now = await journal.write(unit)
    lease = after(now, 60)
    await journal.write(lambda tx: tx.claim("run_a", "proc-1", lease))
    await journal.write(lambda tx: tx.claim("run_b", "proc-1", FAR))
    await journal.write(lambda tx: tx.claim("run_c", "proc-2", FAR))
    await journal.write(lambda tx: tx.release("run_c", 1, 1, FAR))

    now = await journal.write(lambda tx: tx.now)
    found = await journal.read(lambda records: records.workload(WORKSPACE, now, 10))
    assert (found.due, found.held, found.parked) == (1, 2, 1)
    assert found.executions == {
        "paused": 0, "running": 4, "waiting_approval": 0, "unresolved": 0
    }  # fmt: skip
    holders = await journal.read(lambda records: records.holders(WORKSPACE, now, 10))
    assert holders == [Holder("proc-1", 2, lease)]
    assert await journal.read(lambda records: records.holders(WORKSPACE, FAR, 10)) == [
        Holder("proc-1", 1, FAR)
    ]
    few = await journal.read(lambda records: records.workload(WORKSPACE, now, 1))
    assert (few.due, few.held, sum(few.executions.values())) == (1, 1, 1)


async def test_requests_wait_until_they_are_decided_or_too_late(journal: Journal) -> None:
    story = Story("a")
    await tell(journal, *story.until_started("x"), story.requested("x", "appr_1"))

    async def open_at(moment: str) -> int:
        found = await journal.read(lambda records: records.workload(WORKSPACE, moment, 10))
        return found.approvals

    assert await open_at(IN_TIME) == 1
    assert await open_at(FAR) == 0
    await tell(journal, story.voted("x", "appr_1", "fiona", approved=True))
    assert await open_at(IN_TIME) == 0
