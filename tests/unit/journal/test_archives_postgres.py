"""Archiving a record in PostgreSQL, while gateways go on; and what they rest on being restored."""

import asyncio
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest

from gateway.companions import COMPANIONS
from gateway.journal import (
    Archived,
    Archiving,
    Checkpointer,
    Returned,
    Returning,
    Until,
    Verification,
    as_file,
    read_record,
    rebuild_matches,
)
from gateway.journal.archives import archiving as archives
from gateway.journal.archives import hearing
from gateway.journal.archives import segment as segments
from gateway.journal.postgres import PostgresJournal, create_schema, opening
from gateway.journal.postgres import alone as among_others
from gateway.journal.postgres.wire import Wire
from gateway.model.entry import EntryType
from gateway.model.problem import ProblemError
from tests.contract.journal_story import SteppingClock, Story, call
from tests.unit.journal.conftest import KeySigner

pytestmark = pytest.mark.anyio


class Shared:
    """A record in a database, with one gateway that has it open."""

    def __init__(self, url: str, folder: Path, journal: PostgresJournal) -> None:
        self.url = url
        self.folder = folder
        self.journal = journal
        self.signer = KeySigner()
        self.checkpointer = Checkpointer(journal, self.signer)

    async def tell(self, *entries) -> None:
        for entry in entries:
            await self.journal.write(lambda tx, entry=entry: tx.append(entry))
        await self.checkpointer.checkpoint()

    async def archive(self, through: int = 1_000_000, *, keep: bool = False) -> Archived:
        asked = Archiving(
            *(self.url, self.folder / "archive", self.signer, SteppingClock(), keep),
            data_dir=self.folder,
        )
        return await asyncio.to_thread(asked.run, Until(through=through))

    async def put_back(self, *names: str) -> Returned:
        held = sorted((self.folder / "archive").iterdir())
        files = [path for path in held if not names or path.name in names]
        asked = Returning(self.url, self.signer, SteppingClock(), self.folder)
        return await asyncio.to_thread(asked.run, files)

    def names(self) -> list[str]:
        return sorted(path.name for path in (self.folder / "archive").iterdir())

    def sql(self, command: str, *values: object) -> list[tuple]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(command.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def executions(self) -> list[str]:
        return [row[0] for row in self.sql("SELECT id FROM execution ORDER BY id")]

    async def require_sound(self) -> int:
        """It verifies with its archive and without, and says what its entries say."""

        def verify() -> int:
            with as_file(self.url) as path:
                for folder in (self.folder / "archive", None):
                    asked = Verification(path, [self.signer.public_key_pem], archive=folder)
                    report = asked.run()
                    assert report.findings == ()
                assert rebuild_matches(path) == []
            return report.archived

        return await asyncio.to_thread(verify)


@pytest.fixture
async def shared(database_url: str, tmp_path: Path) -> AsyncIterator[Shared]:
    create_schema(database_url, COMPANIONS)
    journal = await PostgresJournal.open(database_url, data_dir=tmp_path, clock=SteppingClock())
    yield Shared(database_url, tmp_path, journal)
    await journal.close()


async def test_what_is_over_goes_and_comes_back(shared: Shared) -> None:
    live = Story("live").until_started("x")
    await shared.tell(*Story("over").whole("x", "y"), *live, call("k"))
    before = shared.sql("SELECT * FROM step ORDER BY plan_id, id")

    done = await shared.archive()

    assert (done.executions, done.entries) == (1, 10)
    assert shared.executions() == ["exec_live"]
    assert shared.sql("SELECT idempotency_key FROM call") == []
    assert await shared.require_sound() == 10
    assert (await shared.put_back()).entries == 10
    assert shared.sql("SELECT * FROM step ORDER BY plan_id, id") == before
    assert shared.sql("SELECT idempotency_key FROM call") == [("k",)]
    assert await shared.require_sound() == 0
    assert (await shared.archive()).executions == 1


async def test_segments_may_be_looked_at_for_longer_than_a_transaction_may_stand_still(
    shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shared.tell(*Story("over").whole(*"abcdefghij"))
    row = segments._row

    def slowly(*given: Any) -> Any:
        time.sleep(0.05)
        return row(*given)

    monkeypatch.setattr(segments, "_row", slowly)
    monkeypatch.setattr(hearing, "_EVERY", 2)
    monkeypatch.setattr(opening, "Wire", partial(Wire, idle_timeout=600))
    monkeypatch.setattr(among_others, "_STANDSTILL", 600)

    assert (await shared.archive()).entries == 25
    assert (await shared.put_back()).entries == 25


@pytest.mark.parametrize("text", ["\0", "a\0\0b", "\\\0", "\\u0000", '"\\\\\0"'])
async def test_text_that_postgresql_cannot_hold_holds_up_nothing(shared: Shared, text: str) -> None:
    """A NUL character stands in the entry as an escape, as whoever calls may write it."""
    await shared.tell(*Story("over").whole("x"), call("k", output={"sent": text}), call("l"))

    assert (await shared.archive()).entries == 9
    assert shared.sql("SELECT idempotency_key FROM call") == []


async def test_the_gateway_goes_on_meanwhile(
    shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "AT_ONCE", 20)
    for number in range(20):
        await shared.tell(*Story(f"a{number}").whole("x"), call(None))
    going_on = asyncio.Event()
    written = 0

    async def write() -> None:
        nonlocal written
        while not going_on.is_set():
            await shared.journal.write(lambda tx: tx.append(call(None)))
            written += 1

    writing = asyncio.create_task(write())
    done = await shared.archive()
    going_on.set()
    await writing
    await shared.checkpointer.checkpoint()

    assert (done.executions, done.entries) == (20, 160)
    assert written > 0
    [(entries,)] = shared.sql("SELECT count(*) FROM entry WHERE type = 'call.completed'")
    assert entries == written
    assert await shared.require_sound() == 160


async def test_a_run_and_the_one_that_undoes_it_go_together_over_steps(
    shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "AT_ONCE", 5)
    undone, undoing = Story("undone"), Story("undoing")
    started = undone.entry(EntryType.COMPENSATION_STARTED, compensationId="exec_undoing")
    begun = [undoing.received(compensates="exec_undone"), *undoing.until_started("x")[1:]]
    rest = [undoing.dispatched("x"), undoing.completed("x"), undoing.ended()]
    await shared.tell(*undone.whole("x"), started, *begun)
    assert (await shared.archive()).executions == 0
    await shared.tell(*rest)

    assert (await shared.archive()).executions == 2
    await shared.require_sound()


async def test_an_archiving_that_broke_off_is_gone_on_with(
    shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "AT_ONCE", 10)
    for number in range(6):
        await shared.tell(*Story(f"a{number}").whole("x"), call(None))
    removing, calls = archives.remove_archived, 0

    def breaking(*given, **named):
        nonlocal calls
        calls += 1
        if calls == 3:
            raise OSError("the command is killed")
        return removing(*given, **named)

    monkeypatch.setattr(archives, "remove_archived", breaking)
    with pytest.raises(OSError, match="killed"):
        await shared.archive()
    monkeypatch.setattr(archives, "remove_archived", removing)
    left = len(shared.executions())
    assert 0 < left < 6
    await shared.require_sound()

    assert (await shared.archive()).executions == left
    assert await shared.require_sound() == 48


async def test_two_archivings_at_once_are_one(
    shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shared.tell(*Story("a").whole("x"))
    removing = archives.remove_archived
    other: list[Archived] = []

    async def first_the_other() -> None:
        planning = Archiving._plan

        def plan(self, session, until):
            made = planning(self, session, until)
            monkeypatch.setattr(Archiving, "_plan", planning)
            asked = Archiving(
                *(shared.url, shared.folder / "archive", shared.signer, SteppingClock()),
                data_dir=shared.folder,
            )
            other.append(asked.run(until))
            return made

        monkeypatch.setattr(Archiving, "_plan", plan)
        with pytest.raises(ProblemError) as refused:
            await shared.archive()
        assert refused.value.problem.code == "CONFLICT"

    await first_the_other()
    assert removing is archives.remove_archived
    assert other[0].executions == 1
    await shared.require_sound()


async def test_an_older_schema_is_refused(shared: Shared) -> None:
    shared.sql("UPDATE meta SET schema_version = 4")

    with pytest.raises(ProblemError) as refused:
        await shared.archive()

    assert refused.value.problem.code == "DATABASE_OUTDATED"


async def test_the_last_position_is_known_after_archiving(shared: Shared) -> None:
    await shared.tell(*Story("a").whole("x"))
    await shared.archive()

    position, own = await asyncio.to_thread(
        read_record, shared.url, lambda records: records.last_entry()
    )

    assert (position, len(own)) == (8, 64)
