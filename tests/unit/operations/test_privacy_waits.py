"""What an erasure is said to wait for goes by the moment that is believed, as the erasure does."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.model.json import JsonObject
from gateway.model.ports import Tx
from gateway.model.rights import ErasureStatus
from gateway.model.time import after
from gateway.operations.privacy_export import bind_privacy
from gateway.pipeline import Admitted, Call, Query
from tests.unit.rights.rights_world import PETRA, RightsWorld

pytestmark = pytest.mark.anyio

DAY = 86_400


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def rights(tmp_path: Path) -> AsyncIterator[RightsWorld]:
    made = await RightsWorld(tmp_path, leap=7).start()
    yield made
    await made.stop()


async def asked(rights: RightsWorld, contract: str, value: JsonObject) -> JsonObject:
    query = bind_privacy(rights.world.loop, rights.rights)[f"privacy.{contract}@1.0.0"]
    assert isinstance(query, Query)
    (any_contract, *_) = rights.world.registry.operations.values()
    access = rights.world.loop.policies.access(PETRA, any_contract)
    call = Call(any_contract, value, PETRA)
    prepared = await query.prepare(Admitted(call, value, access)) if query.prepare else None
    admitted = Admitted(call, value, access, prepared=prepared)
    return await rights.journal.read(lambda records: query.answer(admitted, records))


async def test_a_hold_that_only_a_wrong_clock_ends_is_still_told(rights: RightsWorld) -> None:
    await rights.mail("ada@x.org")
    ada, desk = rights.named("ada@x.org"), rights.rights.desk

    def place(tx: Tx) -> str:
        return desk.place(tx, PETRA, ada, "Case 1", "because", after(tx.now, 90 * DAY)).id

    hold_id = await rights.journal.write(place)
    erasure = await rights.erase(ada)
    rights.clock.forward(365 * DAY)
    await rights.rights.sweeper.sweep()
    assert (await rights.erasure(erasure.id)).status is ErasureStatus.HELD

    found = (await asked(rights, "erasure.get", {"erasureId": erasure.id}))["erasure"]
    assert [wait.get("holdId") for wait in found["waitsFor"]] == [hold_id]
    (listed,) = (await asked(rights, "erasure.list", {}))["items"]
    assert listed["waitsFor"] == found["waitsFor"]
    (hold,) = (await asked(rights, "hold.list", {"active": True}))["items"]
    assert (hold["holdId"], hold["active"]) == (hold_id, True)
