"""Finding checkpoints by number and size, also in a record that an earlier release began: what that
release signed names executions, and is shown to nobody and brought to nobody."""

import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.anchoring import Destinations
from gateway.anchoring.history import next_after
from gateway.journal import Checkpointer, SqliteJournal
from gateway.journal.migrations import migrate_sqlite
from gateway.model.anchor import Progress, Receipt, TargetKind
from gateway.model.decision import AccessDecision
from gateway.model.entry import EntryType, NewEntry
from gateway.model.json import JsonObject
from gateway.model.ports import Records
from gateway.model.principal import Principal, PrincipalType
from gateway.model.problem import ProblemError
from gateway.model.system import SystemClock
from gateway.operations.checkpoints import Checkpoints
from gateway.operations.signed_checkpoints import newest, note_of, note_of_size, numbers
from gateway.pipeline import Admitted, Call
from gateway.privacy import CheckpointSigner
from tests.loaded import load_contracts

pytestmark = pytest.mark.anyio
ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "tests" / "golden"
NOW = "2026-03-01T09:30:00.000000Z"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def earlier(folder: Path) -> list[int]:
    """A record of an earlier release; gives the numbers of its checkpoints."""
    with closing(sqlite3.connect(folder / "gateway.db")) as connection:
        connection.executescript((GOLDEN / "journal-v3.sql").read_text())
        rows = connection.execute("SELECT number, line FROM checkpoint ORDER BY number").fetchall()
    migrate_sqlite(folder / "gateway.db")
    assert {json.loads(line)["format"] for _, line in rows} == {1}
    return [number for number, _ in rows]


@pytest.fixture
def signed_before(tmp_path: Path) -> list[int]:
    return earlier(tmp_path)


@pytest.fixture
async def journal(tmp_path: Path, signed_before: list[int]) -> AsyncIterator[SqliteJournal]:
    opened = await SqliteJournal.open(tmp_path / "gateway.db", clock=SystemClock(), writer="w")
    yield opened
    await opened.close()


async def sign(journal: SqliteJournal, count: int) -> None:
    def unit(tx) -> None:  # type: ignore[no-untyped-def] # a test's own
        for number in range(count):
            tx.append(NewEntry(EntryType.WEBHOOK_DEAD, "acme", {"number": number}))

    await journal.write(unit)
    checkpointer = Checkpointer(journal, CheckpointSigner(Ed25519PrivateKey.generate()))
    assert await checkpointer.checkpoint() is not None


async def test_what_an_earlier_release_signed_stays_in_the_house(
    journal: SqliteJournal, signed_before: list[int]
) -> None:
    assert signed_before
    for number in signed_before:
        assert await journal.read(lambda records, at=number: note_of(records, at)) is None  # type: ignore[misc] # bound in the loop
    assert not await journal.read(numbers)
    with pytest.raises(ProblemError, match="No checkpoint was signed yet"):
        await journal.read(newest)
    assert await journal.read(lambda records: next_after(records, 0)) is None


async def test_checkpoints_of_this_release_are_found_behind_them(
    journal: SqliteJournal, signed_before: list[int]
) -> None:
    for count in (1, 4, 300):
        await sign(journal, count)
    first = signed_before[-1] + 1
    assert await journal.read(numbers) == range(first, first + 3)
    brought = await journal.read(lambda records: next_after(records, 0))
    assert brought is not None
    assert brought.number == first
    sizes = []
    for number in range(first, first + 3):
        found = await journal.read(lambda records, at=number: note_of(records, at))  # type: ignore[misc] # bound in the loop
        assert found is not None
        by_size = await journal.read(lambda records, of=found: note_of_size(records, of.size))  # type: ignore[misc] # same
        assert by_size == found
        sizes.append(found.size)
    assert (await journal.read(newest)).size == sizes[-1]
    for size in (0, sizes[0] - 1, sizes[1] + 1, sizes[-1] + 1, -1):
        assert await journal.read(lambda records, of=size: note_of_size(records, of)) is None  # type: ignore[misc] # same
    for number in (0, -1, first + 3):
        assert await journal.read(lambda records, at=number: note_of(records, at)) is None  # type: ignore[misc] # same


async def test_the_list_reads_no_answers_of_targets(
    journal: SqliteJournal, signed_before: list[int]
) -> None:
    """A page has up to 200 checkpoints, each brought to up to 64 targets, whose answers may be 64
    kB long."""
    for count in (1, 4):
        await sign(journal, count)
    number = signed_before[-1] + 1
    for kind, cosignature in ((TargetKind.ANCHOR, None), (TargetKind.WITNESS, "— w AAAA")):
        start = Progress(kind, "who", number - 1, NOW)
        receipt = Receipt(number, kind, "who", NOW, {}, cosignature)
        after = replace(start, number=number)
        await journal.write(lambda tx, start=start: tx.open_target(start))  # type: ignore[misc] # bound in the loop
        await journal.write(lambda tx, of=(start, after, receipt): tx.move_target(*of))  # type: ignore[misc] # same
    with closing(sqlite3.connect(journal.path)) as connection:
        connection.execute("UPDATE anchor_receipt SET body = 'what cannot be read'")
        connection.commit()

    contract = load_contracts([ROOT / "schema" / "audit"]).operations["audit.checkpoint.list@1.0.0"]
    who = Principal(PrincipalType.HUMAN, "olga", "acme")
    asked = Admitted(Call(contract, {}, who), {}, AccessDecision("dec_1", True, "", "r"))

    async def never() -> None:
        raise AssertionError("nothing is to be signed")

    def ask(records: Records) -> JsonObject:
        return Checkpoints(never, Destinations()).list_all(asked, records)

    items = (await journal.read(ask))["items"]
    told = [(one["number"], one["anchors"], one["witnesses"]) for one in items]
    assert told == [(number + 1, [], []), (number, ["who"], ["who"])]
