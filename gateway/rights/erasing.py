"""Erasing: from an approved request to destroyed keys and a signed receipt.

Each step is recorded before the next, and each can be repeated: the keys that are to fall are named
by a durable entry, then runs that hold the data end, then the keys are destroyed, and what came
meanwhile is looked for until nothing new is found that no hold keeps. Whoever resumes after a crash
begins again and arrives at the same end.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from gateway.journal import Place, Signer, open_sealed
from gateway.model.entry import EntryType, NewEntry
from gateway.model.json import JsonObject, JsonValue
from gateway.model.ports import Journal, Tx
from gateway.model.rights import Erasure, ErasureStatus, Hold, Subject, SubjectKind
from gateway.model.time import after
from gateway.privacy import DataKeys
from gateway.rights.receipts import Classes, make_receipt, signed
from gateway.rights.search import Search
from gateway.runtime.erased import end_erased
from gateway.runtime.lifecycle import Lifecycle

ROUNDS = 8
"""How often what came meanwhile is looked for; what still comes then is new data."""

_CLOCKS = 86_400.0
"""Seconds that the clocks of processes never differ by: each makes keys by its own."""

CHUNK = 1_000
"""How many keys one entry names, and how many are destroyed at a time."""

_RUNS = 50

REASON = "erasure "
"""What the reason of a tombstone begins with, before the id of the erasure."""

Kept: TypeAlias = Callable[[], Awaitable[tuple[frozenset[str], Set[str]]]]
"""Tells the holds that stand in a workspace, by their ids, and the keys that they keep."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Eraser:
    """Carries out approved erasures. ``place`` is where the record is, ``classes`` tells the PII
    classes of a field."""

    journal: Journal
    place: Place
    keys: DataKeys
    signer: Signer
    lifecycle: Lifecycle
    classes: Classes

    async def carry_out(self, erasure: Erasure, moment: str, kept: Kept) -> bool:
        """Erase what an approved erasure asks for; False where a legal hold stands in the way, now
        or at the ``moment`` (RFC 3339) up to which the clock is believed.

        What comes meanwhile falls too, but for what is ``kept``. Safe to repeat after whatever
        happened.

        Raises:
            OSError, sqlite3.Error, TimeoutError, ProblemError: it could not be done; repeat it.
        """
        named = await self.journal.read(lambda records: records.condemned_by(erasure.id))
        condemned = set(await asyncio.to_thread(without_others, self.keys, erasure.subject, named))
        await asyncio.to_thread(self._destroy, erasure, sorted(condemned))
        search = Search(self.keys, [erasure.subject], condemned)
        begun = erasure.condemned_at is not None
        for _ in range(ROUNDS):
            await asyncio.to_thread(self._advance, search)
            holds, held = await kept() if begun else (frozenset(), frozenset())
            fresh = sorted(search.keys - condemned - held)
            if begun and not fresh:
                break
            asked = partial(may_begin, erasure=erasure, search=search, moment=moment)
            if begun:
                asked = partial(no_other_stands, erasure.subject.workspace, holds, moment)
            if not await self._condemn(erasure, fresh, asked):
                if begun:  # a hold was placed meanwhile: look what it keeps
                    continue
                return False
            begun = True
            condemned.update(fresh)
            fallen = await self._fallen(erasure, search, condemned)
            await self._end_runs(erasure, fallen.executions)
            await asyncio.to_thread(self._destroy, erasure, fresh)
        fallen = await self._fallen(erasure, search, condemned)
        await self._end_runs(erasure, fallen.executions)
        await self._finish(erasure, fallen, sorted(condemned))
        return True

    async def carry_out_again(self, erasure: Erasure, moment: str, kept: Kept) -> int:
        """Erase what has come back of a person who was erased while the key store did not know it,
        as one that was restored; returns how many keys fall.

        What is ``kept`` stays, and so does all that came of the person since. Safe to repeat.

        Raises:
            OSError, sqlite3.Error, TimeoutError, ProblemError: it could not be done; repeat it.
        """
        search, count = await asyncio.to_thread(self._returned, erasure), 0
        holds, held = await kept() if search.keys else (frozenset(), frozenset())
        for chunk in chunks(sorted(search.keys - held), CHUNK):
            again = partial(_restate, erasure=erasure, keys=chunk, holds=holds, moment=moment)
            if not chunk or not await self.journal.write(again):
                break
            await self._end_runs(erasure, search.executions)
            await asyncio.to_thread(self._destroy, erasure, chunk)
            count += len(chunk)
        return count

    def _returned(self, erasure: Erasure) -> Search:
        """What is held on an erased person by keys that sealed something before they were erased
        and are there all the same."""
        subject, receipt = erasure.subject, (erasure.receipt or {}).get("receipt", {})
        until = (receipt.get("journal") or {}).get("position", 0)
        # Keys that were made long after it sealed nothing before it: most people have no others.
        made_until = after(erasure.condemned_at, _CLOCKS) if erasure.condemned_at else ""
        there = frozenset(self.keys.keys_of_token(subject.workspace, subject.target, made_until))
        if not there:
            return Search(self.keys, [subject], until=0)
        with open_sealed(self.place) as entries:
            found = entries.holding(subject.workspace, there, 0, until)
            before = [one.body for one in found if one.at <= (erasure.condemned_at or "")]
            back = {key for key in there if any(f'"{key}"' in body for body in before)}
            search = Search(self.keys, [subject], back, readable=True, until=until)
            search.advance(entries)
        return search

    async def _fallen(self, erasure: Erasure, search: Search, condemned: set[str]) -> Search:
        """What fell: all that was found, unless a hold keeps something of it."""
        if search.keys <= condemned:
            return search
        fallen = Search(self.keys, [erasure.subject], condemned, only=condemned)
        await asyncio.to_thread(self._advance, fallen)
        return fallen

    def _advance(self, search: Search) -> None:
        with open_sealed(self.place) as entries:
            search.advance(entries)

    async def _condemn(
        self, erasure: Erasure, fresh: Sequence[str], asked: Callable[[Tx], bool]
    ) -> bool:
        """Record the keys that are to fall; False where a hold keeps the first of them from it."""
        for number, chunk in enumerate(chunks(fresh, CHUNK)):
            body: JsonObject = {"erasureId": erasure.id, "keys": chunk}

            def unit(tx: Tx, body: JsonObject = body, is_first: bool = number == 0) -> bool:
                if is_first and not asked(tx):
                    return False
                tx.append(about(erasure, EntryType.KEYS_CONDEMNED, body))
                return True

            if not await self.journal.write(unit):
                return False
        return True

    def _destroy(self, erasure: Erasure, key_ids: Sequence[str]) -> None:
        workspace, reason = erasure.subject.workspace, f"{REASON}{erasure.id}"
        for chunk in chunks(key_ids, CHUNK):
            if chunk:
                self.keys.destroy(workspace, chunk, reason)

    async def _end_runs(self, erasure: Erasure, executions: Iterable[str]) -> None:
        """End what still runs with the data, so that nothing of it is done any more."""
        workspace = erasure.subject.workspace
        for chunk in chunks(sorted(executions), _RUNS):

            def unit(tx: Tx, chunk: Sequence[str] = chunk) -> None:
                for execution_id in chunk:
                    end_erased(tx, self.lifecycle, workspace, execution_id)

            await self.journal.write(unit)

    async def _finish(self, erasure: Erasure, search: Search, keys: Sequence[str]) -> None:
        """Record that it is done, with the receipt; a person's consents end with their data."""

        def unit(tx: Tx) -> None:
            current = tx.erasure(erasure.subject.workspace, erasure.id)
            if current is None or current.status is ErasureStatus.ERASED:
                return
            if erasure.subject.kind is SubjectKind.PERSON:
                for consent in tx.active_consents(erasure.subject, tx.now):
                    body = {"consentId": consent.id, "erasureId": erasure.id}
                    tx.append(about(erasure, EntryType.CONSENT_WITHDRAWN, body))
            newest = next(iter(tx.entries_after(tx.last_position() - 1, 1)), None)
            receipt = make_receipt(current, search, keys, tx.now, newest, self.classes)
            told = {"erasureId": erasure.id, "receipt": signed(receipt, self.signer)}
            tx.append(about(erasure, EntryType.SUBJECT_ERASED, told))

        await self.journal.write(unit)
        _log.info("erasure %s is done: %d keys destroyed", erasure.id, len(keys))


def may_begin(tx: Tx, erasure: Erasure, search: Search, moment: str) -> bool:
    """True if an erasure is approved and no hold stands in its way, now or at a ``moment``; else
    what holds it is recorded, where that is not known yet."""
    current = tx.erasure(erasure.subject.workspace, erasure.id)
    if current is None or current.status not in (ErasureStatus.APPROVED, ErasureStatus.HELD):
        return False
    holds = tx.active_holds(erasure.subject.workspace, min(moment, tx.now))
    in_the_way = tuple(hold.id for hold in holds if stands_in_the_way(hold, erasure, search))
    if in_the_way and in_the_way != current.held_by:
        body: JsonObject = {"erasureId": erasure.id, "holds": list(in_the_way)}
        tx.append(about(erasure, EntryType.ERASURE_HELD, body))
    return not in_the_way


def no_other_stands(workspace: str, holds: frozenset[str], moment: str, tx: Tx) -> bool:
    """True if no holds stand in a workspace, now or at a ``moment``, but these."""
    return not {hold.id for hold in tx.active_holds(workspace, min(moment, tx.now))} - holds


def _restate(tx: Tx, erasure: Erasure, keys: list[str], holds: frozenset[str], moment: str) -> bool:
    """Record that keys which came back fall with an erasure that is done; False where other holds
    stand than were looked at."""
    if not no_other_stands(erasure.subject.workspace, holds, moment, tx):
        return False
    if fresh := tx.uncondemned(keys):
        reasons: JsonValue = [f"{REASON}{erasure.id}"]
        body: JsonObject = {"cause": erasure.id, "keys": fresh, "reasons": reasons}
        tx.append(about(erasure, EntryType.KEYS_RESTATED, body))
    return True


def stands_in_the_way(hold: Hold, erasure: Erasure, search: Search) -> bool:
    """True if a hold is on what would fall: on the subject, on an execution in which it occurs, or
    on somebody who occurs there too, since what people wrote there speaks of both."""
    if hold.subject == erasure.subject:
        return True
    if hold.subject.kind is SubjectKind.EXECUTION:
        return hold.subject.target in search.executions
    return hold.subject.target in search.others


def without_others(keys: DataKeys, subject: Subject, key_ids: Sequence[str]) -> list[str]:
    """Condemned keys without those of somebody else than who is erased. They were condemned only
    because the key store of that time did not know them, as one that was restored, so that they
    counted as nobody's own."""
    return [key_id for key_id in key_ids if keys.owner_token(key_id) in (None, subject.target)]


def about(erasure: Erasure, kind: EntryType, body: JsonObject, actor: str = "") -> NewEntry:
    """An entry about an erasure: on the chain of the execution that it is of, if it is one."""
    subject = erasure.subject
    return NewEntry(kind, subject.workspace, body, subject.execution_id, actor)


def chunks(items: Sequence[str], size: int) -> Iterator[list[str]]:
    """The items in order, ``size`` at a time; one empty chunk where there are none."""
    for start in range(0, max(len(items), 1), size):
        yield list(items[start : start + size])
