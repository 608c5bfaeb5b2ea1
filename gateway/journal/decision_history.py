"""Reading recorded decisions: entries by type and time, in pages, each a short read of its own.

A page holds no snapshot any longer than its own statement, so that the writer beside it may fold
its log into the file. Entries never change, so pages need none in common.
"""

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import ColumnElement, bindparam, select, union

from gateway.journal.functions import listed
from gateway.journal.grants import standing_grant
from gateway.journal.place import Place, reading
from gateway.journal.records import SqlRecords
from gateway.journal.statement import Statement
from gateway.journal.tables import approval, entry, execution, plan
from gateway.model.decision_history import (
    DecisionHistory,
    DecisionRange,
    DecisionRow,
    PlanRow,
    RunRow,
)
from gateway.model.entry import EntryType
from gateway.model.json import encode

DECIDING = (
    *(EntryType.CALL_COMPLETED, EntryType.CALL_FAILED, EntryType.CALL_DENIED),
    *(EntryType.CALLS_DENIED, EntryType.QUERY_ANSWERED, EntryType.PLAN_VERIFIED),
    *(EntryType.STEP_DISPATCHED, EntryType.STEP_BLOCKED, EntryType.STEP_UNRESOLVED),
    EntryType.APPROVAL_REQUESTED,
)
"""The types of entries that may hold decisions."""

_RANGE = (
    entry.c.position > bindparam("after_position"),
    entry.c.position <= bindparam("through_position"),
    entry.c.type.in_([bindparam(kind.name, kind.value) for kind in DECIDING]),
    entry.c.at >= bindparam("since"),
)
_ROW = tuple(entry.c[name] for name in DecisionRow._fields)
_RUN = tuple(execution.c[name] for name in RunRow._fields)
_PLAN = tuple(plan.c[name] for name in PlanRow._fields)


def _page(*wheres: ColumnElement[bool]) -> Statement:
    rows = select(*_ROW).where(*_RANGE, *wheres).order_by(entry.c.position)
    return Statement(rows.limit(bindparam("at_most")))


def _by_ids(own: Any, *columns: Any) -> Statement:
    return Statement(select(own, *columns).where(own.in_(listed("ids"))))


_DECISIONS = _page()
_DECISIONS_OF_ONE = _page(entry.c.workspace == bindparam("of_workspace"))
_RUNS = _by_ids(execution.c.id, *_RUN)
_PLANS = _by_ids(plan.c.id, *_PLAN)
_WORKSPACES = Statement(union(select(approval.c.workspace), select(standing_grant.c.workspace)))


@contextlib.contextmanager
def open_history(place: Place) -> Iterator[DecisionHistory]:
    """The recorded decisions of the record in ``place``, read beside whoever writes there.

    Raises:
        ProblemError: DATABASE_UNREADABLE, DATABASE_UNKNOWN_VERSION, SERVICE_UNAVAILABLE.
    """
    with reading(place) as session:
        yield SqlDecisionHistory(session)


class SqlDecisionHistory(SqlRecords, DecisionHistory):
    """``DecisionHistory`` over a session on the journal's database."""

    __slots__ = ()

    def decisions(self, which: DecisionRange, limit: int) -> tuple[list[DecisionRow], int]:
        """The first ``limit`` entries of a range that may hold decisions, and the position up to
        which the range was read."""
        window: dict[str, Any] = {
            "after_position": which.after,
            "through_position": which.through,
            "since": which.since or "",
            "at_most": limit,
        }
        found = [DecisionRow(*row) for row in self._page_of(which, window)]
        return found, found[-1].position if len(found) == limit else which.through

    def _page_of(self, which: DecisionRange, window: dict[str, Any]) -> list[tuple[Any, ...]]:
        if which.workspace is None:
            return self._all(_DECISIONS, **window)
        return self._all(_DECISIONS_OF_ONE, **window, of_workspace=which.workspace)

    def runs(self, execution_ids: Iterable[str]) -> Mapping[str, RunRow]:
        """The executions of these ids that there are."""
        rows = self._all(_RUNS, ids=encode(list(execution_ids)))
        return {own: RunRow(*rest) for own, *rest in rows}

    def plan_rows(self, plan_ids: Iterable[str]) -> Mapping[str, PlanRow]:
        """The plans of these ids that there are."""
        rows = self._all(_PLANS, ids=encode(list(plan_ids)))
        return {own: PlanRow(*rest) for own, *rest in rows}

    def workspaces(self) -> list[str]:
        """Every workspace in which something was approved or granted beforehand."""
        return sorted(row[0] for row in self._all(_WORKSPACES))
