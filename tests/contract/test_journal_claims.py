"""Claims: one owner at a time, no lost wake-up, for every journal."""

import asyncio
from typing import Any

import psycopg
import pytest

from gateway.journal.postgres import PostgresJournal
from gateway.model.execution import Claim
from gateway.model.ports import Journal, Tx
from gateway.model.time import after
from tests.contract.journal_story import Story

pytestmark = pytest.mark.anyio

FAR = "2999-01-01T00:00:00.000000Z"


async def enlisted(
    journal: Journal, name: str = "a", workspace: str = "acme", *, urgent: bool = False
) -> Story:
    story = Story(name, workspace)

    def unit(tx: Tx) -> None:
        received, *others = story.until_started("x")
        tx.append(received._replace(body={**received.body, "direct": urgent}))
        for entry in others:
            tx.append(entry)
        tx.enlist(story.run_id, story.execution_id)

    await journal.write(unit)
    return story


async def due(journal: Journal, limit: int = 10) -> list[str]:
    now = await journal.write(lambda tx: tx.now)
    found = await journal.read(lambda records: records.due_runs(now, limit))
    return [run.run_id for run in found]


async def claimed(journal: Journal, owner: str, until: str = FAR) -> Claim | None:
    return await journal.write(lambda tx: tx.claim("run_a", owner, until))


async def past(journal: Journal, moment: str) -> None:
    """Return once the journal's clock has left ``moment`` behind, whatever makes it go on."""
    while await journal.write(lambda tx: tx.now) <= moment:
        pass


async def test_a_new_run_is_due_at_once_and_held_by_nobody(journal: Journal) -> None:
    await enlisted(journal)

    assert await due(journal) == ["run_a"]
    claim = await claimed(journal, "one")
    assert claim is not None
    assert (claim.execution_id, claim.owner, claim.epoch) == ("exec_a", "one", 1)
    assert (claim.lease_until, claim.wake_seq) == (FAR, 1)
    assert await due(journal) == []


async def test_a_held_run_is_taken_by_nobody_else(journal: Journal) -> None:
    await enlisted(journal)
    await claimed(journal, "one")

    assert await claimed(journal, "two") is None
    again = await claimed(journal, "one")
    assert again is not None
    assert again.epoch == 2


async def test_of_two_owners_that_come_together_one_gets_the_run(journal: Journal) -> None:
    await enlisted(journal)

    claims = await asyncio.gather(*(claimed(journal, f"owner-{n}") for n in range(16)))

    assert [claim.epoch for claim in claims if claim] == [1]


async def test_a_lapsed_lease_lets_another_in_and_fences_the_first_out(journal: Journal) -> None:
    await enlisted(journal)
    soon = after(await journal.write(lambda tx: tx.now), 0.002)
    first = await claimed(journal, "one", soon)
    assert first is not None
    await past(journal, soon)

    assert await due(journal) == ["run_a"]
    second = await claimed(journal, "two")
    assert second is not None
    assert second.epoch == 2
    assert await journal.write(lambda tx: tx.fence("run_a", 1, FAR)) is None
    assert await journal.write(lambda tx: tx.release("run_a", 1, 1, None)) is False
    held = await journal.write(lambda tx: tx.fence("run_a", 2, FAR))
    assert held is not None
    assert held.owner == "two"


async def test_a_fence_prolongs_the_lease(journal: Journal) -> None:
    await enlisted(journal)
    now = await journal.write(lambda tx: tx.now)
    await claimed(journal, "one", after(now, 0.002))

    prolonged = await journal.write(lambda tx: tx.fence("run_a", 1, FAR))

    assert prolonged is not None
    assert prolonged.lease_until == FAR
    assert await due(journal) == []


async def test_a_released_run_is_due_when_it_wanted_to_wake(journal: Journal) -> None:
    await enlisted(journal)
    await claimed(journal, "one")
    now = await journal.write(lambda tx: tx.now)
    soon = after(now, 3600)

    assert await journal.write(lambda tx: tx.release("run_a", 1, 1, soon)) is True

    assert await due(journal) == []
    assert await journal.read(lambda r: r.next_wake()) == soon
    later = await journal.read(lambda r: r.due_runs(after(soon, 1), 10))
    assert [run.run_id for run in later] == ["run_a"]
    assert await journal.write(lambda tx: tx.fence("run_a", 1, FAR)) is None


async def test_a_run_released_for_ever_is_never_due(journal: Journal) -> None:
    await enlisted(journal)
    await claimed(journal, "one")
    await journal.write(lambda tx: tx.release("run_a", 1, 1, None))

    assert await journal.read(lambda r: r.due_runs(FAR, 10)) == []
    assert await journal.read(lambda r: r.next_wake()) is None


async def test_a_wake_up_before_the_release_is_not_lost(journal: Journal) -> None:
    await enlisted(journal)
    await claimed(journal, "one")
    await journal.write(lambda tx: tx.wake("run_a"))

    assert await journal.write(lambda tx: tx.release("run_a", 1, 1, None)) is False
    claim = await journal.write(lambda tx: tx.fence("run_a", 1, FAR))
    assert claim is not None
    assert claim.wake_seq == 2
    assert await journal.write(lambda tx: tx.release("run_a", 1, 2, None)) is True


async def test_a_wake_up_after_the_release_makes_the_run_due(journal: Journal) -> None:
    await enlisted(journal)
    await claimed(journal, "one")
    await journal.write(lambda tx: tx.release("run_a", 1, 1, None))

    await journal.write(lambda tx: tx.wake("run_a"))

    assert await due(journal) == ["run_a"]


async def test_a_run_that_was_ended_from_outside_is_due_until_it_is_given_back(
    journal: Journal,
) -> None:
    story = await enlisted(journal)
    await journal.write(lambda tx: tx.append(story.ended("cancelled", x="cancelled")))
    await journal.write(lambda tx: tx.wake("run_a"))
    assert await due(journal) == ["run_a"]

    await claimed(journal, "one")
    assert await journal.write(lambda tx: tx.release("run_a", 1, 2, None)) is True

    assert await due(journal) == []
    assert await journal.read(lambda r: r.next_wake()) is None


async def test_the_longest_overdue_run_comes_first(journal: Journal) -> None:
    for name in ("a", "b", "c"):
        await enlisted(journal, name)
    await journal.write(lambda tx: tx.wake("run_a"))

    assert await due(journal) == ["run_b", "run_c", "run_a"]
    assert await due(journal, limit=2) == ["run_b", "run_c"]


async def test_due_runs_that_nobody_holds_are_counted_up_to_a_bound(journal: Journal) -> None:
    for name in ("a", "b", "c", "d"):
        await enlisted(journal, name)
    now = await journal.write(lambda tx: tx.now)
    await claimed(journal, "one")
    await journal.write(lambda tx: tx.claim("run_b", "one", FAR))
    await journal.write(lambda tx: tx.release("run_b", 1, 1, after(now, 3600)))

    assert await journal.read(lambda records: records.waiting_runs(now, 10)) == 2
    assert await journal.read(lambda records: records.waiting_runs(now, 1)) == 1
    later = after(now, 7200)
    assert await journal.read(lambda records: records.waiting_runs(later, 10)) == 3


async def test_the_next_wake_is_the_earliest_of_wakes_and_leases(journal: Journal) -> None:
    for name in ("a", "b"):
        await enlisted(journal, name)
    now = await journal.write(lambda tx: tx.now)
    await claimed(journal, "one", after(now, 50))
    await journal.write(lambda tx: tx.claim("run_b", "one", FAR))
    await journal.write(lambda tx: tx.release("run_b", 1, 1, after(now, 90)))
    assert await journal.read(lambda r: r.next_wake()) == after(now, 50)

    await journal.write(lambda tx: tx.fence("run_a", 1, after(now, 200)))
    assert await journal.read(lambda r: r.next_wake()) == after(now, 90)


async def test_runs_that_were_parked_at_a_later_time_are_found(journal: Journal) -> None:
    for name in "abcd":
        await enlisted(journal, name)
    await claimed(journal, "one")
    await journal.write(lambda tx: tx.claim("run_b", "one", FAR))
    await journal.write(lambda tx: tx.release("run_b", 1, 1, None))
    await journal.write(lambda tx: tx.claim("run_c", "one", FAR))
    await journal.write(lambda tx: tx.release("run_c", 1, 1, FAR))
    now = await journal.write(lambda tx: tx.now)

    async def ahead(moment: str, limit: int = 10, behind: str = "") -> list[str]:
        found = await journal.read(lambda records: records.runs_ahead(moment, limit, behind))
        return [run.run_id for run in found]

    assert await ahead(after(now, 1)) == []
    before = after(now, -3600)
    assert await ahead(before) == ["run_c", "run_d"]
    assert await ahead(before, 1) == ["run_c"]
    assert await ahead(before, 1, "run_c") == ["run_d"]


async def test_a_lease_that_is_too_long_is_shortened(journal: Journal) -> None:
    for name in "abc":
        await enlisted(journal, name)
    now = await journal.write(lambda tx: tx.now)
    await claimed(journal, "gone")
    await journal.write(lambda tx: tx.claim("run_b", "one", after(now, 30)))

    assert await journal.write(lambda tx: tx.shorten(after(now, 60))) == 1

    claims = await journal.read(lambda r: [r.claim_of(f"run_{name}") for name in "abc"])
    assert [one.lease_until for one in claims if one] == [after(now, 60), after(now, 30), None]


async def test_adopting_frees_what_an_earlier_process_held(journal) -> None:
    for name in ("a", "b"):
        await enlisted(journal, name)
    await claimed(journal, "dead")

    if isinstance(journal, PostgresJournal):
        assert await journal.adopt() == 0  # whoever holds it may live: its lease says how long
        return
    assert await journal.adopt() == 1

    assert sorted(await due(journal)) == ["run_a", "run_b"]
    claim = await claimed(journal, "alive")
    assert claim is not None
    assert claim.epoch == 2


async def test_a_claim_is_read_as_it_is(journal: Journal) -> None:
    await enlisted(journal)
    assert await journal.read(lambda records: records.claim_of("run_z")) is None

    taken = await claimed(journal, "one")

    assert await journal.read(lambda records: records.claim_of("run_a")) == taken


async def test_a_run_of_no_recorded_execution_is_not_enlisted(journal: Journal) -> None:
    with pytest.raises(ValueError, match="a change hit another number of rows"):
        await journal.write(lambda tx: tx.enlist("run_x", "exec_nobody"))


async def test_a_busy_workspace_does_not_hide_what_is_due_elsewhere(journal: Journal) -> None:
    for number in range(40):
        await enlisted(journal, f"n{number:02}", "noisy")
    await enlisted(journal, "q", "quiet")
    await enlisted(journal, "u", "noisy", urgent=True)
    now = await journal.write(lambda tx: tx.now)

    found = await journal.read(lambda records: records.due_runs(now, 10))

    assert [run.run_id for run in found if run.workspace == "quiet"] == ["run_q"]
    noisy = [run for run in found if run.workspace == "noisy"]
    assert [run.urgent for run in noisy] == [True] + [False] * 7
    assert [run.run_id for run in noisy[1:]] == [f"run_n{number:02}" for number in range(7)]


async def test_a_cap_counts_what_is_held(journal: Journal) -> None:
    for name in ("a", "b", "c"):
        await enlisted(journal, name)
    await enlisted(journal, "z", "other")
    now = await journal.write(lambda tx: tx.now)

    async def take(name: str) -> Claim | None:
        return await journal.write(lambda tx: tx.claim(f"run_{name}", "one", FAR, 2))

    found = await journal.read(lambda records: records.due_runs(now, 10, 2))
    assert sorted(run.run_id for run in found) == ["run_a", "run_b", "run_z"]
    assert await take("a")
    assert await take("b")
    assert await take("c") is None
    assert await take("z")
    assert await journal.read(lambda records: records.due_runs(now, 10, 2)) == []
    assert (again := await take("a"))  # who holds a run may take it again
    assert await journal.write(lambda tx: tx.release("run_a", again.epoch, 1, None))
    assert await take("c")


async def test_what_lapsed_does_not_count_for_the_cap(journal: Journal) -> None:
    for name in ("a", "b"):
        await enlisted(journal, name)
    soon = after(await journal.write(lambda tx: tx.now), 0.002)
    await claimed(journal, "dead", soon)
    await past(journal, soon)

    assert await journal.write(lambda tx: tx.claim("run_b", "one", FAR, 1))


async def test_runs_that_lapsed_in_a_workspace_at_its_cap_hide_nobody_else_s(
    journal: Journal,
) -> None:
    for name in "abcd":
        await enlisted(journal, name, "noisy")
    soon = after(await journal.write(lambda tx: tx.now), 0.002)
    for name in "bcd":
        await journal.write(lambda tx, of=f"run_{name}": tx.claim(of, "dead", soon))
    await past(journal, soon)
    await enlisted(journal, "q", "quiet")
    now = await journal.write(lambda tx: tx.now)

    async def found(limit: int, cap: int) -> list[str]:
        due = await journal.read(lambda records: records.due_runs(now, limit, cap))
        return [run.run_id for run in due]

    assert len(await found(3, 4)) == 3
    assert await journal.write(lambda tx: tx.claim("run_a", "one", FAR, 1))
    assert await found(3, 1) == ["run_q"]


@pytest.mark.parametrize(("due_runs", "cap"), [(3, 5), (20, 5), (20, None)])
async def test_to_look_for_due_runs_does_not_cost_more_where_many_workspaces_wait(
    journal: Journal, due_runs: int, cap: int | None
) -> None:
    later = after(await journal.write(lambda tx: tx.now), 3600)

    def parked(tx: Tx, name: str) -> None:
        assert tx.claim(f"run_{name}", "one", FAR)
        assert tx.release(f"run_{name}", 1, 1, later)

    for number in range(40):
        await enlisted(journal, f"w{number}", f"waits{number}")
        await journal.write(lambda tx, of=f"w{number}": parked(tx, of))
    for number in range(due_runs):
        await enlisted(journal, f"n{number:02}", "noisy")
    now = await journal.write(lambda tx: tx.now)

    def look(records: Any) -> tuple[int, int]:
        asked, ask = [], records._all
        records._all = lambda *given, **values: asked.append(given) or ask(*given, **values)
        try:
            return len(records.due_runs(now, 10, cap)), len(asked)
        finally:
            records._all = ask

    found, statements = await journal.read(look)
    assert found == min(due_runs, cap or 10)
    assert statements < 10


async def test_renewing_prolongs_what_ends_soon_and_is_of_that_owner(journal: Journal) -> None:
    for name in ("a", "b", "c"):
        await enlisted(journal, name)
    now = await journal.write(lambda tx: tx.now)
    soon, later, last = after(now, 5), after(now, 50), after(now, 90)
    for name, owner, until in (("a", "one", soon), ("b", "one", later), ("c", "two", soon)):
        await journal.write(
            lambda tx, given=(name, owner, until): tx.claim(f"run_{given[0]}", *given[1:])
        )

    renewed = await journal.write(lambda tx: tx.renew("one", last, after(now, 40)))

    assert [(claim.run_id, claim.epoch, claim.lease_until) for claim in renewed] == [
        ("run_a", 1, last)
    ]
    untouched = await journal.read(lambda records: records.claim_of("run_c"))
    assert untouched is not None
    assert untouched.lease_until == soon


async def test_an_owner_that_leaves_frees_also_what_somebody_is_about_to_change(
    journal: Journal,
) -> None:
    await enlisted(journal)
    await claimed(journal, "one")
    if not isinstance(journal, PostgresJournal):
        return  # nobody else writes there
    with psycopg.connect(journal.url) as other:
        other.execute("SELECT 1 FROM claim WHERE run_id = 'run_a' FOR UPDATE")
        freeing = asyncio.create_task(journal.write(lambda tx: tx.free("one")))
        await asyncio.wait({freeing}, timeout=0.5)

    assert await freeing == 1


async def test_an_owner_that_leaves_frees_what_it_held(journal: Journal) -> None:
    for name in ("a", "b"):
        await enlisted(journal, name)
    await claimed(journal, "one")
    await journal.write(lambda tx: tx.claim("run_b", "two", FAR))

    assert await journal.write(lambda tx: tx.free("one")) == 1

    assert await due(journal) == ["run_a"]
    assert await journal.write(lambda tx: tx.fence("run_a", 1, FAR)) is None
