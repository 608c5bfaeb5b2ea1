"""SIGKILL between every two steps of an erasure and of a sweep: nothing half-erased, it resumes."""

import asyncio
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.model.entry import EntryType
from tests.faults.privacy_child import RULES
from tests.processes import ROOT
from tests.unit.rights.rights_world import RightsWorld, done
from tests.unit.runtime.loop_world import SettableClock

pytestmark = [pytest.mark.fault, pytest.mark.timeout(600)]

AWAY = 40.0
"""Days until the sweep of retention."""


def sweep(folder: Path, fatal: int, days: float) -> int | None:
    """Sweep in a process of its own; the number of steps, or None where it was killed."""
    command = [sys.executable, "-m", "tests.faults.privacy_child", str(folder), str(fatal)]
    done = subprocess.run(
        [*command, str(days)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode == -9:
        return None
    assert done.returncode == 0, done.stderr
    return int(done.stdout.strip().splitlines()[-1])


def world_at(folder: Path, days: float) -> RightsWorld:
    clock = SettableClock()
    clock.moment += timedelta(days=days)
    return RightsWorld(folder, clock, RULES)


async def prepared(folder: Path) -> tuple[str, str]:
    """Ada and Bob got mail, one run of Ada's waits, and her erasure is approved."""
    world = await world_at(folder, 0).start()
    await world.mail("ada@x.org", "bob@x.org")
    await world.mail("bob@x.org")
    waiting = await world.mail("ada@x.org", run=False)
    erasure_id = await world.ask(world.named("ada@x.org"))
    await world.approve(erasure_id)
    await world.stop()
    return erasure_id, waiting


async def is_whole(folder: Path, erasure_id: str, waiting: str) -> None:
    """After a restart: what was killed goes on to its end, and nothing else is lost."""
    world = await world_at(folder, 0).start()
    try:
        before = await world.erasure(erasure_id)
        if before.condemned_at is not None:  # from here on it is erased, whatever happened
            texts = await world.texts()
            condemned = await world.journal.read(lambda r: r.condemned_by(erasure_id))
            assert not any(world.keyring.data.is_there(key_id) for key_id in condemned)
        await world.rights.sweeper.sweep()
        erasure = await world.erasure(erasure_id)
        assert done(erasure)
        assert erasure.receipt is not None
        receipt = erasure.receipt["receipt"]
        assert (receipt["executions"], receipt["keys"]) == (2, 4)
        texts = await world.texts()
        assert not [text for text in texts if "ada" in text]
        assert texts.count("Dear bob@x.org") >= 2
        execution = await world.world.execution(waiting)
        assert (execution.problem or {})["code"] == "ERASED"
        entries = await world.journal.read(lambda records: records.entries_after(0, 10_000))
        kinds = [entry.type for entry in entries]
        assert kinds.count(EntryType.SUBJECT_ERASED) == 1
        assert kinds.count(EntryType.KEYS_RESTATED) == 0
        assert world.matches() == []
    finally:
        await world.stop()


async def is_swept(folder: Path) -> None:
    world = await world_at(folder, AWAY).start()
    try:
        await world.rights.sweeper.sweep()
        assert not [text for text in await world.texts() if text.startswith("Dear")]
        assert "Do something" in await world.texts()
        entries = await world.journal.read(lambda records: records.entries_after(0, 10_000))
        assert EntryType.KEYS_RESTATED not in [entry.type for entry in entries]
        assert world.matches() == []
    finally:
        await world.stop()


def test_an_erasure_survives_a_kill_between_any_two_steps(tmp_path: Path) -> None:
    first = tmp_path / "first"
    erasure_id, waiting = asyncio.run(prepared(first))
    fatal, steps = 0, None
    while steps is None:
        folder = tmp_path / f"killed-{fatal}"
        shutil.copytree(first, folder)
        steps = sweep(folder, fatal, 0)
        asyncio.run(is_whole(folder, erasure_id, waiting))
        fatal += 1
    assert fatal > 8
    print(f"{fatal - 1} kills")  # noqa: T201 - what was tried


def test_a_sweep_survives_a_kill_between_any_two_steps(tmp_path: Path) -> None:
    first = tmp_path / "first"

    async def mailed() -> None:
        world = await world_at(first, 0).start()
        await world.mail("ada@x.org")
        await world.stop()

    asyncio.run(mailed())
    fatal, steps = 0, None
    while steps is None:
        folder = tmp_path / f"killed-{fatal}"
        shutil.copytree(first, folder)
        steps = sweep(folder, fatal, AWAY)
        asyncio.run(is_swept(folder))
        fatal += 1
    assert fatal > 5
