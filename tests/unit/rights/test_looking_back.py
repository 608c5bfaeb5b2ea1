"""Looking back at many erasures, of which some fail: the others do not wait for those."""

import pytest

from gateway.model.ports import Page
from gateway.model.rights import Erasure, RightsFilter
from gateway.rights import looking_back
from gateway.rights.erasing import Eraser, Kept
from gateway.rights.looking_back import LookBack, TooManyFailedError
from gateway.telemetry import instruments, metrics
from tests.unit.rights.rights_world import RightsWorld, done
from tests.unit.runtime.loop_world import WORKSPACE

pytestmark = pytest.mark.anyio
NAMES = ("ada", "eve", "ida", "ora", "una")


class Failing:
    """Stands in for looking at one erasure, which fails for those in ``broken``."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.broken: set[str] = set()
        self.looked_at: list[str] = []
        really = Eraser.carry_out_again

        async def carry_out_again(eraser: Eraser, erasure: Erasure, moment: str, kept: Kept) -> int:
            self.looked_at.append(erasure.id)
            if erasure.id in self.broken:
                raise OSError("the disk")
            return await really(eraser, erasure, moment, kept)

        monkeypatch.setattr(Eraser, "carry_out_again", carry_out_again)

    def seen(self) -> list[str]:
        """Which erasures were looked at since this was asked."""
        found, self.looked_at = self.looked_at, []
        return found


async def all_erased(rights: RightsWorld) -> list[str]:
    """People who were erased, in the order in which they are looked at; keys of all of them are
    back in a process that has just started."""
    await rights.mail("bob@x.org")
    await rights.stop()
    rights.back_up(rights.key_dir, "keys-older")
    await rights.start()
    for name in NAMES:
        await rights.mail(f"{name}@x.org")
    await rights.stop()
    rights.back_up(rights.key_dir, "keys-newer")
    rights.restore_keys_beside_tombstones(rights.folder / "keys-older")
    await rights.start()
    for name in NAMES:
        assert done(await rights.erase(rights.named(f"{name}@x.org")))
    await rights.stop()
    rights.restore_keys_beside_tombstones(rights.folder / "keys-newer")
    await rights.start()
    which, page = RightsFilter(WORKSPACE, ""), Page(len(NAMES))
    found, _ = await rights.journal.read(lambda records: records.erasures(which, page))
    return [erasure.id for erasure in found]


def look_back(rights: RightsWorld) -> LookBack:
    return rights.rights.sweeper._back


async def left(rights: RightsWorld) -> set[str]:
    """Of whom something can be read."""
    return {name for name in NAMES for text in await rights.texts() if f"Dear {name}" in text}


async def test_one_that_fails_is_told_and_tried_again_while_the_others_are_done(
    rights: RightsWorld, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ids = await all_erased(rights)
    failing = Failing(monkeypatch)
    failing.broken = {ids[0]}
    instruments.switch(on=True)
    try:
        before = metrics.privacy_failures.counts()[()]
        await rights.rights.sweeper.sweep()
        assert metrics.privacy_failures.counts()[()] == before + 1
    finally:
        instruments.switch(on=False)
    assert await left(rights) == {NAMES[-1]}
    assert f"after erasure {ids[0]} failed and is tried again: OSError" in caplog.text
    assert failing.seen() == ids
    await rights.rights.sweeper.sweep()
    assert failing.seen() == [ids[0]]
    failing.broken = set()
    await rights.rights.sweeper.sweep()
    assert await left(rights) == set()
    failing.seen()
    await rights.rights.sweeper.sweep()
    assert failing.seen() == []


async def test_where_many_fail_the_next_look_goes_on_behind_them(
    rights: RightsWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = await all_erased(rights)
    monkeypatch.setattr(looking_back, "_MOST_FAILURES", 2)
    failing = Failing(monkeypatch)
    failing.broken = set(ids[:4])
    back = look_back(rights)
    moment = await rights.rights.sweeper.believed()
    for expected in (ids[:2], ids[2:4], [ids[4], *ids[:2]], ids[2:4]):
        with pytest.raises(TooManyFailedError):
            await back.look(moment)
        assert failing.seen() == expected
    failing.broken = {ids[3]}
    await back.look(moment)
    assert failing.seen() == [*ids[:2], *ids[2:4]]
    assert await left(rights) == {NAMES[1]}
