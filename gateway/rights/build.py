"""Putting the room together: what operations are handed of it."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from gateway.model.ports import Ids
from gateway.privacy import Keyring
from gateway.rights.desk import Desk
from gateway.rights.erasing import Eraser
from gateway.rights.exporting import Exporting
from gateway.rights.restoring import reconcile
from gateway.rights.retention import Retention, class_names
from gateway.rights.sweeper import Sweeper
from gateway.runtime import Loop


@dataclass(frozen=True, slots=True)
class Rights:
    """The desk where people ask, what reads for them, and what acts by itself."""

    desk: Desk
    exporting: Exporting
    retention: Retention
    sweeper: Sweeper


async def open_rights(
    loop: Loop, keyring: Keyring, retention: Retention, ids: Ids, path: Path, interval: float
) -> Rights:
    """The rights of people over a loop. What was erased is erased again first, whichever backup was
    restored.

    ``path`` is the journal's database, ``interval`` how many seconds lie between two sweeps.
    """
    await reconcile(loop.journal, keyring.data)
    keys, classes = keyring.data, partial(class_names, retention)
    eraser = Eraser(loop.journal, path, keys, keyring.signer, loop.lifecycle, classes)
    sweeper = Sweeper(loop.journal, keys, eraser, loop.clock, interval)
    desk = Desk(loop.sealer, ids, sweeper.wake)
    return Rights(desk, Exporting(path, keys, loop.sealer, classes), retention, sweeper)
