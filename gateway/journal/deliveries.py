"""Webhook deliveries in SQL: how far each endpoint has come, and what is still to be sent.

Not projections: they say what this process has done about the entries, as claims do. A rebuild
leaves them alone.
"""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Column, Index, Table, bindparam, delete, desc, func, select
from sqlalchemy import update as updating

from gateway.journal.dialects import TEXT, WHOLE
from gateway.journal.queries import Listing
from gateway.journal.session import Row
from gateway.journal.statement import Statement, adding_once, setting
from gateway.journal.tables import metadata
from gateway.model.delivery import Delivery, DeliveryFilter, DeliveryStatus
from gateway.model.ports import Page
from gateway.model.time import END

webhook_cursor = Table(
    "webhook_cursor",
    metadata,
    Column("workspace", TEXT, primary_key=True),
    Column("endpoint", TEXT, primary_key=True),
    Column("position", WHOLE, nullable=False),
    sqlite_with_rowid=False,
)

webhook_delivery = Table(
    "webhook_delivery",
    metadata,
    Column("id", TEXT, primary_key=True, nullable=False),
    Column("workspace", TEXT, nullable=False),
    Column("endpoint", TEXT, nullable=False),
    Column("event_id", TEXT, nullable=False),
    Column("position", WHOLE, nullable=False),
    Column("idx", WHOLE, nullable=False),
    Column("type", TEXT, nullable=False),
    Column("execution_id", TEXT, nullable=True),
    Column("created_at", TEXT, nullable=False),
    Column("updated_at", TEXT, nullable=False),
    Column("status", TEXT, nullable=False),
    Column("attempts", WHOLE, nullable=False),
    Column("next_at", TEXT, nullable=True),
    Column("last_status", WHOLE, nullable=True),
    Column("last_error", TEXT, nullable=True),
)
_row = webhook_delivery.c
_newest = (desc(_row.position), desc(_row.idx), _row.id)
Index("webhook_delivery_newest", _row.workspace, *_newest)
Index("webhook_delivery_by_status", _row.workspace, _row.status, *_newest)
Index("webhook_delivery_due", _row.workspace, _row.endpoint, _row.status, _row.next_at)
Index("webhook_delivery_old", _row.status, _row.updated_at)

# --- statements

_place = (
    webhook_cursor.c.workspace == bindparam("of_workspace"),
    webhook_cursor.c.endpoint == bindparam("of_endpoint"),
)
_pending = (
    _row.workspace == bindparam("of_workspace"),
    _row.endpoint == bindparam("of_endpoint"),
    _row.status == DeliveryStatus.PENDING.value,
)
_CHANGING = ("status", "attempts", "next_at", "last_status", "last_error", "updated_at")

POSITION = Statement(select(webhook_cursor.c.position).where(*_place))
PLACES = Statement(
    select(webhook_cursor.c.workspace, webhook_cursor.c.endpoint).order_by(
        webhook_cursor.c.workspace, webhook_cursor.c.endpoint
    )
)
OPEN = adding_once(webhook_cursor)
MOVE = setting(
    updating(webhook_cursor).where(*_place, webhook_cursor.c.position == bindparam("before")),
    "position",
)
QUEUE = adding_once(webhook_delivery)
CHANGE = setting(
    updating(webhook_delivery).where(
        _row.id == bindparam("of_id"),
        _row.status == bindparam("was_status"),
        _row.attempts == bindparam("was_attempts"),
        _row.updated_at == bindparam("was_updated_at"),  # a replay begins at no attempts again
    ),
    *_CHANGING,
)
_old = (
    select(_row.id)
    .where(_row.status == bindparam("of_status"), _row.updated_at < bindparam("before"))
    .limit(bindparam("at_most"))
)
PRUNE = Statement(delete(webhook_delivery).where(_row.id.in_(_old)))
DELIVERY = Statement(
    select(*webhook_delivery.columns).where(
        _row.workspace == bindparam("of_workspace"), _row.id == bindparam("of_id")
    )
)
DELIVERIES = Listing(webhook_delivery, *_newest, by=("status", "endpoint"))
DUE = Statement(
    select(*webhook_delivery.columns)
    .where(*_pending, _row.next_at <= bindparam("now"))
    .order_by(_row.next_at, _row.id)
    .limit(bindparam("at_most"))
)
AHEAD = Statement(
    select(*webhook_delivery.columns)
    .where(*_pending, _row.next_at > bindparam("latest"))
    .order_by(_row.next_at, _row.id)
    .limit(bindparam("at_most"))
)
NEXT = Statement(
    select(func.min(_row.next_at)).where(
        *_pending, _row.next_at > bindparam("now"), _row.next_at <= bindparam("latest")
    )
)


class SqlDeliveryRecords:
    """``DeliveryRecords``, over the ways of ``SqlRecords`` to run a statement."""

    __slots__ = ()

    _one: Callable[..., Row | None]
    _all: Callable[..., list[Row]]
    _page: Callable[..., tuple[list[Row], int]]

    def delivery(self, workspace: str, delivery_id: str) -> Delivery | None:
        """The delivery of this id."""
        row = self._one(DELIVERY, of_workspace=workspace, of_id=delivery_id)
        return _delivery(row) if row else None

    def deliveries(self, which: DeliveryFilter, page: Page) -> tuple[list[Delivery], int]:
        """A page of deliveries, the newest event first, and how many there are in all."""
        filters = {"status": which.status, "endpoint": which.endpoint}
        rows, total = self._page(DELIVERIES, which.workspace, filters, page)
        return [_delivery(row) for row in rows], total

    def due_deliveries(
        self, workspace: str, endpoint: str, now: str, limit: int, latest: str = END
    ) -> list[Delivery]:
        """Pending deliveries of an endpoint whose time has come, the longest overdue first, and
        behind them those that wait beyond ``latest``."""
        place = {"of_workspace": workspace, "of_endpoint": endpoint}
        rows = self._all(DUE, now=now, at_most=limit, **place)
        if len(rows) < limit:
            rows += self._all(AHEAD, latest=latest, at_most=limit - len(rows), **place)
        return [_delivery(row) for row in rows]

    def next_delivery(
        self, workspace: str, endpoint: str, now: str, latest: str = END
    ) -> str | None:
        """When the next pending delivery of an endpoint that is not due yet will be."""
        place = {"of_workspace": workspace, "of_endpoint": endpoint}
        row = self._one(NEXT, now=now, latest=latest, **place)
        return row[0] if row else None

    def webhook_position(self, workspace: str, endpoint: str) -> int | None:
        """The position up to which events were queued for an endpoint; None if it is new."""
        row = self._one(POSITION, of_workspace=workspace, of_endpoint=endpoint)
        return row[0] if row else None

    def webhook_places(self) -> list[tuple[str, str]]:
        """The workspace and the id of every endpoint that there ever was, in order."""
        return [(workspace, endpoint) for workspace, endpoint in self._all(PLACES)]


class SqlDeliveryQueue:
    """``DeliveryQueue``, over the way of ``Unit`` to run a statement."""

    __slots__ = ()

    _change: Callable[..., int]

    def open_webhook(self, workspace: str, endpoint: str, position: int) -> None:
        """Let a new endpoint begin behind ``position``; one that is known stays where it is."""
        self._change(OPEN, workspace=workspace, endpoint=endpoint, position=position)

    def move_webhook(self, workspace: str, endpoint: str, before: int, position: int) -> bool:
        """Move an endpoint on from ``before`` to ``position``; False if it is elsewhere."""
        place = {"of_workspace": workspace, "of_endpoint": endpoint}
        return self._change(MOVE, before=before, position=position, **place) == 1

    def queue_deliveries(self, deliveries: Sequence[Delivery]) -> None:
        """Add deliveries; one that is there already stays as it is."""
        for one in deliveries:
            self._change(
                QUEUE,
                id=one.id,
                workspace=one.workspace,
                endpoint=one.endpoint,
                event_id=one.event_id,
                position=one.position,
                idx=one.index,
                type=one.type,
                execution_id=one.execution_id,
                created_at=one.created_at,
                **_changing(one),
            )

    def change_delivery(self, before: Delivery, after: Delivery) -> bool:
        """Store what became of a delivery; False if it is no longer what it was ``before``."""
        was = {
            "was_status": before.status.value,
            "was_attempts": before.attempts,
            "was_updated_at": before.updated_at,
        }
        return self._change(CHANGE, of_id=before.id, **was, **_changing(after)) == 1

    def prune_deliveries(self, status: DeliveryStatus, before: str, limit: int) -> int:
        """Remove up to ``limit`` deliveries of a status that last changed before a moment."""
        return self._change(PRUNE, of_status=status.value, before=before, at_most=limit)


def _changing(delivery: Delivery) -> dict[str, Any]:
    return {name: getattr(delivery, name) for name in _CHANGING} | {"status": delivery.status.value}


def _delivery(row: Row) -> Delivery:
    (own, workspace, endpoint, event_id, position, idx, kind, execution_id, *rest) = row
    (created_at, updated_at, status, attempts, next_at, last_status, last_error) = rest
    return Delivery(
        id=own,
        workspace=workspace,
        endpoint=endpoint,
        event_id=event_id,
        position=position,
        index=idx,
        type=kind,
        execution_id=execution_id,
        created_at=created_at,
        updated_at=updated_at,
        status=DeliveryStatus(status),
        attempts=attempts,
        next_at=next_at,
        last_status=last_status,
        last_error=last_error,
    )
