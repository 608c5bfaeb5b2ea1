"""A rebuild of a record that is in PostgreSQL."""

import time
from pathlib import Path
from typing import Any

import pytest

from gateway.journal import rebuild_record
from gateway.journal.postgres import PostgresJournal, create_schema
from gateway.journal.postgres.wire import Wire
from gateway.journal.unit import fold_in
from gateway.model.system import SystemClock
from tests.contract.journal_story import Story

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_folding_may_take_longer_than_a_transaction_may_stand_still(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_schema(database_url)
    journal = await PostgresJournal.open(database_url, data_dir=tmp_path, clock=SystemClock())
    entries = Story("a").whole("x")
    for entry in entries:
        await journal.write(lambda tx, entry=entry: tx.append(entry))
    await journal.close()

    def slowly(*given: Any) -> None:
        time.sleep(0.4)
        fold_in(*given)

    monkeypatch.setattr("gateway.journal.refold.fold_in", slowly)
    monkeypatch.setattr("gateway.journal.postgres.rebuilding._FOLDED", 1)
    monkeypatch.setitem(Wire.__init__.__kwdefaults__, "idle_timeout", 1_500)

    assert rebuild_record(database_url, SystemClock()) == len(entries)
