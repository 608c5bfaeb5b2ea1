"""Anchors and witnesses in SQL: how far each has come with the checkpoints, and its receipts.

Not projections: they say what this process has done about the checkpoints, as webhook deliveries
do about the entries. A rebuild leaves them alone.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Column, Table, bindparam, select
from sqlalchemy import update as updating

from gateway.journal.dialects import JSON, TEXT, WHOLE
from gateway.journal.session import Row
from gateway.journal.statement import Statement, adding_once, setting
from gateway.journal.tables import metadata
from gateway.model.anchor import Brought, Progress, Receipt, TargetKind
from gateway.model.json import decode, encode

anchor_target = Table(
    "anchor_target",
    metadata,
    Column("kind", TEXT, primary_key=True),
    Column("target", TEXT, primary_key=True),
    Column("number", WHOLE, nullable=False),
    Column("updated_at", TEXT, nullable=False),
    Column("attempts", WHOLE, nullable=False),
    Column("next_at", TEXT, nullable=True),
    Column("last_error", TEXT, nullable=True),
    sqlite_with_rowid=False,
)

anchor_receipt = Table(
    "anchor_receipt",
    metadata,
    Column("number", WHOLE, primary_key=True, autoincrement=False),
    Column("kind", TEXT, primary_key=True),
    Column("target", TEXT, primary_key=True),
    Column("at", TEXT, nullable=False),
    Column("body", JSON, nullable=False),
    Column("cosignature", TEXT, nullable=True),
    sqlite_with_rowid=False,
)

_target = anchor_target.c
_receipt = anchor_receipt.c
_place = (_target.kind == bindparam("of_kind"), _target.target == bindparam("of_target"))
_CHANGING = ("number", "updated_at", "attempts", "next_at", "last_error")


PROGRESS = Statement(select(*anchor_target.columns).where(*_place))
OPEN = adding_once(anchor_target)
MOVE = setting(
    updating(anchor_target).where(*_place, _target.number == bindparam("was_number")), *_CHANGING
)
KEEP = adding_once(anchor_receipt)
_between = (_receipt.number >= bindparam("first"), _receipt.number <= bindparam("last"))
_in_order = (_receipt.number, _receipt.kind, _receipt.target)
RECEIPTS = Statement(select(*anchor_receipt.columns).where(*_between).order_by(*_in_order))
BROUGHT = Statement(select(*_in_order, _receipt.cosignature).where(*_between).order_by(*_in_order))


class SqlAnchorRecords:
    """``AnchorRecords``, over the ways of ``SqlRecords`` to run a statement."""

    __slots__ = ()

    _one: Callable[..., Row | None]
    _all: Callable[..., list[Row]]

    def progress_of(self, kind: TargetKind, target: str) -> Progress | None:
        """How far a target has come; None if it is new."""
        row = self._one(PROGRESS, of_kind=kind.value, of_target=target)
        return Progress(TargetKind(row[0]), *row[1:]) if row else None

    def receipts(self, first: int, last: int) -> list[Receipt]:
        """The receipts for the checkpoints ``first`` to ``last``, by number, kind and target."""
        return [
            Receipt(number, TargetKind(kind), target, at, decode(body), cosignature)
            for number, kind, target, at, body, cosignature in self._all(
                RECEIPTS, first=first, last=last
            )
        ]

    def brought(self, first: int, last: int) -> list[Brought]:
        """Who has the checkpoints ``first`` to ``last``, as ``receipts`` and in its order, and
        without reading any answer."""
        return [
            Brought(number, TargetKind(kind), target, cosignature)
            for number, kind, target, cosignature in self._all(BROUGHT, first=first, last=last)
        ]


class SqlAnchorQueue:
    """``AnchorQueue``, over the way of ``Unit`` to run a statement."""

    __slots__ = ()

    _change: Callable[..., int]

    def open_target(self, start: Progress) -> None:
        """Let a new target begin; one that is known stays where it is."""
        self._change(OPEN, kind=start.kind.value, target=start.target, **_changing(start))

    def move_target(self, before: Progress, after: Progress, receipt: Receipt | None) -> bool:
        """Store what came of an attempt; False if the target is no longer where it was ``before``.

        Nothing is stored then.
        """
        place = {"of_kind": before.kind.value, "of_target": before.target}
        if not self._change(MOVE, was_number=before.number, **place, **_changing(after)):
            return False
        if receipt is not None:
            self._change(
                KEEP,
                number=receipt.number,
                kind=receipt.kind.value,
                target=receipt.target,
                at=receipt.at,
                body=encode(receipt.body),
                cosignature=receipt.cosignature,
            )
        return True


def _changing(progress: Progress) -> dict[str, Any]:
    return {name: getattr(progress, name) for name in _CHANGING}
