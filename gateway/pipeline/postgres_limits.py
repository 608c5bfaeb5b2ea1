"""Rate limits that several processes share: one statement in PostgreSQL counts calls.

At a door, calls wait for that statement in a thread beside the event loop, and those that come
while one is under way are counted together by the next. Within a unit of work the statement runs in
a session of its own: the unit may be undone and run again, and what was counted stays counted.
"""

import asyncio
import hashlib
import logging
import queue
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.model.json import canonical
from gateway.model.ports import Clock, Tx
from gateway.model.problem import ProblemError, refuse
from gateway.model.rate import Budget
from gateway.pipeline.rate_tables import FORGET, KEEP_NEWEST, TAKE
from gateway.postgres import Connection

MOST = 1_000_000
"""How many holders are remembered, about."""

_BATCH = 500
_QUEUE = 20_000
_FORGET_EVERY = 30.0
_SETTINGS = {"synchronous_commit": "off", "lock_timeout": "2s", "statement_timeout": "5s"}
_SILENCE = 10.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A call at a door, and who waits for the answer."""

    holder: bytes
    rpm: int
    loop: asyncio.AbstractEventLoop
    answer: asyncio.Future[float]


class PostgresRateLimits:
    """The limits of all processes on the database ``url``: the port ``RateLimits``.

    They go by the clock of the database, or by ``clock`` where one is given. Of ``most`` holders
    more or less the last call is remembered.
    """

    def __init__(self, url: str, clock: Clock | None = None, most: int = MOST) -> None:
        self._clock = clock
        self._most = most
        self._doors = Connection(url, "rate limits", settings=_SETTINGS, silence=_SILENCE)
        self._units = Connection(url, "rate limits", settings=_SETTINGS, silence=_SILENCE)
        self._queue: queue.Queue[_Asked | None] = queue.Queue(_QUEUE)
        self._forget_at = time.monotonic() + _FORGET_EVERY
        self._thread = threading.Thread(target=self._serve, name="rate-limits", daemon=True)
        self._is_closed = False
        self._thread.start()

    def close(self) -> None:
        """Count no more; whoever still waits is answered first, and who comes later is refused."""
        self._is_closed = True
        self._queue.put(None)
        self._thread.join()
        self._doors.close()
        self._units.close()

    async def take(self, budget: Budget) -> float:
        """Count a call; see ``RateLimits``."""
        if self._is_closed:
            told = "Calls are counted no more: the gateway is stopping. Try again later."
            raise refuse("SERVICE_UNAVAILABLE", told, retry_after=1.0)
        loop = asyncio.get_running_loop()
        asked = _Asked(_holder_of(budget), budget.rpm, loop, loop.create_future())
        try:
            self._queue.put_nowait(asked)
        except queue.Full:
            told = "Too many calls wait to be counted. Try again in a moment."
            raise refuse("SERVICE_UNAVAILABLE", told, retry_after=1.0) from None
        return await asked.answer

    def take_within(self, tx: Tx, budget: Budget) -> float:
        """Count a call of a unit of work; see ``RateLimits``."""
        holder = _holder_of(budget)
        granted, wait = self._counted(self._units, [(holder, budget.rpm, 1)])[holder]
        return 0.0 if granted else wait

    def forget(self) -> None:
        """Drop those whose budget is full again, and any too many.

        Raises:
            ProblemError: SERVICE_UNAVAILABLE.
        """
        self._doors.rows(FORGET, (self._now(),))
        self._doors.rows(KEEP_NEWEST, (self._most,))

    def _serve(self) -> None:
        is_over = False
        while not is_over:
            batch, is_over = self._gather()
            for part in _by_holder(batch):
                self._answer(part)
            if time.monotonic() >= self._forget_at:
                self._forget_at = time.monotonic() + _FORGET_EVERY
                try:
                    self.forget()
                except ProblemError:
                    _log.warning("budgets that are full again could not be forgotten")

    def _gather(self) -> tuple[list[_Asked], bool]:
        """Who waits, and whether nobody will come any more."""
        taken = [self._queue.get()]
        while taken[-1] is not None and len(taken) < _BATCH:
            try:
                taken.append(self._queue.get_nowait())
            except queue.Empty:
                break
        batch = [asked for asked in taken if asked is not None]
        return batch, len(batch) < len(taken)

    def _answer(self, part: dict[bytes, list[_Asked]]) -> None:
        asked = [(holder, same[0].rpm, len(same)) for holder, same in part.items()]
        try:
            counted = self._counted(self._doors, asked)
        except Exception as error:  # whatever it is, nobody may wait for ever
            if not isinstance(error, ProblemError):
                _log.exception("calls could not be counted")
            for same in part.values():
                _tell(same, error)
            return
        for holder, same in part.items():
            granted, wait = counted[holder]
            _tell(same[:granted], 0.0)
            _tell(same[granted:], wait)

    def _counted(
        self, connection: Connection, asked: Sequence[tuple[bytes, int, int]]
    ) -> dict[bytes, tuple[int, float]]:
        """For each holder how many of its calls were counted, and the wait for the next."""
        columns = [list(column) for column in zip(*asked, strict=True)]
        rows = connection.rows(TAKE, (*columns, self._now()))
        return {bytes(holder): (granted, wait) for holder, granted, wait in rows}

    def _now(self) -> float | None:
        return None if self._clock is None else self._clock.now().timestamp()


def _holder_of(budget: Budget) -> bytes:
    """A name of the same size for every holder, which tells nobody who it is."""
    holder = budget.holder
    named = [holder.contract, holder.key.value, holder.workspace, holder.subject]
    return hashlib.sha256(canonical(named)).digest()


def _by_holder(batch: Sequence[_Asked]) -> list[dict[bytes, list[_Asked]]]:
    """The calls of a batch by holder, each with one limit; who has several comes again."""
    parts: list[dict[bytes, list[_Asked]]] = []
    for asked in batch:
        for part in parts:
            same = part.setdefault(asked.holder, [])
            if not same or same[0].rpm == asked.rpm:
                same.append(asked)
                break
        else:
            parts.append({asked.holder: [asked]})
    return parts


def _tell(asked: Sequence[_Asked], outcome: float | Exception) -> None:
    for one in asked:
        try:
            one.loop.call_soon_threadsafe(_set, one.answer, outcome)
        except RuntimeError:  # the loop is closed: nobody waits
            continue


def _set(answer: asyncio.Future[float], outcome: float | Exception) -> None:
    if answer.done():  # the caller was cancelled and wants no answer
        return
    if isinstance(outcome, Exception):
        answer.set_exception(outcome)
    else:
        answer.set_result(outcome)
