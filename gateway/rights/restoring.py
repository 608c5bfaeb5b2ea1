"""At start: the record, the keys and the tombstones agree again, whichever of them was restored.

What any of them says was erased is erased: a restored backup never brings data back.
"""

import asyncio
import logging
from functools import partial
from itertools import islice

from gateway.model.entry import EntryType, NewEntry
from gateway.model.json import JsonObject
from gateway.model.ports import Journal, Records, Tx
from gateway.model.rights import CondemnedKey
from gateway.privacy import DataKeys
from gateway.privacy.tombstones import Tombstone
from gateway.rights.erasing import CHUNK

_log = logging.getLogger(__name__)

RESTATED = "restated after restore"


async def reconcile(journal: Journal, keys: DataKeys) -> None:
    """Destroy again what the journal says was destroyed, and record what only tombstones tell.

    Raises:
        OSError, sqlite3.Error, TimeoutError: a key could not be destroyed.
        ProblemError: SERVICE_UNAVAILABLE.
    """
    risen = await _destroy_again(journal, keys)
    if risen:
        _log.warning("%d keys that were erased had come back with a backup: destroyed again", risen)
    restated = await _restate(journal, keys)
    if restated:
        _log.warning("%d erased keys were not known to the record: recorded again", restated)


async def _destroy_again(journal: Journal, keys: DataKeys) -> int:
    after, risen = "", 0
    while True:
        page = await journal.read(partial(_page, after=after))
        if not page:
            return risen
        after = page[-1].id
        named = {key.id: key for key in page}
        back: dict[tuple[str, str], list[str]] = {}
        for key_id in await asyncio.to_thread(keys.not_destroyed, list(named)):
            key = named[key_id]
            back.setdefault((key.workspace, key.cause), []).append(key_id)
        for (workspace, cause), ids in back.items():
            await asyncio.to_thread(keys.destroy, workspace, ids, f"{cause}, again")
            risen += len(ids)


async def _restate(journal: Journal, keys: DataKeys) -> int:
    """Record the destructions that the journal, being older, does not know."""
    restated, buried = 0, iter(keys.tombstones)
    while chunk := {tombstone.key_id: tombstone for tombstone in islice(buried, CHUNK)}:
        unknown = await journal.read(partial(_unknown, key_ids=sorted(chunk)))
        by_workspace: dict[str, list[Tombstone]] = {}
        for key_id in unknown:
            by_workspace.setdefault(chunk[key_id].workspace, []).append(chunk[key_id])
        for workspace, tombstones in by_workspace.items():
            body: JsonObject = {
                "cause": RESTATED,
                "keys": [one.key_id for one in tombstones],
                "reasons": sorted({one.reason for one in tombstones}),
            }
            await journal.write(partial(_restated, workspace=workspace, body=body))
        restated += len(unknown)
    return restated


def _page(records: Records, after: str) -> list[CondemnedKey]:
    return records.condemned_keys(after, CHUNK)


def _unknown(records: Records, key_ids: list[str]) -> list[str]:
    return records.uncondemned(key_ids)


def _restated(tx: Tx, workspace: str, body: JsonObject) -> None:
    """Record what no other process that started meanwhile has recorded."""
    if keys := tx.uncondemned(body["keys"]):
        tx.append(NewEntry(EntryType.KEYS_RESTATED, workspace, {**body, "keys": keys}))
