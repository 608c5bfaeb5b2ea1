"""Claims on runs: reading them, and in a unit of work taking, keeping and giving them back."""

import random
from collections.abc import Callable, Iterator
from itertools import chain, islice, zip_longest

from gateway.journal import claim_statements
from gateway.journal.session import Row, Session
from gateway.model.claims import ClaimQueue, ClaimRecords, DueRun
from gateway.model.execution import Claim

_AT_LEAST = 8


class SqlClaimRecords(ClaimRecords):
    """``ClaimRecords`` over a session."""

    __slots__ = ()

    _one: Callable[..., Row | None]
    _all: Callable[..., list[Row]]

    def claim_of(self, run_id: str) -> Claim | None:
        """The claim of a run."""
        return _claim(self._one(claim_statements.CLAIM_OF, of_run=run_id))

    def due_runs(self, now: str, limit: int, cap: int | None = None) -> list[DueRun]:
        """Runs whose ``wake_at`` or lease has passed, at most ``limit``, fairly by workspace."""
        lapsed = self._lapsed(now, limit, cap)
        room = limit - len(lapsed)
        waiting: list[Row] = []
        if room > 0:
            waiting = self._all(claim_statements.DUE, now=now, at_most=room + 1)
            if cap is not None or len(waiting) > room:
                waiting = list(islice(self._in_turns(now, room, cap), room)) if waiting else []
        return [DueRun(run_id, of, bool(urgent)) for run_id, of, urgent in (*lapsed, *waiting)]

    def _lapsed(self, now: str, limit: int, cap: int | None) -> list[Row]:
        if cap is None:
            return self._all(claim_statements.LAPSED, now=now, at_most=limit)
        return self._all(claim_statements.LAPSED_WITHIN, now=now, at_most=limit, cap=cap)

    def _in_turns(self, now: str, limit: int, cap: int | None) -> Iterator[Row]:
        """The due runs of each workspace, one of each in turn; who comes first is left to chance.

        Else it would always be the same ones, where there are more workspaces than ``limit``.
        """
        workspaces = [row[0] for row in self._all(claim_statements.WORKSPACES, now=now)]
        random.shuffle(workspaces)
        held: dict[str, int] = {}
        if cap is not None:
            held = dict(self._all(claim_statements.HELD, now=now))
        share = max(limit // max(len(workspaces), 1), _AT_LEAST)
        found: list[list[Row]] = []
        for workspace in workspaces:
            most = min(limit, share) if cap is None else min(share, cap - held.get(workspace, 0))
            if most > 0:
                found.append(self._due_in(workspace, now, most))
            if len(found) >= limit:
                break
        return (row for row in chain.from_iterable(zip_longest(*found)) if row is not None)

    def _due_in(self, workspace: str, now: str, most: int) -> list[Row]:
        rows: list[Row] = []
        for urgent in (1, 0):
            if len(rows) < most:
                given = {"workspace": workspace, "urgent": urgent, "at_most": most - len(rows)}
                rows += self._all(claim_statements.DUE_IN, now=now, **given)
        return rows

    def runs_ahead(self, now: str, limit: int, after: str) -> list[DueRun]:
        """Runs that were parked at a later time than ``now``, by id behind ``after``."""
        window = {"now": now, "after_run": after, "at_most": limit}
        rows = self._all(claim_statements.AHEAD, **window)
        return [DueRun(run_id, of, bool(urgent)) for run_id, of, urgent in rows]

    def waiting_runs(self, now: str, up_to: int) -> int:
        """How many runs are due that nobody holds, counted no further than ``up_to``."""
        row = self._one(claim_statements.WAITING, now=now, at_most=up_to)
        return row[0] if row else 0

    def next_wake(self) -> str | None:
        """The earliest ``wake_at`` or end of a lease."""
        waking = self._one(claim_statements.NEXT_WAKE)
        lapsing = self._one(claim_statements.NEXT_LAPSE)
        moments = [row[0] for row in (waking, lapsing) if row and row[0] is not None]
        return min(moments, default=None)


class SqlClaimQueue(ClaimQueue):
    """``ClaimQueue`` over a session, in a unit of work whose moment is ``_now``."""

    __slots__ = ()

    _one: Callable[..., Row | None]
    _all: Callable[..., list[Row]]
    _change: Callable[..., int]
    _session: Session
    _now: str

    def enlist(self, run_id: str, execution_id: str) -> None:
        """Give a new run of a recorded execution its claim row: epoch 0, held by nobody, due.

        Raises:
            NoSuchRowError: the execution is not in the record.
        """
        values = {"run_id": run_id, "of_execution": execution_id, "wake_at": self._now}
        self._session.change_one(claim_statements.ENLIST, **values)
        self.remind(run_id)

    def claim(
        self, run_id: str, owner: str, lease_until: str, cap: int | None = None
    ) -> Claim | None:
        """Take a run whose claim is free or over, raising its epoch; None if somebody holds it, or
        its workspace holds ``cap`` runs."""
        values = {"of_run": run_id, "owner": owner, "lease_until": lease_until, "now": self._now}
        if cap is None:
            return _claim(self._one(claim_statements.CLAIM, **values))
        return _claim(self._one(claim_statements.CLAIM_WITHIN, cap=cap, **values))

    def fence(self, run_id: str, epoch: int, lease_until: str) -> Claim | None:
        """Prolong a claim; None if it was lost (given back, or its epoch is another)."""
        values = {"of_run": run_id, "of_epoch": epoch, "lease_until": lease_until}
        return _claim(self._one(claim_statements.FENCE, **values))

    def renew(self, owner: str, lease_until: str, before: str) -> list[Claim]:
        """Prolong those claims of an owner whose lease ends ``before``, and return them."""
        values = {"of_owner": owner, "lease_until": lease_until, "before": before}
        return [Claim(*row) for row in self._all(claim_statements.RENEW, **values)]

    def shorten(self, latest: str) -> int:
        """Let no lease last beyond ``latest``; returns how many did."""
        return self._change(claim_statements.SHORTEN, latest=latest)

    def release(self, run_id: str, epoch: int, wake_seq: int, wake_at: str | None) -> bool:
        """Give a claim back until ``wake_at``; False if a wake-up came since ``wake_seq``."""
        values = {"of_run": run_id, "of_epoch": epoch, "of_wake_seq": wake_seq}
        released = self._change(claim_statements.RELEASE, wake_at=wake_at, **values) == 1
        if released and wake_at is not None and wake_at <= self._now:
            self.remind(run_id)
        return released

    def free(self, owner: str) -> int:
        """Give back every claim of an owner, due at once; returns how many there were."""
        freed = self._all(claim_statements.FREE, of_owner=owner, wake_at=self._now)
        for (run_id,) in freed:
            self.remind(run_id)
        return len(freed)

    def wake(self, run_id: str) -> None:
        """Say that a run has something to do: a wake-up that a release cannot miss."""
        self._session.change_unseen(claim_statements.WAKE, of_run=run_id, wake_at=self._now)
        self.remind(run_id)

    def remind(self, run_id: str) -> None:
        """Have word of a due run brought to whoever may advance it. Here nobody has to be told."""

    def adopt(self) -> int:
        """Free every claim that somebody holds, due at once; returns how many there were."""
        return self._change(claim_statements.ADOPT, wake_at=self._now)

    def wake_waiting(self) -> int:
        """Wake every run that waits for something; returns how many there are."""
        return self._change(claim_statements.WAKE_WAITING, wake_at=self._now)


def _claim(row: Row | None) -> Claim | None:
    return Claim(*row) if row else None
