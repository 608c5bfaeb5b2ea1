"""Couriers bring every checkpoint to every target: in order, at least once, across restarts."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.anchoring.anchor import AnchorError, SignedCheckpoint, Taken
from gateway.anchoring.courier import Courier, Target
from gateway.anchoring.history import next_after
from gateway.anchoring.schedule import PAUSES, Schedule
from gateway.anchoring.service import Anchoring
from gateway.anchoring.status import (
    is_cosigned,
    target_statuses,
    with_cosignatures,
)
from gateway.anchoring.targets import Destinations, FileTarget, WitnessTarget
from gateway.model.anchor import Progress, Receipt, TargetKind
from gateway.model.ports import Clock
from gateway.model.record_clock import shared_clock
from gateway.model.time import after, parse, stamp
from gateway.transparency import COSIGNATURE, NoteSigner, Verifier
from tests.small_log import SmallLog
from tests.unit.anchoring import anchor_world
from tests.unit.anchoring.anchor_world import CLOCK, AnchorWorld

pytestmark = pytest.mark.anyio
QUICK = Schedule(lambda: 0.0, 0.001)


@dataclass
class Shelf:
    """Somewhere outside: keeps the numbers it got, and fails as ``trouble`` says."""

    trouble: Callable[[SignedCheckpoint], Exception | None] = lambda _: None
    asked: list[int] = field(default_factory=list)
    kept: list[int] = field(default_factory=list)
    gate: asyncio.Event | None = None
    closed: bool = False

    async def publish(self, checkpoint: SignedCheckpoint) -> Taken:
        self.asked.append(checkpoint.number)
        if self.gate is not None:
            await self.gate.wait()
        error = self.trouble(checkpoint)
        if error is not None:
            raise error
        self.kept.append(checkpoint.number)
        return Taken({"shelf": checkpoint.number})

    async def close(self) -> None:
        self.closed = True


def service(
    world: AnchorWorld, *shelves: Shelf, schedule: Schedule = QUICK, clock: Clock = CLOCK
) -> Anchoring:
    couriers = [
        Courier(
            Target(TargetKind.ANCHOR, f"shelf{number}", shelf),
            world.journal, clock, schedule, next_after,
        )
        for number, shelf in enumerate(shelves)
    ]  # fmt: skip
    made = Anchoring(world.journal, tuple(couriers))
    world.told.append(made.signed)
    return made


async def until(reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(25):
        while not reached():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.005)


async def progress(world: AnchorWorld, shelf: str = "shelf0") -> Progress:
    found = await world.journal.read(lambda records: records.progress_of(TargetKind.ANCHOR, shelf))
    assert found is not None
    return found


async def receipts(world: AnchorWorld) -> Sequence[Receipt]:
    return await world.journal.read(lambda records: records.receipts(1, 99))


async def test_every_checkpoint_goes_to_every_target_in_order(world: AnchorWorld) -> None:
    shelves = (Shelf(), Shelf())
    anchoring = service(world, *shelves)
    await anchoring.start()
    for _ in range(3):
        await world.grow()
    await until(lambda: all(shelf.kept == [1, 2, 3] for shelf in shelves))
    await anchoring.stop()
    assert all(shelf.closed for shelf in shelves)
    kept = await receipts(world)
    assert [(one.number, one.target, one.body["shelf"]) for one in kept] == [
        (number, f"shelf{which}", number) for number in (1, 2, 3) for which in (0, 1)
    ]


async def test_a_new_target_begins_with_the_newest(world: AnchorWorld) -> None:
    for _ in range(3):
        await world.grow()
    shelf = Shelf()
    anchoring = service(world, shelf)
    await anchoring.start()
    await until(lambda: shelf.kept == [3])
    await anchoring.stop()


async def test_what_fails_is_tried_again_and_nothing_overtakes_it(world: AnchorWorld) -> None:
    failures = iter([AnchorError("It burns."), AnchorError("Still."), ValueError("surprise")])
    shelf = Shelf(lambda one: next(failures, None) if one.number == 1 else None)
    schedule = Schedule(lambda: 0.0, 0.01)
    anchoring = service(world, shelf, schedule=schedule)
    await anchoring.start()
    await world.grow()
    await world.grow()
    await until(lambda: shelf.kept == [1, 2])
    assert shelf.asked == [1, 1, 1, 1, 2]
    await anchoring.stop()


async def test_where_processes_share_a_record_what_is_due_goes_by_its_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which may be minutes ahead of that of the process that puts something off, or behind."""

    class Ahead:
        def now(self) -> datetime:
            return CLOCK.now() + timedelta(minutes=20)

    monkeypatch.setattr(anchor_world, "CLOCK", Ahead())
    world = await AnchorWorld.open(tmp_path / "ahead")
    failures = iter([AnchorError("It burns.")])
    shelf = Shelf(lambda _: next(failures, None))
    slow = Schedule(lambda: 0.0, 1e6)
    clock = shared_clock(world.journal, CLOCK, is_shared=True)
    anchoring = service(world, shelf, schedule=slow, clock=clock)
    await anchoring.start()
    await world.grow()
    async with asyncio.timeout(25):
        while not (put_off := await progress(world)).attempts:  # noqa: ASYNC110 - a table
            await asyncio.sleep(0.005)
    assert parse(put_off.updated_at) > CLOCK.now() + timedelta(minutes=19)
    await anchoring.stop(0)
    due = replace(put_off, next_at=after(stamp(CLOCK.now()), 10 * 60.0))
    await world.journal.write(lambda tx: tx.move_target(put_off, due, None))
    anchoring = service(world, shelf, schedule=slow, clock=clock)
    await anchoring.start()
    await until(lambda: shelf.kept == [1])
    await anchoring.stop()
    await world.close()


async def test_what_failed_before_the_clock_went_back_is_tried_again(world: AnchorWorld) -> None:
    failures = iter([AnchorError("It burns.")])
    shelf = Shelf(lambda _: next(failures, None))
    anchoring = service(world, shelf, schedule=Schedule(lambda: 0.0, 0.001))
    await anchoring.start()
    await anchoring.stop(0)
    before = await progress(world)
    ahead = replace(before, attempts=1, next_at=after(stamp(CLOCK.now()), 365 * 86_400))
    await world.journal.write(lambda tx: tx.move_target(before, ahead, None))
    anchoring = service(world, shelf)
    await anchoring.start()
    await world.grow()
    await until(lambda: shelf.kept == [1])
    await anchoring.stop()


async def test_what_went_wrong_last_is_told(
    world: AnchorWorld, caplog: pytest.LogCaptureFixture
) -> None:
    failures = iter([AnchorError("It burns."), ValueError("a surprise")])
    shelf = Shelf(lambda _: next(failures, AnchorError("Still.")))
    anchoring = service(world, shelf, schedule=Schedule(lambda: 0.0, 0.001))
    await anchoring.start()
    await world.grow()
    told = []
    async with asyncio.timeout(25):
        while len(told) < 2 or told[-1] != "Still.":
            await asyncio.sleep(0.002)
            told.append((await progress(world)).last_error)
    assert (await progress(world)).number == 0
    await anchoring.stop(0)
    assert (
        "anchor shelf0 has not taken checkpoint 1 (attempt 1): gateway audit status" in caplog.text
    )
    assert "anchor shelf0 failed in an unexpected way" in caplog.text


async def test_after_a_failure_it_goes_on_and_forgets_it(world: AnchorWorld) -> None:
    failures = iter([AnchorError("It burns."), AnchorError("Still.")])
    shelf = Shelf(lambda _: next(failures, None))
    anchoring = service(world, shelf)
    await anchoring.start()
    await world.grow()
    await world.grow()
    await until(lambda: shelf.kept == [1, 2])
    await anchoring.stop(60)
    assert shelf.asked == [1, 1, 1, 2]
    found = await progress(world)
    assert (found.number, found.attempts, found.last_error, found.next_at) == (2, 0, None, None)


async def test_stopping_waits_for_what_is_tried_again(world: AnchorWorld) -> None:
    gate = asyncio.Event()
    gate.set()
    failures = iter([AnchorError("It burns.")])

    def trouble(_: SignedCheckpoint) -> Exception | None:
        if (failure := next(failures, None)) is not None:
            gate.clear()  # the next try does not come to its end
        return failure

    shelf = Shelf(trouble, gate=gate)
    anchoring = service(world, shelf)
    await anchoring.start()
    await world.grow()
    await until(lambda: shelf.asked == [1, 1])
    stopping = asyncio.create_task(anchoring.stop(60))
    await asyncio.sleep(0.02)
    assert not stopping.done()
    gate.set()
    await stopping
    assert shelf.kept == [1]
    assert (await progress(world)).number == 1


async def test_what_did_not_leave_leaves_after_a_restart(
    world: AnchorWorld, tmp_path: Path
) -> None:
    broken = Shelf(lambda _: AnchorError("It burns."))
    anchoring = service(world, broken, schedule=Schedule(lambda: 0.0, 0.02))
    await anchoring.start()
    await world.grow()
    await world.grow()
    await until(lambda: len(broken.asked) > 0)
    await anchoring.stop()
    await world.grow()  # while nobody brings anything
    well = Shelf()
    again = service(world, well)
    await again.start()
    await until(lambda: well.kept == [1, 2, 3])
    await again.stop()


async def test_a_receipt_that_was_lost_is_asked_for_again(world: AnchorWorld) -> None:
    """The process dies between the answer and its record."""
    shelf = Shelf(gate=asyncio.Event())
    anchoring = service(world, shelf)
    await anchoring.start()
    await world.grow()
    await until(lambda: shelf.asked == [1])
    await anchoring.stop(0)  # cut off on its way
    assert await receipts(world) == []
    again = service(world, shelf)
    assert shelf.gate is not None
    shelf.gate.set()
    await again.start()
    await until(lambda: shelf.kept == [1])
    await again.stop()
    assert shelf.asked == [1, 1]


async def test_the_last_checkpoint_still_leaves_at_the_end(world: AnchorWorld) -> None:
    shelf = Shelf()
    anchoring = service(world, shelf)
    await anchoring.start()
    await world.grow()
    await anchoring.stop(60)
    assert shelf.kept == [1]


async def test_a_target_that_hangs_holds_up_nobody(world: AnchorWorld) -> None:
    stuck, well = Shelf(gate=asyncio.Event()), Shelf()
    anchoring = service(world, stuck, well)
    await anchoring.start()
    async with asyncio.timeout(25):  # neither commits nor checkpoints nor other targets
        for _ in range(5):
            await world.grow()
        await until(lambda: well.kept == [1, 2, 3, 4, 5])
    assert stuck.asked == [1]
    async with asyncio.timeout(25):
        await anchoring.stop(0.1)


async def test_without_targets_nothing_runs(world: AnchorWorld) -> None:
    anchoring = service(world)
    await anchoring.start()
    await world.grow()
    await anchoring.stop()


def test_pauses_grow_to_an_hour_and_stay_there() -> None:
    at = "2026-03-01T00:00:00.000000Z"
    found = Progress(TargetKind.ANCHOR, "a", 0, at)
    schedule = Schedule(lambda: 1.0)
    moments = []
    for _ in range(len(PAUSES) + 2):
        found = schedule.failed(found, AnchorError("no"), at)
        moments.append(found.next_at)
    assert moments[0] == "2026-03-01T00:00:06.000000Z"  # 5 seconds and a fifth
    assert moments[-3:] == ["2026-03-01T01:12:00.000000Z"] * 3
    assert found.attempts == len(PAUSES) + 2


def test_the_other_side_may_put_it_off_but_not_for_ever() -> None:
    at = "2026-03-01T00:00:00.000000Z"
    start = Progress(TargetKind.ANCHOR, "a", 0, at)
    schedule = Schedule(lambda: 0.0)
    assert schedule.failed(start, AnchorError("no", 60), at).next_at == at.replace(
        "00:00.", "01:00."
    )
    late = schedule.failed(start, AnchorError("no", 10**9), at)
    assert late.next_at == "2026-03-01T06:00:00.000000Z"


LOG = SmallLog.of(3)
KEYS = {name: Ed25519PrivateKey.generate() for name in ("a", "b", "c", "former")}


def verifier(name: str) -> Verifier:
    return Verifier(name, KEYS[name].public_key().public_bytes_raw(), COSIGNATURE)


def witness(name: str) -> WitnessTarget:
    return WitnessTarget("https://x.example.com", verifier(name))


def signed(name: str, size: int = 3, told: str = "") -> Receipt:
    """The receipt of a witness over the tree of ``size`` entries, kept as that of ``told``."""
    line = NoteSigner(verifier(name), KEYS[name].sign).cosignature(LOG.text(size), 1).line()
    return Receipt(1, TargetKind.WITNESS, told or name, "now", {"at": 1}, line.rstrip("\n"))


def test_a_quorum_counts_the_configured_witnesses_that_signed() -> None:
    wanted = Destinations(witnesses=(witness("a"), witness("b"), witness("c")), quorum=2)
    passed = Receipt(1, TargetKind.WITNESS, "b", "now", {"overtakenAt": 9})
    kept = Receipt(1, TargetKind.ANCHOR, "c", "now", {})
    note = LOG.note(3)
    assert not is_cosigned(wanted, note, [signed("a"), passed, kept, signed("former")])
    assert is_cosigned(wanted, note, [signed("a"), signed("b")])
    assert is_cosigned(Destinations(), note, [])
    assert with_cosignatures(note, [kept, signed("a"), passed]) == (
        f"{note}{signed('a').cosignature}\n"
    )


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(lambda: signed("b", size=2), id="over another checkpoint"),
        pytest.param(lambda: signed("a"), id="the same once more"),
        pytest.param(lambda: signed("a", told="b"), id="of one as that of another"),
        pytest.param(lambda: replace(signed("b"), cosignature="— b AAAA"), id="none at all"),
        pytest.param(lambda: replace(signed("b"), kind=TargetKind.ANCHOR), id="of an anchor"),
    ],
)
def test_a_stored_cosignature_that_does_not_hold_counts_for_nothing(
    other: Callable[[], Receipt],
) -> None:
    wanted = Destinations(witnesses=(witness("a"), witness("b")), quorum=2)
    assert is_cosigned(wanted, LOG.note(3), [signed("a"), signed("b")])
    assert not is_cosigned(wanted, LOG.note(3), [signed("a"), other()])


async def test_how_targets_are_doing(world: AnchorWorld, tmp_path: Path) -> None:
    broken = Shelf(lambda one: AnchorError("It burns.") if one.number > 1 else None)
    anchoring = service(world, broken, schedule=Schedule(lambda: 0.0, 10))
    await anchoring.start()
    for _ in range(3):
        await world.grow()
    await until(lambda: broken.asked == [1, 2])
    await anchoring.stop()
    anchors = (FileTarget("shelf0", tmp_path / "x"), FileTarget("new", tmp_path / "y"))
    wanted = Destinations(anchors=anchors)
    (found,) = await world.journal.read(lambda records: target_statuses(records, wanted, 3))
    assert (found.behind, found.progress.number, found.progress.attempts) == (2, 1, 1)
    assert found.progress.last_error == "It burns."
