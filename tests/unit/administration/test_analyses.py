"""Analyses as processes: how one ends, what of it is recorded, and what is not."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.administration import Analyses, Analysis, AnalysisJob, AnalysisState, analysis
from gateway.model.entry import EntryType, NewEntry
from gateway.model.policy import ChangesetStatus, Edit
from gateway.model.problem import ProblemError
from gateway.policy import PolicyContent, apply_edits
from gateway.policy.contents.diff import edits_between
from tests.unit.runtime.loop_world import LoopWorld

pytestmark = pytest.mark.anyio
EDIT = Edit("access.csv", add="p, user:sue, acme, shop.cash, call, deny")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[LoopWorld]:
    """A world with one checked changeset, ``chg_1``."""
    made = await LoopWorld.open(tmp_path)
    content = made.loop.policies.current.content
    edits = [edit.to_json() for edit in edits_between(PolicyContent({}), content)]
    told = {"revision": content.revision, "source": "files", "parent": None, "edits": edits}
    drafted = {
        "changesetId": "chg_1",
        "title": "A change",
        "reason": "Needed.",
        "status": "checked",
        "base": content.revision,
        "revision": apply_edits(content, [EDIT]).content.revision,
        "edits": [EDIT.to_json()],
        "findings": [],
        "cases": {},
    }

    def unit(tx: object) -> None:
        for kind, body in (
            (EntryType.POLICY_ACTIVATED, told),
            (EntryType.POLICY_DRAFTED, drafted),
        ):
            tx.append(NewEntry(kind, "acme", body, actor="wanda"))  # type: ignore[attr-defined]  # a Tx

    await made.journal.write(unit)
    yield made
    await made.journal.close()


def analyses(world: LoopWorld, **more: str) -> Analyses:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}
    told = {
        "GATEWAY_DATA_DIR": str(world.folder),
        "GATEWAY_SCHEMA_DIR": str(world.folder / "schema"),
    }
    return Analyses(world.journal, world.clock, {**clean, **told, **more})


async def wanted(world: LoopWorld, name: str = "chg_1") -> Analysis:
    changeset = await world.journal.read(lambda records: records.changeset("chg_1"))
    assert changeset is not None
    return Analysis(name, changeset.revision, changeset.base, "acme", 7, "wanda")


async def ended(found: Analyses, name: str = "chg_1") -> AnalysisJob:
    job = found.of(name)
    assert job is not None
    assert job.task is not None
    await job.task
    return job


async def status(world: LoopWorld) -> ChangesetStatus:
    changeset = await world.journal.read(lambda records: records.changeset("chg_1"))
    assert changeset is not None
    return changeset.status


async def test_a_report_is_recorded_with_who_asked_for_it(world: LoopWorld) -> None:
    found = analyses(world)
    found.start(await wanted(world))
    with pytest.raises(ProblemError) as refused:
        found.require_room("chg_1")
    assert refused.value.problem.code == "CONFLICT"
    job = await ended(found)
    assert (job.state, job.share, job.problem) == (AnalysisState.DONE, 1.0, None)
    assert await status(world) is ChangesetStatus.ANALYZED
    changeset = await world.journal.read(lambda records: records.changeset("chg_1"))
    assert changeset is not None
    assert changeset.impact is not None
    assert (changeset.impact["days"], changeset.impact["workspace"]) == (7, "acme")
    found.require_room("chg_1")


async def test_nothing_is_recorded_when_the_changeset_changed_meanwhile(world: LoopWorld) -> None:
    found = analyses(world)
    found.start(await wanted(world))
    body = {"changesetId": "chg_1", "reason": "No."}
    await world.journal.write(
        lambda tx: tx.append(NewEntry(EntryType.POLICY_WITHDRAWN, "acme", body, actor="wanda"))
    )
    job = await ended(found)
    assert job.state is AnalysisState.FAILED
    assert "changed during the analysis" in (job.problem or "")
    assert await status(world) is ChangesetStatus.WITHDRAWN


async def test_why_an_analysis_failed_is_told(world: LoopWorld) -> None:
    found = analyses(world)
    found.start(await wanted(world, "chg_2"))
    job = await ended(found, "chg_2")
    assert job.state is AnalysisState.FAILED
    assert "'chg_2' is no" in (job.problem or "")


async def test_only_so_many_run_at_a_time_and_stopping_ends_them(world: LoopWorld) -> None:
    found = analyses(world)
    for name in ("chg_1", "chg_2"):
        found.start(await wanted(world, name))
    with pytest.raises(ProblemError) as refused:
        found.require_room("chg_3")
    assert refused.value.problem.code == "LIMIT_EXCEEDED"
    await asyncio.sleep(0.2)
    await asyncio.wait_for(found.stop(), 60)
    jobs = [found.of(name) for name in ("chg_1", "chg_2")]
    assert all(job and job.task and job.task.done() for job in jobs)
    assert await status(world) is ChangesetStatus.CHECKED


async def test_those_that_began_at_once_wait_for_room(
    world: LoopWorld, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Calls that are asked beside one another are all let in before the first of them begins."""
    log = tmp_path / "under-way"
    script = f"""
import time
log = open({str(log)!r}, "a+b", 0)
log.write(b"+")
full = False
while not full:  # however long the others of the first round take to start
    time.sleep(0.01)
    log.seek(0)
    full = log.read().count(b"+") >= {analysis.MAX_ANALYSES}
time.sleep(0.3)
log.write(b"-")
"""
    monkeypatch.setattr(analysis, "_COMMAND", (sys.executable, "-c", script))
    found = analyses(world)
    names = [f"chg_{number}" for number in range(analysis.MAX_ANALYSES * 2)]
    for name in names:
        found.start(await wanted(world, name))
    for name in names:
        await ended(found, name)
    told = log.read_text()
    assert told.count("+") == len(names)
    under_way = [told[:at].count("+") - told[:at].count("-") for at in range(len(told) + 1)]
    assert max(under_way) == analysis.MAX_ANALYSES


@pytest.mark.parametrize(
    "script",
    [
        "print('[]')",
        "print('{}')",
        "print('{')",
        "print('{\"decisions\": 1}')",
        "print('x' * 2**21)",
        "import sys; print('progress x y', file=sys.stderr)",
        "import sys; print('x' * 100_000, file=sys.stderr)",
        "import os; os.kill(os.getpid(), 9)",
    ],
)
async def test_what_is_no_report_fails_and_leaves_room_for_the_next(
    world: LoopWorld, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    monkeypatch.setattr(analysis, "_COMMAND", (sys.executable, "-c", script))
    found = analyses(world)
    found.start(await wanted(world))
    job = await ended(found)
    assert (job.state, await status(world)) == (AnalysisState.FAILED, ChangesetStatus.CHECKED)
    assert job.problem
    found.require_room("chg_1")


async def test_an_analysis_ends_with_the_process_that_began_it(world: LoopWorld) -> None:
    environment = analyses(world)._environment
    command = [*analysis._COMMAND, "chg_1", "--json", "--attended"]
    pipe = asyncio.subprocess.PIPE
    left = await asyncio.create_subprocess_exec(
        *command, env=environment, stdin=pipe, stdout=pipe, stderr=pipe
    )
    assert left.stdin is not None
    left.stdin.close()  # as the kernel does for a process that was killed
    assert await asyncio.wait_for(left.wait(), 90) == 3
