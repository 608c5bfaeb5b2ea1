"""Noticing what others did, on each backend: nothing that grew the record goes unseen."""

import asyncio

import pytest

from gateway.duties import Noticing
from gateway.journal import DurableJournal
from gateway.model.entry import EntryType, NewEntry
from gateway.model.ports import Records, Tx

pytestmark = pytest.mark.anyio


def count(records: Records) -> int:
    """Something that is another after each of the entries here."""
    return records.last_position()


def note(tx: Tx) -> None:
    tx.append(
        NewEntry(EntryType.WEBHOOK_SERVED, "acme", {"endpoint": "a", "types": [], "pii": "x"})
    )


async def heard(told: asyncio.Queue[int]) -> int:
    async with asyncio.timeout(60):
        return await told.get()


async def test_a_change_is_told_and_what_was_there_is_not(
    journal: DurableJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.duties.noticing.AT_LEAST_EVERY", 3600.0)
    told: asyncio.Queue[int] = asyncio.Queue()

    async def tell() -> None:
        told.put_nowait(await journal.read(count))

    await journal.write(note)
    noticing = Noticing(journal, count, tell)
    await noticing.start()
    try:
        await asyncio.sleep(0.3)
        assert told.empty()
        await journal.write(note)
        assert await heard(told) == 2
        await journal.write(note)
        assert await heard(told) == 3
    finally:
        await noticing.stop()
    await journal.write(note)
    await asyncio.sleep(0.3)
    assert told.empty()


async def test_what_is_not_another_is_not_told(journal: DurableJournal) -> None:
    told: asyncio.Queue[int] = asyncio.Queue()

    async def tell() -> None:
        told.put_nowait(0)

    noticing = Noticing(journal, lambda _: "the same", tell)
    await noticing.start()
    await journal.write(note)
    await asyncio.sleep(0.3)
    assert told.empty()
    await noticing.stop()


async def test_a_change_is_told_again_until_that_succeeds(
    journal: DurableJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.duties.noticing._TROUBLE", 0.01)
    monkeypatch.setattr("gateway.duties.noticing.AT_LEAST_EVERY", 0.01)
    tries, told = [0], asyncio.Event()

    async def tell() -> None:
        tries[0] += 1
        if tries[0] < 3:
            raise OSError("not now")
        told.set()

    noticing = Noticing(journal, count, tell)
    await noticing.start()
    await journal.write(note)
    async with asyncio.timeout(60):
        await told.wait()
    await asyncio.sleep(0.2)
    assert tries == [3]
    await noticing.stop()
