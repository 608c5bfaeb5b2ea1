"""How much is not over yet, as every journal counts it."""

import pytest

from gateway.journal import DurableJournal
from gateway.model.delivery import Delivery
from gateway.model.ports import Tx
from gateway.model.standing import Standing
from gateway.model.time import after
from tests.contract.journal_story import Story

pytestmark = pytest.mark.anyio

FAR = "2999-01-01T00:00:00.000000Z"


async def standing(journal: DurableJournal, up_to: int = 100) -> Standing:
    now = await journal.write(lambda tx: tx.now)
    return await journal.read(lambda records: records.standing(now, up_to))


async def begun(journal: DurableJournal, name: str, workspace: str) -> Story:
    """A run that is due, with a step that asks for an approval."""
    story = Story(name, workspace)

    def unit(tx: Tx) -> None:
        asked = story.requested("x", f"appr_{name}")
        for entry in story.until_started("x"):
            tx.append(entry)
        tx.append(asked._replace(body={**asked.body, "expiresAt": FAR}))
        tx.enlist(story.run_id, story.execution_id)

    await journal.write(unit)
    return story


async def test_an_empty_record_has_nothing_to_do(journal: DurableJournal) -> None:
    open_statuses = ("paused", "running", "unresolved", "waiting_approval")
    nothing = dict.fromkeys(open_statuses, 0)
    assert await standing(journal) == Standing(0, 0, 0, nothing, 0, 0)


async def test_what_is_open_is_counted_over_all_workspaces(journal: DurableJournal) -> None:
    stories = [
        await begun(journal, name, workspace)
        for name, workspace in (("a", "acme"), ("b", "acme"), ("c", "globex"), ("d", "initech"))
    ]
    held, parked, *_ = stories
    now = await journal.write(lambda tx: tx.now)

    def move(tx: Tx) -> None:
        tx.claim(held.run_id, "one", after(now, 600))
        claim = tx.claim(parked.run_id, "one", after(now, 600))
        assert claim is not None
        tx.release(parked.run_id, claim.epoch, claim.wake_seq, FAR)
        delivery = Delivery("wh_1", "acme", "hook", "evt_1", 1, 0, "t@1.0.0", None, now, now)
        tx.queue_deliveries([delivery])

    await journal.write(move)
    found = await standing(journal)
    assert (found.due, found.held, found.parked) == (2, 1, 1)
    assert sum(found.executions.values()) == 4
    assert (found.approvals, found.deliveries) == (4, 1)


async def test_it_counts_no_further_than_it_was_asked(journal: DurableJournal) -> None:
    for name in "abc":
        await begun(journal, name, "acme")
    found = await standing(journal, up_to=2)
    assert (found.due, sum(found.executions.values()), found.approvals) == (2, 2, 2)
