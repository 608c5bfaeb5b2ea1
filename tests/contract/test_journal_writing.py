"""Writing and reading back, for every journal."""

import asyncio
from datetime import UTC, datetime

import pytest

from gateway.model.entry import GENESIS, EntryType, NewEntry
from gateway.model.execution import ExecutionStatus
from gateway.model.ports import Journal, Records, Tx
from gateway.model.problem import ProblemError
from tests.contract.journal_story import WORKSPACE, Story, call, placed

pytestmark = pytest.mark.anyio


def receiving(name: str):
    return lambda tx: tx.append(Story(name).received())


async def test_a_written_entry_is_read_back_as_it_was_recorded(journal: Journal) -> None:
    written = await journal.write(receiving("a"))

    entries = await journal.read(lambda records: records.entries("exec_a"))

    assert entries == placed([written])
    assert written.chain == "execution/exec_a"
    assert (written.seq, written.previous) == (1, GENESIS)
    assert written.actor == "alice"
    assert written.body["metadata"] == {"ticket": 7}
    assert written.at.endswith("Z")
    assert len(written.at) == len("2026-03-01T09:30:00.000000Z")


async def test_entries_of_one_execution_follow_one_another(journal: Journal) -> None:
    story = Story("a")
    for entry in story.whole("x", "y"):
        await journal.write(lambda tx, entry=entry: tx.append(entry))

    entries = await journal.read(lambda records: records.entries("exec_a"))

    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
    assert [entry.previous for entry in entries[1:]] == [entry.hash for entry in entries[:-1]]
    later = await journal.read(lambda records: records.entries("exec_a", after=2, limit=3))
    assert later == entries[2:5]


async def test_entries_without_an_execution_chain_per_workspace_and_writer(
    journal: Journal,
) -> None:
    def unit(tx: Tx) -> list[str]:
        names = ("acme", "acme", "beta", "a/b")
        return [tx.append(call(None, name)).chain for name in names]

    chains = await journal.write(unit)

    assert chains == [
        *("workspace/acme/writer-1", "workspace/acme/writer-1"),
        *("workspace/beta/writer-1", "workspace/a%2Fb/writer-1"),
    ]


async def test_a_unit_reads_what_it_has_just_appended(journal: Journal) -> None:
    def unit(tx: Tx) -> ExecutionStatus | None:
        for entry in Story("a").until_started("x"):
            tx.append(entry)
        found = tx.execution(WORKSPACE, "exec_a")
        return found.status if found else None

    assert await journal.write(unit) is ExecutionStatus.RUNNING


async def test_a_failing_unit_among_many_is_undone_alone(journal: Journal) -> None:
    def failing(tx: Tx) -> None:
        tx.append(Story("shared").received())
        tx.append(call(None))
        raise RuntimeError("changed my mind")

    def unit(number: int):
        return failing if number == 20 else lambda tx: tx.append(call(None, n=number))

    outcomes = await asyncio.gather(
        *(journal.write(unit(number)) for number in range(40)), return_exceptions=True
    )

    failed = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    assert [str(error) for error in failed] == ["changed my mind"]
    kept = [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
    assert [entry.seq for entry in kept] == list(range(1, 40))
    assert [entry.previous for entry in kept[1:]] == [entry.hash for entry in kept[:-1]]
    assert await journal.read(lambda r: r.execution(WORKSPACE, "exec_shared")) is None


async def test_a_unit_that_hides_a_failed_append_is_undone_all_the_same(journal: Journal) -> None:
    await journal.write(lambda tx: tx.append(call("k")))

    def hiding(tx: Tx) -> str:
        tx.append(Story("hidden").received())
        try:
            tx.append(call("k"))
        except ProblemError:
            return "as if nothing had happened"
        raise AssertionError("the second call was accepted")

    with pytest.raises(ProblemError, match="CONFLICT"):
        await journal.write(hiding)
    assert await journal.read(lambda r: r.entries("exec_hidden")) == []


async def test_an_idempotency_key_is_recorded_once(journal: Journal) -> None:
    await journal.write(lambda tx: tx.append(call("k")))

    with pytest.raises(ProblemError, match="CONFLICT"):
        await journal.write(lambda tx: tx.append(call("k", output={"sent": False})))

    def look(records: Records):
        return records.call(WORKSPACE, "alice", "support.reply", "k")

    kept = await journal.read(look)
    assert kept is not None
    assert (kept.output, kept.input_digest, kept.execution_id) == ({"sent": True}, "f" * 64, None)
    assert kept.contract == "support.reply"


async def test_the_same_key_serves_another_subject_contract_and_workspace(
    journal: Journal,
) -> None:
    others = [
        call("k"),
        call("k", subject="bob"),
        call("k", key="support.close"),
        call("k", "beta"),
        call(None),
        call(None),
    ]
    for entry in others:
        await journal.write(lambda tx, entry=entry: tx.append(entry))


async def test_an_entry_about_an_unknown_step_is_refused(journal: Journal) -> None:
    story = Story("a")
    for entry in story.until_started("x"):
        await journal.write(lambda tx, entry=entry: tx.append(entry))

    with pytest.raises(ValueError, match="not in the record"):
        await journal.write(lambda tx: tx.append(story.completed("elsewhere")))
    assert len(await journal.read(lambda r: r.entries("exec_a"))) == 4


@pytest.mark.parametrize("body", [{"x": object()}, {1: "x"}, {"x": "\ud800"}, {"x": 2**70}])
async def test_a_body_that_is_not_json_is_refused(journal: Journal, body: dict) -> None:
    entry = NewEntry(EntryType.QUERY_ANSWERED, WORKSPACE, body)

    with pytest.raises(TypeError):
        await journal.write(lambda tx: tx.append(entry))


async def test_an_entry_is_what_is_stored_not_what_the_caller_holds(journal: Journal) -> None:
    output = {
        "moment": datetime(2026, 3, 1, tzinfo=UTC),
        "pair": (1, 2),
        "kind": EntryType.RUN_ENDED,
    }
    entry = call("k", output=output)

    written = await journal.write(lambda tx: tx.append(entry))
    output["pair"] = "changed afterwards"

    stored = {"moment": "2026-03-01T00:00:00+00:00", "pair": [1, 2], "kind": "run.ended"}
    assert written.body["output"] == stored
    kept = await journal.read(lambda r: r.call(WORKSPACE, "alice", "support.reply", "k"))
    assert kept is not None
    assert kept.output == stored


async def test_effects_run_in_order_after_the_commit_and_before_the_answer(
    journal: Journal,
) -> None:
    told: list[str] = []

    def unit(tx: Tx) -> None:
        tx.append(Story("a").received())
        tx.after_commit(lambda: told.append("first"))
        tx.after_commit(lambda: told.append("second"))

    await journal.write(unit)
    told.append("answer")

    assert told == ["first", "second", "answer"]


async def test_effects_of_a_failed_unit_never_run(journal: Journal) -> None:
    told: list[str] = []

    def unit(tx: Tx) -> None:
        tx.after_commit(lambda: told.append("never"))
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        await journal.write(unit)
    await journal.write(lambda tx: None)
    assert told == []


async def test_a_failing_effect_costs_nobody_the_answer(journal: Journal, caplog) -> None:
    def unit(tx: Tx) -> str:
        tx.after_commit(lambda: 1 / 0)
        return "answered"

    assert await journal.write(unit) == "answered"
    assert "effect after a commit failed" in caplog.text


async def test_a_cancelled_caller_breaks_nothing(journal: Journal) -> None:
    tasks = [asyncio.create_task(journal.write(receiving(str(n)))) for n in range(20)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

    assert await journal.write(receiving("after"))
    for number in range(1, 20, 2):
        found = await journal.read(lambda r, n=number: r.execution(WORKSPACE, f"exec_{n}"))
        assert found is not None


async def test_a_unit_that_raises_stop_iteration_is_answered(journal: Journal) -> None:
    def unit(tx: Tx) -> None:
        next(iter(()))

    with pytest.raises(RuntimeError, match="StopIteration"):
        await journal.write(unit)


async def test_recorded_units_become_durable_without_waiting(journal: Journal) -> None:
    for number in range(3_000):  # more than may be outstanding, so that it also waits
        await journal.record(lambda tx, n=number: tx.append(call(None, n=n)))

    last = await journal.write(lambda tx: tx.append(call(None)))

    assert last.seq == 3_001


async def test_lost_recorded_units_are_counted_and_logged_without_their_content(
    journal, caplog
) -> None:
    def unit(tx: Tx) -> None:
        raise ValueError("alice@example.com")

    await journal.record(unit)
    await journal.write(lambda tx: None)

    assert journal.lost_records == 1
    assert "A recorded unit was lost (ValueError)" in caplog.text
    assert "alice@example.com" not in caplog.text


async def test_a_closed_journal_refuses_and_has_written_what_was_queued(journal) -> None:
    queued = [asyncio.create_task(journal.write(receiving(str(n)))) for n in range(30)]
    await asyncio.sleep(0)

    await journal.close()
    await journal.close()

    assert len(await asyncio.gather(*queued)) == 30
    for late in (journal.write, journal.read, journal.record):
        with pytest.raises(ProblemError, match="SERVICE_UNAVAILABLE"):
            await late(lambda given: None)


async def test_a_read_sees_every_write_that_was_answered(journal: Journal) -> None:
    async def one(number: int) -> None:
        story = Story(str(number))
        await journal.write(lambda tx: tx.append(story.received()))
        found = await journal.read(lambda r: r.execution(WORKSPACE, story.execution_id))
        assert found is not None

    await asyncio.gather(*(one(number) for number in range(200)))


async def test_a_failing_query_is_answered_alone(journal: Journal) -> None:
    outcomes = await asyncio.gather(
        journal.read(lambda records: 1 / 0),
        journal.read(lambda records: records.policy_head()),
        return_exceptions=True,
    )
    assert isinstance(outcomes[0], ZeroDivisionError)
    assert outcomes[1] is None
