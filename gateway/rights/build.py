"""Putting the room together: what operations are handed of it."""

import asyncio
import sqlite3
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from gateway.journal import Place
from gateway.model.ports import Ids
from gateway.model.system import unusable_key
from gateway.privacy import Keyring
from gateway.rights.calendar import Calendar
from gateway.rights.desk import Desk
from gateway.rights.erasing import Eraser
from gateway.rights.exporting import Exporting
from gateway.rights.lateness import Lateness
from gateway.rights.restoring import reconcile
from gateway.rights.retention import Retention, class_names
from gateway.rights.sweeper import Sweeper
from gateway.runtime import Loop

_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class Rights:
    """The desk where people ask, what reads for them, what acts by itself, and how far the clock is
    believed for that.

    ``slots`` is how many of them read at a time: each goes through the whole record.
    """

    desk: Desk
    exporting: Exporting
    lateness: Lateness
    retention: Retention
    sweeper: Sweeper
    calendar: Calendar
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))


@dataclass(frozen=True, slots=True)
class Pace:
    """How many seconds lie between two sweeps (``interval``), and by how many days the clock may
    have gone ahead while nothing ran (``leap``)."""

    interval: float
    leap: float


async def open_rights(
    loop: Loop, keyring: Keyring, retention: Retention, ids: Ids, place: Place, pace: Pace
) -> Rights:
    """The rights of people over a loop. What was erased is erased again first, whichever backup was
    restored.

    ``place`` is where the record is.

    Raises:
        ProblemError: KEYS_UNUSABLE where that fails.
    """
    calendar = Calendar(keyring.data.store, loop.clock, timedelta(days=pace.leap))
    try:
        last = await loop.journal.read(lambda records: records.last_moment())
        await asyncio.to_thread(calendar.begin, last)
        keyring.data.clock = calendar
        await reconcile(loop.journal, keyring.data)
    except (OSError, sqlite3.Error) as error:
        told = f"cannot destroy again what was erased ({type(error).__name__}). Start once more"
        raise unusable_key(keyring.data.store.place, told) from error
    keys, classes = keyring.data, partial(class_names, retention)
    eraser = Eraser(loop.journal, place, keys, keyring.signer, loop.lifecycle, classes)
    sweeper = Sweeper(loop.journal, eraser, loop.clock, calendar, pace.interval)
    desk = Desk(loop.sealer, ids, sweeper.wake)
    exporting = Exporting(place, keys, loop.sealer, classes)
    return Rights(desk, exporting, Lateness(place, keys), retention, sweeper, calendar)
