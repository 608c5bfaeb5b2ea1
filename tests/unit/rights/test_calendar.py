"""A clock that goes far ahead destroys nothing that is not due."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.model.ports import Tx
from gateway.model.rights import ErasureStatus
from gateway.model.time import after, stamp
from gateway.rights import RetentionRule
from gateway.rights.calendar import NOTE, Calendar, Reading
from tests.unit.rights.rights_world import PETRA, RightsWorld, done

pytestmark = pytest.mark.anyio

DAY = 86_400
RULE = RetentionRule("shop.*", None, "30d", 30 * DAY)


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[RightsWorld]:
    made = await RightsWorld(tmp_path, rules=(RULE,), leap=7).start()
    yield made
    await made.stop()


async def swept(world: RightsWorld) -> bool:
    """Whether what Ada was written is gone, after one more sweep."""
    await world.rights.sweeper.sweep()
    return "Dear ada@x.org" not in await world.texts()


@pytest.mark.parametrize("restarts", [False, True])
async def test_a_clock_that_is_suddenly_a_year_ahead_destroys_nothing_and_it_is_said(
    kept: RightsWorld, restarts: bool, caplog: pytest.LogCaptureFixture
) -> None:
    await kept.mail("ada@x.org")
    assert not await swept(kept)
    right = kept.clock.moment
    kept.clock.forward(365 * DAY)
    for _ in range(2):
        if restarts:
            await kept.restart()
            await kept.mail("bob@x.org")
        assert not await swept(kept)
    assert "which is 366 days ago by the clock" in caplog.text
    assert "GATEWAY_PRIVACY_CLOCK_LEAP=366" in caplog.text
    assert (await kept.rights.sweeper.overdue("acme")).keys > 0
    kept.clock.moment = right
    kept.clock.forward(5 * DAY)
    assert not await swept(kept)
    for _ in range(5):
        kept.clock.forward(6 * DAY)
        gone = await swept(kept)
    assert gone


async def test_a_gateway_that_was_stopped_for_long_goes_on_once_an_operator_says_so(
    kept: RightsWorld,
) -> None:
    await kept.mail("ada@x.org")
    assert not await swept(kept)
    kept.clock.forward(90 * DAY)
    await kept.restart()
    assert not await swept(kept)
    kept.leap = 91
    await kept.restart()
    assert await swept(kept)
    kept.leap = 7
    await kept.restart()
    await kept.mail("eve@x.org")
    kept.clock.forward(6 * DAY)
    assert await swept(kept)


async def test_a_clock_that_says_the_same_for_long_enough_is_believed(kept: RightsWorld) -> None:
    await kept.mail("ada@x.org")
    assert not await swept(kept)
    kept.clock.forward(90 * DAY)
    for _ in range(14):
        assert not await swept(kept)
        kept.clock.forward(DAY / 2)
    assert await swept(kept)


async def test_a_hold_that_only_a_wrong_clock_ends_still_holds(kept: RightsWorld) -> None:
    await kept.mail("ada@x.org")
    ada, desk = kept.named("ada@x.org"), kept.rights.desk

    def place(tx: Tx) -> None:
        desk.place(tx, PETRA, ada, "Case 1", "because", after(tx.now, 90 * DAY))

    await kept.journal.write(place)
    erasure = await kept.erase(ada)
    assert erasure.status is ErasureStatus.HELD
    kept.clock.forward(365 * DAY)
    assert not await swept(kept)
    kept.clock.forward(-365 * DAY)
    assert (await kept.erasure(erasure.id)).status is ErasureStatus.HELD
    for _ in range(16):
        kept.clock.forward(6 * DAY)
        await swept(kept)
    assert done(await kept.erasure(erasure.id))


async def test_a_hold_that_a_wrong_clock_ended_before_the_approval_holds_too(
    kept: RightsWorld,
) -> None:
    await kept.mail("ada@x.org")
    assert not await swept(kept)
    ada, desk = kept.named("ada@x.org"), kept.rights.desk

    def place(tx: Tx) -> None:
        desk.place(tx, PETRA, ada, "Case 1", "because", after(tx.now, 90 * DAY))

    await kept.journal.write(place)
    kept.clock.forward(365 * DAY)
    assert (await kept.erase(ada)).status is ErasureStatus.HELD
    assert not await swept(kept)


async def test_what_is_over_by_this_clock_and_not_by_that_of_the_record_is_kept(
    kept: RightsWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the record is on PostgreSQL, whose clock is another."""
    await kept.mail("ada@x.org")
    for _ in range(5):
        assert not await swept(kept)
        kept.clock.forward(6 * DAY)
    with monkeypatch.context() as patched:
        behind = stamp(kept.clock.moment - timedelta(days=20))
        patched.setattr("gateway.journal.unit.Unit.now", property(lambda _: behind))
        assert not await swept(kept)
    assert await swept(kept)


async def test_a_record_of_an_earlier_release_counts_from_its_last_entry(
    kept: RightsWorld,
) -> None:
    store, last = kept.keyring.data.store, stamp(kept.clock.moment)
    with store.lock, store.transaction():
        store._change("DELETE FROM meta WHERE name = ?", NOTE)
    kept.clock.forward(365 * DAY)
    calendar = Calendar(store, kept.clock, timedelta(days=7))
    calendar.begin(last)
    told = calendar.read()
    assert (told.moment, told.ahead) == (last, timedelta(days=365))
    calendar.begin(stamp(kept.clock.moment))  # what is noted stands
    assert calendar.read().moment == last


async def test_the_note_is_written_once_an_hour_at_most(
    kept: RightsWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, written = kept.keyring.data.store, []
    keep = store.keep_note
    monkeypatch.setattr(
        store, "keep_note", lambda name, value: (written.append(name), keep(name, value))
    )
    calendar = Calendar(store, kept.clock, timedelta(days=7))
    for _ in range(180):
        kept.clock.forward(60)
        assert calendar.read().ahead is None
    assert len(written) == 3
    kept.clock.forward(-90 * DAY)
    assert calendar.read().moment == stamp(kept.clock.moment)
    assert len(written) == 3


async def test_looking_how_far_the_clock_is_believed_notes_nothing(
    kept: RightsWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    calendar, store = kept.rights.calendar, kept.keyring.data.store
    calendar.read()
    monkeypatch.setattr(store, "keep_note", lambda *_: pytest.fail("it notes something"))
    seen = kept.clock.moment
    assert calendar.look() == Reading(stamp(seen))
    kept.clock.forward(-90 * DAY)
    assert calendar.look() == Reading(stamp(kept.clock.moment), behind=timedelta(days=90))
    kept.clock.forward(190 * DAY)
    told = calendar.look()
    assert (told.moment, told.ahead) == (stamp(seen), timedelta(days=100))


async def test_what_is_sealed_while_the_clock_is_far_behind_is_kept_for_its_time(
    kept: RightsWorld,
) -> None:
    """As after a machine began without the time, which it was told a moment later."""
    await kept.rights.sweeper.sweep()
    kept.clock.forward(-400 * DAY)
    await kept.restart()
    await kept.mail("ada@x.org")
    await kept.mail("ada@x.org")
    kept.clock.forward(400 * DAY + 60)
    assert not await swept(kept)
    assert len({sealed.key_id for *_, sealed in await kept.envelopes()}) < 8
    for _ in range(4):
        kept.clock.forward(6 * DAY)
        assert not await swept(kept)
    kept.clock.forward(6 * DAY + 60)
    assert await swept(kept)
