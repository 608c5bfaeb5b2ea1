"""How a gateway knows that the database it starts on was restored, or came to another server."""

import asyncio
import shutil
from pathlib import Path

import psycopg
import pytest

from gateway.companions import COMPANIONS
from gateway.journal import Accepting, Checkpointer, MarkFile, homes, keep_mark, read_record
from gateway.journal.postgres import PostgresJournal, create_schema
from gateway.model.problem import ProblemError
from tests.contract.journal_story import SteppingClock, Story
from tests.unit.journal.conftest import KeySigner

pytestmark = pytest.mark.anyio


class Gateways:
    """Gateways on one database, each with a data folder of its own."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder
        self.signer = KeySigner()

    async def serve(self, name: str = "a", story: str = "") -> None:
        """Start one, have it record a run, sign a checkpoint, and stop."""
        data_dir = self.folder / name
        journal = await PostgresJournal.open(self.url, data_dir=data_dir, clock=SteppingClock())
        try:
            keeper = await keep_mark(journal, data_dir)
            for entry in Story(story).whole("x") if story else []:
                await journal.write(lambda tx, entry=entry: tx.append(entry))
            await Checkpointer(journal, self.signer).checkpoint()
            await keeper.stop()
        finally:
            await journal.close()
            await self.listening(0)

    async def listening(self, count: int) -> None:
        """Wait until the server knows of so many gateways: it sees them come and go a bit later."""
        asked = homes.SERVING.postgres.sql
        async with asyncio.timeout(25):
            while self.sql(asked) != [(count,)]:  # noqa: ASYNC110 - a server has no event
                await asyncio.sleep(0.02)

    async def refused(self, name: str = "a") -> str:
        with pytest.raises(ProblemError) as error:
            await self.serve(name)
        assert error.value.problem.code == "RECORD_RESTORED"
        return error.value.problem.detail

    def accepting(self, name: str = "a") -> Accepting:
        data_dir = self.folder / name
        return Accepting(self.url, data_dir, MarkFile(data_dir), self.signer, SteppingClock())

    def sql(self, command: str) -> list[tuple]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(command.encode())
            return cursor.fetchall() if cursor.description else []

    def take_back_to(self, other: str) -> None:
        """The database is as it was when ``other`` was copied of it."""
        name = psycopg.conninfo.conninfo_to_dict(self.url)["dbname"]
        copy = psycopg.conninfo.conninfo_to_dict(other)["dbname"]
        with psycopg.connect(self.url.rpartition("/")[0] + "/postgres", autocommit=True) as server:
            server.execute(f'DROP DATABASE "{name}"'.encode())
            server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{copy}"'.encode())

    def copied(self) -> str:
        name = psycopg.conninfo.conninfo_to_dict(self.url)["dbname"]
        with psycopg.connect(self.url.rpartition("/")[0] + "/postgres", autocommit=True) as server:
            server.execute(f'CREATE DATABASE "{name}_copy" TEMPLATE "{name}"'.encode())
        return f"{self.url}_copy"

    def restored_before(self) -> str | None:
        return read_record(self.url, lambda records: records.restored_before())


@pytest.fixture
def gateways(database_url: str, tmp_path: Path) -> Gateways:
    create_schema(database_url, COMPANIONS)
    return Gateways(database_url, tmp_path)


@pytest.mark.parametrize(
    ("home", "told"),
    [("'1/' || split_part(server, '/', 2)", "another database server"),
     ("split_part(server, '/', 1) || '/0000000A'", "has begun timeline 00000001")],
)  # fmt: skip
async def test_another_server_or_timeline_is_refused_until_it_is_accepted(
    gateways: Gateways, home: str, told: str
) -> None:
    await gateways.serve(story="r1")
    gateways.sql(f"UPDATE home SET server = {home}")  # noqa: S608 # a parameter of this test

    assert told in await gateways.refused()
    done = await asyncio.to_thread(gateways.accepting().restored)

    assert (done.runs, done.lost) == (0, None)
    await gateways.serve(story="r2")
    assert gateways.restored_before() is not None


async def test_a_move_that_lost_nothing_leaves_nothing_in_doubt(gateways: Gateways) -> None:
    await gateways.serve(story="r1")
    gateways.sql("UPDATE home SET server = '1/00000001'")
    await gateways.refused()

    await asyncio.to_thread(gateways.accepting().moved)

    await gateways.serve(story="r2")
    assert gateways.restored_before() is None
    assert gateways.sql("SELECT count(*) FROM entry WHERE type = 'record.restored'") == [(1,)]


async def test_the_mark_in_the_data_folder_tells_of_what_is_missing(gateways: Gateways) -> None:
    await gateways.serve(story="r1")
    copy = gateways.copied()
    await gateways.serve(story="r2")
    gateways.take_back_to(copy)
    (gateways.folder / "a" / "checkpoints.jsonl").unlink()

    assert "and had come to" in await gateways.refused()
    with pytest.raises(ProblemError) as refused:
        await asyncio.to_thread(gateways.accepting().moved)
    assert refused.value.problem.code == "PRECONDITION_FAILED"


async def test_what_is_no_checkpoint_is_told_and_hides_none(gateways: Gateways, caplog) -> None:
    await gateways.serve(story="r1")
    copy = gateways.copied()
    await gateways.serve(story="r2")
    file = gateways.folder / "a" / "checkpoints.jsonl"
    file.write_bytes(file.read_bytes() + b"no checkpoint\n")
    assert "checkpoints.jsonl" not in caplog.text
    await gateways.serve()
    assert "checkpoints.jsonl holds 14 bytes behind the last checkpoint" in caplog.text

    gateways.take_back_to(copy)
    (gateways.folder / "a" / "record.mark").unlink()
    assert "holds checkpoint 2" in await gateways.refused()


async def test_checkpoints_that_cannot_be_read_are_told(gateways: Gateways, caplog) -> None:
    await gateways.serve("a", "first")
    copy = gateways.folder / "a" / "checkpoints.jsonl"
    copy.unlink()
    copy.mkdir()
    await gateways.serve("a", "second")
    assert f"{copy} cannot be read (Is a directory)" in caplog.text


async def test_the_checkpoints_in_the_data_folder_tell_too(gateways: Gateways) -> None:
    await gateways.serve(story="r1")
    copy = gateways.copied()
    await gateways.serve(story="r2")
    gateways.take_back_to(copy)
    (gateways.folder / "a" / "record.mark").unlink()

    assert "holds checkpoint 2" in await gateways.refused()
    done = await asyncio.to_thread(gateways.accepting().restored)

    assert done.lost is not None
    assert done.lost.read_text().count("\n") == 2
    await gateways.serve(story="r3")


async def test_once_it_is_accepted_every_gateway_goes_on(gateways: Gateways) -> None:
    """Also those whose own folders tell of what was lost."""
    await gateways.serve("a", story="r1")
    copy = gateways.copied()
    await gateways.serve("b", story="r2")
    await gateways.serve("a", story="r3")
    gateways.take_back_to(copy)
    await gateways.refused("b")

    await asyncio.to_thread(gateways.accepting("a").restored)

    await gateways.serve("b", story="r4")
    lost = [path.name for path in (gateways.folder / "b").glob("checkpoints.lost-*")]
    assert len(lost) == 1
    await gateways.serve("a")


async def test_a_second_restore_is_known_as_well(gateways: Gateways) -> None:
    await gateways.serve(story="r1")
    copy = gateways.copied()
    await gateways.serve(story="r2")
    gateways.take_back_to(copy)
    await asyncio.to_thread(gateways.accepting().restored)
    await gateways.serve(story="r3")
    await gateways.serve("b")

    gateways.take_back_to(copy)

    await gateways.refused("a")
    await gateways.refused("b")


async def test_nothing_is_accepted_beside_a_gateway(gateways: Gateways) -> None:
    await gateways.serve(story="r1")
    data_dir = gateways.folder / "b"
    journal = await PostgresJournal.open(gateways.url, data_dir=data_dir, clock=SteppingClock())
    try:
        await gateways.listening(1)
        with pytest.raises(ProblemError) as refused:
            await asyncio.to_thread(gateways.accepting().restored)
    finally:
        await journal.close()

    assert refused.value.problem.code == "PRECONDITION_FAILED"
    assert "1 gateways or workers" in refused.value.problem.detail


async def test_a_gateway_without_a_folder_that_lasts_starts(gateways: Gateways) -> None:
    await gateways.serve(story="r1")
    shutil.rmtree(gateways.folder / "a")

    await gateways.serve(story="r2")
