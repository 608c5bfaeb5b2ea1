"""A command writes to the record: beside a server, or alone."""

import asyncio

import pytest

from gateway.journal import (
    Checkpointer,
    SqliteJournal,
    read_record,
    rebuild_matches,
    short_writes,
    verify_record,
)
from gateway.journal.folder import FolderLock
from gateway.model.entry import EntryType
from gateway.model.problem import ProblemError
from tests.contract.journal_story import SteppingClock, call
from tests.contract.policy_story import activated, drafted, told

pytestmark = pytest.mark.anyio


async def write_beside(record, *entries) -> None:
    async with short_writes(
        *(record.path, record.path.parent), clock=SteppingClock(), signer=record.signer
    ) as journal:
        for entry in entries:
            await journal.write(lambda tx, entry=entry: tx.append(entry))


def head(record) -> str | None:
    return read_record(record.path, lambda records: records.policy_head())


async def test_a_command_writes_beside_a_server_and_the_record_verifies(record) -> None:
    async def fill(server: SqliteJournal, checkpointer: Checkpointer) -> None:
        await server.write(lambda tx: tx.append(call(None)))
        await checkpointer.checkpoint()
        await write_beside(record, drafted(), activated("sha256:1", edits=[], parent=None))
        assert await server.read(lambda records: records.policy_head()) == "sha256:1"
        await server.write(lambda tx: tx.append(drafted("cs_2")))

    await record.session(fill)
    report = verify_record(record.path, [record.signer.public_key_pem])
    assert report.findings == ()
    assert (report.entries, report.uncovered) == (4, 0)
    assert rebuild_matches(record.path) == []
    chains = record.sql("SELECT DISTINCT chain FROM entry ORDER BY chain")
    assert ("workspace//cli",) in chains


async def test_both_write_at_once_and_no_entry_is_lost(record) -> None:
    async def fill(server: SqliteJournal, _: Checkpointer) -> None:
        async def serve() -> None:
            for number in range(40):
                await server.write(lambda tx, n=number: tx.append(drafted(f"s_{n}")))

        await asyncio.gather(serve(), write_beside(record, *[drafted(f"c_{n}") for n in range(20)]))

    await record.session(fill)
    assert verify_record(record.path, [record.signer.public_key_pem]).findings == ()
    assert record.sql("SELECT count(*) FROM policy_changeset") == [(60,)]


async def test_whoever_follows_the_record_sees_what_a_command_wrote_in_its_place(record) -> None:
    async def fill(server: SqliteJournal, _: Checkpointer) -> None:
        begin = await server.read(lambda records: records.last_position())
        await write_beside(record, drafted("cs_1"))
        await server.write(lambda tx: tx.append(drafted("cs_2")))
        await server.moved(begin)
        seen = await server.read(lambda records: records.entries_after(begin, 10))
        assert [entry.body["changesetId"] for entry in seen] == ["cs_1", "cs_2"]

    await record.session(fill)


async def test_the_file_of_checkpoints_stays_the_servers(record) -> None:
    async def fill(server: SqliteJournal, checkpointer: Checkpointer) -> None:
        await server.write(lambda tx: tx.append(call(None)))
        await checkpointer.checkpoint()
        before = record.file.read_bytes()
        await write_beside(record, drafted())
        assert record.file.read_bytes() == before

    await record.session(fill)
    lines = record.sql("SELECT line FROM checkpoint ORDER BY number")
    assert record.file.read_text().splitlines() == [line for (line,) in lines]


async def test_alone_it_holds_the_folder_and_signs_what_it_wrote(record) -> None:
    await record.tell("a")
    async with short_writes(
        *(record.path, record.path.parent), clock=SteppingClock(), signer=record.signer
    ) as journal:
        await journal.write(lambda tx: tx.append(activated("sha256:1")))
        with pytest.raises(ProblemError, match="DATA_DIR_IN_USE"):
            FolderLock(record.folder)
    FolderLock(record.folder).release()
    report = verify_record(record.path, [record.signer.public_key_pem])
    assert (report.findings, report.uncovered) == ((), 0)
    assert head(record) == "sha256:1"


async def test_what_fails_is_not_recorded(record) -> None:
    await record.tell("a")
    unknown = told(EntryType.POLICY_ANALYZED, changeset_id="gone", report={}, head="x")
    with pytest.raises(ValueError, match=r"policy\.analyzed"):
        await write_beside(record, drafted(), unknown)
    assert record.sql("SELECT id FROM policy_changeset") == [("cs_1",)]
    assert verify_record(record.path, [record.signer.public_key_pem]).findings == ()


async def test_beside_a_server_of_another_version_nothing_is_touched(record) -> None:
    await record.tell("a")
    server = await record.opened()
    record.sql("UPDATE meta SET schema_version = 2")
    with pytest.raises(ProblemError, match="DATABASE_OUTDATED"):
        await write_beside(record, drafted())
    assert record.sql("SELECT schema_version FROM meta") == [(2,)]
    await server.close()


async def test_a_table_that_is_damaged_is_told_as_a_problem(record) -> None:
    async def fill(server: SqliteJournal, _: Checkpointer) -> None:
        await server.write(lambda tx: tx.append(call(None)))

    await record.session(fill)
    [(page, size)] = record.sql(
        "SELECT rootpage, page_size FROM sqlite_master, pragma_page_size WHERE name = 'policy_head'"
    )
    with record.path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
    with pytest.raises(ProblemError) as told:
        head(record)
    assert told.value.problem.code == "DATABASE_UNREADABLE"
    assert str(record.path) in told.value.problem.detail
