"""How far anchors and witnesses have come with the checkpoints, for every journal."""

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.journal import SqliteJournal, rebuild_record
from gateway.model.anchor import Brought, Progress, Receipt, TargetKind
from gateway.model.ports import Journal
from gateway.model.problem import ProblemError, refuse
from tests.contract.journal_story import SteppingClock, Story

pytestmark = pytest.mark.anyio

NOW = "2026-03-01T09:30:00.000000Z"
LATER = "2026-03-01T09:31:00.000000Z"
START = Progress(TargetKind.ANCHOR, "vault", 3, NOW)


def receipt(number: int, target: str = "vault", kind: TargetKind = TargetKind.ANCHOR) -> Receipt:
    return Receipt(number, kind, target, NOW, {"status": 201, "answer": [number]})


async def progress(journal: Journal, target: str = "vault") -> Progress | None:
    return await journal.read(lambda records: records.progress_of(TargetKind.ANCHOR, target))


async def receipts(journal: Journal, first: int = 1, last: int = 99) -> list[Receipt]:
    return await journal.read(lambda records: records.receipts(first, last))


async def move(journal: Journal, before: Progress, after: Progress, *kept: Receipt) -> bool:
    given = kept[0] if kept else None
    return await journal.write(lambda tx: tx.move_target(before, after, given))


async def test_a_target_begins_once_and_stays_where_it_is(journal: Journal) -> None:
    assert await progress(journal) is None
    await journal.write(lambda tx: tx.open_target(START))
    await journal.write(lambda tx: tx.open_target(replace(START, number=9)))
    assert await progress(journal) == START
    assert await progress(journal, "other") is None


async def test_anchors_and_witnesses_of_one_name_are_two(journal: Journal) -> None:
    witness = replace(START, kind=TargetKind.WITNESS, number=7)
    await journal.write(lambda tx: tx.open_target(START))
    await journal.write(lambda tx: tx.open_target(witness))
    assert await progress(journal) == START
    found = await journal.read(lambda records: records.progress_of(TargetKind.WITNESS, "vault"))
    assert found == witness


async def test_an_attempt_that_failed_is_kept(journal: Journal) -> None:
    await journal.write(lambda tx: tx.open_target(START))
    failed = replace(START, attempts=2, next_at=LATER, last_error="No.", updated_at=LATER)
    assert await move(journal, START, failed)
    assert await progress(journal) == failed
    assert await receipts(journal) == []


async def test_a_receipt_is_kept_with_the_step_that_it_is_for(journal: Journal) -> None:
    await journal.write(lambda tx: tx.open_target(START))
    after = replace(START, number=4)
    kept = replace(receipt(4), cosignature="— w AAAA")
    assert await move(journal, START, after, kept)
    assert await receipts(journal) == [kept]
    # Somebody who comes late with the same changes nothing.
    assert not await move(journal, START, after, replace(kept, body={}))
    assert (await progress(journal), await receipts(journal)) == (after, [kept])
    assert await receipts(journal, 5) == []
    assert await receipts(journal, 1, 3) == []


async def test_receipts_come_by_number_kind_and_target(journal: Journal) -> None:
    told = [
        receipt(1, "a"), receipt(1, "b"), receipt(1, "a", TargetKind.WITNESS), receipt(2, "a"),
    ]  # fmt: skip
    for one in reversed(told):
        start = Progress(one.kind, f"{one.target}{one.number}", 0, NOW)
        await journal.write(lambda tx, start=start: tx.open_target(start))  # type: ignore[misc] # bound in the loop
        await move(journal, start, replace(start, number=1), one)
    assert await receipts(journal) == told
    brought = await journal.read(lambda records: records.brought(1, 99))
    assert brought == [Brought(one.number, one.kind, one.target) for one in told]
    assert await journal.read(lambda records: records.brought(3, 99)) == []


async def test_what_is_undone_leaves_nothing(journal: Journal) -> None:
    await journal.write(lambda tx: tx.open_target(START))

    def unit(tx) -> None:  # type: ignore[no-untyped-def] # a test's own
        tx.move_target(START, replace(START, number=4), receipt(4))
        raise refuse("CONFLICT", "no")

    with pytest.raises(ProblemError):
        await journal.write(unit)
    assert (await progress(journal), await receipts(journal)) == (START, [])


async def test_a_rebuild_leaves_it_alone(tmp_path: Path) -> None:
    path = tmp_path / "record" / "gateway.db"
    journal = await SqliteJournal.open(path, clock=SteppingClock(), writer="w")
    await journal.write(lambda tx: tx.append(Story("one").received()))
    await journal.write(lambda tx: tx.open_target(START))
    after = replace(START, number=4)
    await move(journal, START, after, receipt(4))
    await journal.close()
    rebuild_record(path, SteppingClock())
    again = await SqliteJournal.open(path, clock=SteppingClock(), writer="w")
    assert (await progress(again), await receipts(again)) == (after, [receipt(4)])
    await again.close()
