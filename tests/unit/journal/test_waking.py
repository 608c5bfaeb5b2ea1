"""A change of policy wakes whatever waits, and nothing else."""

from pathlib import Path

import pytest

from gateway.journal import SqliteJournal
from gateway.model.system import SystemClock
from tests.contract.journal_story import Story


@pytest.mark.anyio
async def test_only_runs_that_wait_are_woken(tmp_path: Path) -> None:
    journal = await SqliteJournal.open(tmp_path / "gateway.db", clock=SystemClock(), writer="w")
    late = "2999-01-01T00:00:00.000000Z"
    await journal.write(lambda tx: tx.append(Story("x").received()))
    for run, wake_at in (("run_waits", late), ("run_over", None)):
        await journal.write(lambda tx, run=run: tx.enlist(run, "exec_x"))
        claim = await journal.write(lambda tx, run=run: tx.claim(run, "one", late))
        assert claim is not None
        given = (run, claim.epoch, claim.wake_seq, wake_at)
        assert await journal.write(lambda tx, given=given: tx.release(*given))

    assert await journal.wake_waiting() == 1

    now = await journal.write(lambda tx: tx.now)
    (due,) = await journal.read(lambda records: records.due_runs(now, 10))
    assert due.run_id == "run_waits"
    await journal.close()
