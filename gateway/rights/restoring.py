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
from gateway.rights.erasing import CHUNK, REASON, without_others

_log = logging.getLogger(__name__)

RESTATED = "restated after restore"
_AGAIN = ", again"


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
        risen_here = await asyncio.to_thread(keys.not_destroyed, list(named))
        back: dict[tuple[str, str], list[str]] = {}
        for key in (named[key_id] for key_id in risen_here):
            back.setdefault((key.workspace, key.cause), []).append(key.id)
        for (workspace, cause), ids in back.items():
            if fallen := await _fallen(journal, keys, workspace, cause, ids):
                await asyncio.to_thread(keys.destroy, workspace, fallen, f"{cause}{_AGAIN}")
            risen += len(fallen)


async def _fallen(
    journal: Journal, keys: DataKeys, workspace: str, cause: str, key_ids: list[str]
) -> list[str]:
    """Which of these keys are to be destroyed for a cause."""
    erasure = await journal.read(lambda records: records.erasure(workspace, cause))
    if erasure is None:
        return key_ids
    return await asyncio.to_thread(without_others, keys, erasure.subject, key_ids)


async def _restate(journal: Journal, keys: DataKeys) -> int:
    """Record the destructions that the journal, being older, does not know."""
    restated, buried = 0, iter(keys.tombstones)
    while chunk := {tombstone.key_id: tombstone for tombstone in islice(buried, CHUNK)}:
        unknown = await journal.read(partial(_unknown, key_ids=sorted(chunk)))
        alike: dict[tuple[str, str], list[Tombstone]] = {}
        for one in (chunk[key_id] for key_id in unknown):
            alike.setdefault((one.workspace, _cause(one)), []).append(one)
        for (workspace, cause), tombstones in alike.items():
            body: JsonObject = {
                "cause": cause,
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


def _cause(tombstone: Tombstone) -> str:
    """For what a key was destroyed: the id of an erasure, or a word."""
    return tombstone.reason.removeprefix(REASON).removesuffix(_AGAIN)


def _restated(tx: Tx, workspace: str, body: JsonObject) -> None:
    """Record what no other process that started meanwhile has recorded.

    Keys of an erasure that the record knows, and not yet as done, count as its own: it is carried
    out again, and its receipt must say what it destroyed.
    """
    known = tx.erasure(workspace, body["cause"]) is not None
    cause = body["cause"] if known else RESTATED
    if keys := tx.uncondemned(body["keys"]):
        told = {**body, "cause": cause, "keys": keys}
        tx.append(NewEntry(EntryType.KEYS_RESTATED, workspace, told))
