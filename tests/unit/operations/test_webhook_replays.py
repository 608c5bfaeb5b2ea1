"""Webhook deliveries that are sent again, as long as there is something to send."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from gateway.journal import SqliteJournal
from gateway.model.decision import AccessDecision
from gateway.model.delivery import Delivery, DeliveryStatus
from gateway.model.entry import EntryType, NewEntry
from gateway.model.json import JsonObject
from gateway.model.ports import Tx
from gateway.model.principal import Principal, PrincipalType
from gateway.model.problem import ProblemError
from gateway.operations import webhooks
from gateway.pipeline import Admitted, Call
from gateway.runtime import Loop
from tests.loaded import load_contracts
from tests.unit.runtime.loop_world import SettableClock

pytestmark = pytest.mark.anyio

SCHEMA = Path(__file__).parents[3] / "schema" / "control-plane"
OLGA = Principal(PrincipalType.HUMAN, "olga", "acme", frozenset({"admin"}))
ENTRY = NewEntry(EntryType.WEBHOOK_REPLAYED, "acme", {})
DEAD = Delivery(
    "msg_1",
    "acme",
    "hook",
    "evt_1",
    position=1,
    index=0,
    type="desk.done",
    execution_id=None,
    created_at="2026-03-01T00:00:00.000000Z",
    updated_at="2026-03-01T00:00:00.000000Z",
    status=DeliveryStatus.DEAD,
)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def replay(tx: Tx) -> JsonObject:
    contract = load_contracts([SCHEMA]).operations["controlPlane.webhook.delivery.replay@1.0.0"]
    value: JsonObject = {"deliveryId": DEAD.id, "replayedBy": OLGA.subject}
    access = AccessDecision("dec_1", True, "", "rev_1")
    return webhooks.replay(
        cast("Loop", None), Admitted(Call(contract, value, OLGA), value, access), tx
    )


async def replayed(folder: Path, position: int) -> JsonObject:
    """What comes of sending a delivery again in a record that begins with its second entry."""
    journal = await SqliteJournal.open(folder / "gateway.db", clock=SettableClock(), writer="w")
    try:
        for _ in range(2):
            await journal.write(lambda tx: tx.append(ENTRY))
        with closing(sqlite3.connect(folder / "gateway.db")) as archiving, archiving:
            archiving.execute("DELETE FROM entry WHERE position = 1")
        await journal.write(lambda tx: tx.queue_deliveries([replace(DEAD, position=position)]))
        try:
            return await journal.write(replay)
        finally:
            left = await journal.read(lambda records: records.delivery("acme", DEAD.id))
            assert left is not None
            assert (left.status is DeliveryStatus.DEAD) is (position == 1)
    finally:
        await journal.close()


async def test_what_is_in_the_record_is_sent_again(tmp_path: Path) -> None:
    assert (await replayed(tmp_path, 2))["status"] == "PENDING"


async def test_what_is_archived_stays_dead_and_it_is_said_where_it_is(tmp_path: Path) -> None:
    with pytest.raises(ProblemError) as refused:
        await replayed(tmp_path, 1)
    assert refused.value.problem.code == "GONE"
    assert "at position 1 of the record" in str(refused.value.problem.detail)
