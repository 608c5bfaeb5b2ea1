"""privacy.hold.place, lift and list, and privacy.consent.record, withdraw and list"""

import asyncio
from dataclasses import dataclass, replace
from functools import partial

from gateway.model.json import JsonObject
from gateway.model.ports import Records, Tx
from gateway.model.rights import Consent, Hold
from gateway.operations.common import page_of, present
from gateway.operations.privacy_common import (
    believed,
    expiry_of,
    filter_of,
    named_by,
    person_of,
    required_text,
    shown_subject,
    shown_text,
    text_of,
)
from gateway.pipeline import Admitted, Bindings, Command, Query
from gateway.rights import Looked, Rights, being_carried_out
from gateway.runtime import Loop


def bind_holds(loop: Loop, rights: Rights) -> Bindings:
    """The handlers of the contracts about legal holds and consents."""
    handlers = _Handlers(loop, rights)
    return {
        "privacy.hold.place@1.0.0": Command(handlers.place, handlers.look),
        "privacy.hold.lift@1.0.0": Command(handlers.lift),
        "privacy.hold.list@1.0.0": Query(handlers.holds, partial(believed, rights)),
        "privacy.consent.record@1.0.0": Command(handlers.record),
        "privacy.consent.withdraw@1.0.0": Command(handlers.withdraw),
        "privacy.consent.list@1.0.0": Query(handlers.consents),
    }


@dataclass(frozen=True, slots=True)
class _Handlers:
    loop: Loop
    rights: Rights

    async def look(self, admitted: Admitted) -> Looked:
        """What erasures and retention take, beside the writer; as a rule that is nothing.

        Raises:
            ProblemError: VALIDATION_FAILED, NOT_FOUND.
        """
        workspace, journal = admitted.principal.workspace, self.loop.journal
        begun = await journal.read(partial(being_carried_out, workspace=workspace))
        named = await journal.read(partial(named_by, self.rights, admitted))
        async with self.rights.slots:
            return await asyncio.to_thread(self.rights.lateness.look, named.subject, begun)

    def place(self, admitted: Admitted, tx: Tx) -> JsonObject:
        """Record a legal hold."""
        matter, reason = (required_text(admitted, name) for name in ("matter", "reason"))
        named, expires_at = named_by(self.rights, admitted, tx), expiry_of(admitted, tx.now)
        who, looked = admitted.principal, admitted.prepared
        hold = self.rights.desk.place(tx, who, named, matter, reason, expires_at, looked)
        return {"holdId": hold.id, "placedAt": tx.now}

    def lift(self, admitted: Admitted, tx: Tx) -> JsonObject:
        """End a legal hold."""
        reason, wanted = required_text(admitted, "reason"), admitted.value["holdId"]
        hold = self.rights.desk.lift(tx, admitted.principal, wanted, reason)
        return {"holdId": hold.id, "liftedAt": tx.now}

    def holds(self, admitted: Admitted, records: Records) -> JsonObject:
        """Legal holds of the workspace, newest first."""
        which = replace(filter_of(self.loop, self.rights, admitted), now=admitted.prepared)
        found, total = records.holds(which, page_of(admitted))
        return {"items": [self._hold(hold, which.now) for hold in found], "total": total}

    def record(self, admitted: Admitted, tx: Tx) -> JsonObject:
        """Record a consent."""
        purpose, evidence = (required_text(admitted, name) for name in ("purpose", "evidence"))
        named, expires_at = person_of(self.rights, admitted), expiry_of(admitted, tx.now)
        who = admitted.principal
        consent = self.rights.desk.record(tx, who, named, purpose, evidence, expires_at)
        return {"consentId": consent.id, "recordedAt": tx.now}

    def withdraw(self, admitted: Admitted, tx: Tx) -> JsonObject:
        """End a consent."""
        reason, wanted = text_of(admitted, "reason"), admitted.value["consentId"]
        consent = self.rights.desk.withdraw(tx, admitted.principal, wanted, reason)
        return {"consentId": consent.id, "withdrawnAt": tx.now}

    def consents(self, admitted: Admitted, records: Records) -> JsonObject:
        """Consents of the workspace, newest first."""
        which = filter_of(self.loop, self.rights, admitted)
        found, total = records.consents(which, page_of(admitted))
        return {"items": [self._consent(one, which.now) for one in found], "total": total}

    def _hold(self, hold: Hold, now: str) -> JsonObject:
        text = partial(shown_text, self.loop, hold.subject)
        return present(
            {
                "holdId": hold.id,
                "active": hold.is_active(now),
                **shown_subject(self.loop, hold.subject, hold.asked),
                "matter": hold.matter,
                "reason": text(hold.asked, "reason"),
                "placedBy": hold.placed_by,
                "placedAt": hold.placed_at,
                "expiresAt": hold.expires_at,
                "liftedBy": hold.lifted_by,
                "liftedAt": hold.lifted_at,
                "liftReason": text(hold.told, "reason"),
            }
        )

    def _consent(self, consent: Consent, now: str) -> JsonObject:
        text = partial(shown_text, self.loop, consent.subject)
        subject = shown_subject(self.loop, consent.subject, consent.asked)
        return present(
            {
                "consentId": consent.id,
                "active": consent.is_active(now),
                "subjectId": subject["subjectId"],
                "pseudonym": subject["pseudonym"],
                "purpose": consent.purpose,
                "evidence": text(consent.asked, "evidence"),
                "recordedBy": consent.recorded_by,
                "recordedAt": consent.recorded_at,
                "expiresAt": consent.expires_at,
                "withdrawnBy": consent.withdrawn_by,
                "withdrawnAt": consent.withdrawn_at,
                "withdrawalReason": text(consent.told, "reason"),
            }
        )
