"""privacy.subject.erase, and privacy.erasure.approve, reject, get and list"""

from dataclasses import dataclass
from functools import partial

from gateway.model.json import JsonObject
from gateway.model.ports import Records, Tx
from gateway.model.rights import OPEN_ERASURES, Erasure, ErasureStatus
from gateway.operations.common import page_of, present
from gateway.operations.privacy_common import (
    believed,
    filter_of,
    named_by,
    required_text,
    shown_subject,
    shown_text,
    text_of,
)
from gateway.pipeline import Admitted, Bindings, Command, Query
from gateway.rights import Rights
from gateway.rights.lookup import require_erasure
from gateway.runtime import Loop


def bind_erasures(loop: Loop, rights: Rights) -> Bindings:
    """The handlers of the contracts about erasures."""
    handlers, moment = _Handlers(loop, rights), partial(believed, rights)
    return {
        "privacy.subject.erase@1.0.0": Command(handlers.ask),
        "privacy.erasure.approve@1.0.0": Command(handlers.approve),
        "privacy.erasure.reject@1.0.0": Command(handlers.reject),
        "privacy.erasure.get@1.0.0": Query(handlers.get, moment),
        "privacy.erasure.list@1.0.0": Query(handlers.list_all, moment),
    }


@dataclass(frozen=True, slots=True)
class _Handlers:
    loop: Loop
    rights: Rights

    def ask(self, admitted: Admitted, tx: Tx) -> JsonObject:
        """Record a request, which waits for a second person."""
        note = text_of(admitted, "note")
        named = named_by(self.rights, admitted, tx)
        ground = admitted.value["ground"].lower()
        erasure = self.rights.desk.ask(tx, admitted.principal, named, ground, note)
        return {**_standing(erasure), "requestedAt": tx.now}

    def approve(self, admitted: Admitted, tx: Tx) -> JsonObject:
        """Let an erasure happen: it does by itself, once this is durable."""
        note, wanted = text_of(admitted, "note"), admitted.value["erasureId"]
        erasure = self.rights.desk.approve(tx, admitted.principal, wanted, note)
        return {**_standing(erasure), "decidedAt": tx.now}

    def reject(self, admitted: Admitted, tx: Tx) -> JsonObject:
        """Record that an erasure does not happen."""
        reason, wanted = required_text(admitted, "reason"), admitted.value["erasureId"]
        erasure = self.rights.desk.reject(tx, admitted.principal, wanted, reason)
        return {**_standing(erasure), "decidedAt": tx.now}

    def get(self, admitted: Admitted, records: Records) -> JsonObject:
        """An erasure, what it waits for, and its receipt."""
        workspace = admitted.principal.workspace
        erasure = require_erasure(records, workspace, admitted.value["erasureId"])
        return {"erasure": self._item(records, admitted.prepared, erasure)}

    def list_all(self, admitted: Admitted, records: Records) -> JsonObject:
        """Erasures of the workspace, newest first."""
        which = filter_of(self.loop, self.rights, admitted)
        found, total = records.erasures(which, page_of(admitted))
        item = partial(self._item, records, admitted.prepared)
        return {"items": list(map(item, found)), "total": total}

    def _item(self, records: Records, moment: str, erasure: Erasure) -> JsonObject:
        text = partial(shown_text, self.loop, erasure.subject)
        told = erasure.told
        note = text(told, "note") or text(told, "reason")
        return present(
            {
                **_standing(erasure),
                **shown_subject(self.loop, erasure.subject, erasure.asked),
                "ground": erasure.ground.upper(),
                "note": text(erasure.asked, "note"),
                "requestedBy": erasure.requested_by,
                "requestedAt": erasure.requested_at,
                "decidedBy": erasure.decided_by,
                "decidedAt": erasure.decided_at,
                "decisionNote": note,
                "waitsFor": self._waits(records, moment, erasure),
                "erasedAt": erasure.erased_at,
                "receipt": erasure.receipt,
            }
        )

    def _waits(self, records: Records, moment: str, erasure: Erasure) -> list[JsonObject]:
        """What stands between the believed moment and the erasure."""
        if erasure.status not in OPEN_ERASURES:
            return []
        waits: list[JsonObject] = []
        if erasure.status is ErasureStatus.PENDING_APPROVAL:
            told = f"A person other than {erasure.requested_by} has to approve it."
            waits.append({"kind": "APPROVAL", "message": told})
        for hold in records.active_holds(erasure.subject.workspace, moment):
            if hold.id in erasure.held_by or hold.subject == erasure.subject:
                told = f"A legal hold stands in the matter {hold.matter}."
                waits.append({"kind": "HOLD", "holdId": hold.id, "message": told})
        return waits or [{"kind": "GATEWAY", "message": "It is about to be carried out."}]


def _standing(erasure: Erasure) -> JsonObject:
    return {"erasureId": erasure.id, "status": erasure.status.value.upper()}
