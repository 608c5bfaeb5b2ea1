"""audit.checkpoint.create, audit.checkpoint.get and audit.checkpoint.list"""

import base64
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.anchoring import (
    Destinations,
    TargetStatus,
    cosignatures,
    is_cosigned,
    target_statuses,
    with_cosignatures,
)
from gateway.model.anchor import Brought, Receipt, TargetKind
from gateway.model.json import JsonObject
from gateway.model.ports import Records, Tx
from gateway.model.problem import Problem, ProblemError, refuse
from gateway.model.time import stamp
from gateway.operations.common import page_of, present
from gateway.operations.proofs import consistency, inclusion
from gateway.operations.signed_checkpoints import SignedNote, newest, note_of, numbers
from gateway.pipeline import Admitted, Bindings, Command, Query

Sign = Callable[[], Awaitable[int | None]]
"""Signs a checkpoint now; gives its number, None where nothing was recorded since the last one."""


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """What shows checkpoints, and where they went."""

    sign: Sign
    destinations: Destinations

    async def prepare(self, _: Admitted) -> int | Problem | None:
        """Sign before the unit of work begins, which would hold the writer that signing needs.

        What goes wrong is told from there, as for any command.
        """
        try:
            return await self.sign()
        except ProblemError as error:
            return error.problem

    def create(self, admitted: Admitted, tx: Tx) -> JsonObject:
        """The checkpoint that was signed, or the last one."""
        if isinstance(admitted.prepared, Problem):
            raise ProblemError(admitted.prepared)
        found = newest(tx)
        created = admitted.prepared is not None
        return {"created": created, "checkpoint": self._shown(tx, found)}

    def get(self, admitted: Admitted, records: Records) -> JsonObject:
        """A checkpoint, the newest one where none is named."""
        number = admitted.value.get("number")
        found = newest(records) if number is None else note_of(records, number)
        if found is None:
            told = f"There is no checkpoint {number}. auditCheckpointList names those there are."
            raise refuse("NOT_FOUND", told)
        return {"checkpoint": self._shown(records, found)}

    def list_all(self, admitted: Admitted, records: Records) -> JsonObject:
        """A page of checkpoints, newest first, and the targets."""
        page = page_of(admitted)
        there = numbers(records)
        window = there[::-1][page.offset : page.offset + page.limit]
        brought: dict[int, list[Brought]] = {}
        for one in records.brought(window[-1], window[0]) if window else ():
            brought.setdefault(one.number, []).append(one)
        items = [
            self._item(found, brought.get(number, []))
            for number in window
            if (found := note_of(records, number)) is not None
        ]
        statuses = target_statuses(records, self.destinations, there.stop - 1)
        return {
            "items": items,
            "total": len(there),
            "quorum": self.destinations.quorum,
            "targets": [_target(one) for one in statuses],
        }

    def _shown(self, records: Records, found: SignedNote) -> JsonObject:
        receipts = records.receipts(found.number, found.number)
        return {
            **_common(found),
            "origin": found.origin,
            "note": with_cosignatures(found.note, receipts),
            "cosignatures": [_cosignature(one) for one in cosignatures(receipts)],
            "cosigned": is_cosigned(self.destinations, found.note, receipts),
            "receipts": [
                {"anchor": one.target, "at": one.at, "answer": one.body}
                for one in receipts
                if one.kind is TargetKind.ANCHOR
            ],
        }

    def _item(self, found: SignedNote, brought: Sequence[Brought]) -> JsonObject:
        return {
            **_common(found),
            "witnesses": [one.target for one in cosignatures(brought)],
            "cosigned": is_cosigned(self.destinations, found.note, brought),
            "anchors": [one.target for one in brought if one.kind is TargetKind.ANCHOR],
        }


def bind_checkpoints(sign: Sign, destinations: Destinations) -> Bindings:
    """The handlers of checkpoints and proofs."""
    checkpoints = Checkpoints(sign, destinations)
    return {
        "audit.checkpoint.create@1.0.0": Command(checkpoints.create, checkpoints.prepare),
        "audit.checkpoint.get@1.0.0": Query(checkpoints.get),
        "audit.checkpoint.list@1.0.0": Query(checkpoints.list_all),
        "audit.proof.inclusion@1.0.0": Query(inclusion),
        "audit.proof.consistency@1.0.0": Query(consistency),
    }


def _common(found: SignedNote) -> JsonObject:
    return {
        "number": found.number,
        "at": found.at,
        "size": found.size,
        "root": base64.b64encode(found.root).decode(),
    }


def _cosignature(receipt: Receipt) -> JsonObject:
    at = datetime.fromtimestamp(int(receipt.body["at"]), UTC)
    return {"witness": receipt.target, "at": stamp(at), "line": receipt.cosignature}


def _target(status: TargetStatus) -> JsonObject:
    progress = status.progress
    return present(
        {
            "kind": progress.kind.value.upper(),
            "id": progress.target,
            "number": progress.number,
            "behind": status.behind,
            "attempts": progress.attempts,
            "nextAttemptAt": progress.next_at,
            "lastError": progress.last_error,
            "updatedAt": progress.updated_at,
        }
    )
