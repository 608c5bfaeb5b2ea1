"""Rebuilding the projections from the journal."""

import pytest
from sqlalchemy import select

from gateway.journal import SqliteJournal, rebuild_matches, rebuild_record, verify_record
from gateway.journal.tables import PROJECTIONS
from gateway.model.entry import EntryType
from gateway.model.problem import ProblemError
from tests.contract.journal_story import WORKSPACE, SteppingClock, Story, call
from tests.contract.policy_story import activated, analyzed, drafted

pytestmark = pytest.mark.anyio

FAR = "2999-01-01T00:00:00.000000Z"


async def filled(record) -> None:
    async def fill(journal: SqliteJournal, _) -> None:
        running, ended = Story("running"), Story("ended")

        def unit(tx) -> None:
            policy = [drafted(), analyzed(), activated("sha256:1", edits=[], parent=None)]
            for entry in [*running.until_started("x"), *ended.whole("x"), call("k"), *policy]:
                tx.append(entry)
            for story in (running, ended):
                tx.enlist(story.run_id, story.execution_id)
            tx.claim("run_running", "me", FAR)
            tx.append(running.entry(EntryType.RUN_CLAIMED, runId="run_running", epoch=7))

        await journal.write(unit)

    await record.session(fill)


def projections(record) -> list[list[tuple]]:
    return [record.sql(str(select(table).order_by(*table.primary_key))) for table in PROJECTIONS]


async def test_a_rebuild_restores_every_projection_to_the_byte(record) -> None:
    await filled(record)
    before = projections(record)
    record.sql("DROP TABLE plan")
    record.sql("DROP INDEX execution_newest")
    record.sql("UPDATE execution SET status = 'paused', problem = 'x'")
    record.sql("DELETE FROM step")
    record.sql("DELETE FROM call")
    record.sql("UPDATE policy_changeset SET authors = '[]'")
    record.sql("DELETE FROM policy_revision")
    record.sql("UPDATE policy_activation SET revision = 'sha256:2'")

    count = rebuild_record(record.path, SteppingClock())

    assert count == len(record.sql("SELECT position FROM entry"))
    assert projections(record) == before
    assert rebuild_matches(record.path) == []
    assert verify_record(record.path, [record.signer.public_key_pem]).ok


async def test_a_rebuild_frees_claims_above_any_epoch_seen(record) -> None:
    await filled(record)
    record.sql("DELETE FROM claim WHERE run_id = 'run_ended'")

    rebuild_record(record.path, SteppingClock())

    rows = record.sql("SELECT run_id, owner, epoch, lease_until, wake_seq, wake_at FROM claim")
    running, ended = rows[1], rows[0]
    assert running[:5] == ("run_running", None, 8, None, 2)
    assert running[5] is not None
    assert ended == ("run_ended", None, 2, None, 1, None)


async def test_an_epoch_that_no_entry_tells_is_passed_too(record) -> None:
    await filled(record)
    record.sql("UPDATE claim SET epoch = 41, wake_seq = 5 WHERE run_id = 'run_running'")

    rebuild_record(record.path, SteppingClock())

    claim = record.sql("SELECT epoch, wake_seq FROM claim WHERE run_id = 'run_running'")
    assert claim == [(42, 6)]


async def test_a_rebuild_beside_a_running_server_is_refused(record) -> None:
    journal = await record.opened()

    with pytest.raises(ProblemError, match="DATA_DIR_IN_USE"):
        rebuild_record(record.path, SteppingClock())
    await journal.close()


@pytest.mark.parametrize("body", ["{", "[]", '{"planId":"plan_gone"}'])
async def test_a_rebuild_from_a_damaged_journal_changes_nothing_and_names_the_entry(
    record, body: str
) -> None:
    await filled(record)
    before = record.sql("SELECT * FROM execution")
    record.sql("UPDATE entry SET body = ? WHERE position = 3", body)

    with pytest.raises(ProblemError, match="position 3") as caught:
        rebuild_record(record.path, SteppingClock())

    assert caught.value.problem.code == "JOURNAL_DAMAGED"
    assert record.sql("SELECT * FROM execution") == before
    journal = await record.opened()
    assert await journal.read(lambda r: r.execution(WORKSPACE, "exec_ended")) is not None
    await journal.close()
