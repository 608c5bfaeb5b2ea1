"""The desk: requests for erasure, legal holds and consents, as facts of the journal.

Whoever they are about stands there under a pseudonym, and by name only sealed with a key of their
own, so that the record of an erasure does not outlive what it erased.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from gateway.model.entry import EntryType, NewEntry
from gateway.model.json import JsonObject
from gateway.model.pii import Owner, execution_owner
from gateway.model.ports import Ids, Sealer, Tx
from gateway.model.principal import Principal, PrincipalType, is_among
from gateway.model.problem import refuse
from gateway.model.rights import (
    Consent,
    Erasure,
    ErasureStatus,
    Hold,
    Subject,
    SubjectKind,
    pseudonym,
)
from gateway.model.sealing import seal_paths
from gateway.rights.lateness import NOTHING, Looked, require_in_time
from gateway.rights.lookup import require_consent, require_erasure, require_hold

MAX_HOLDS = 1_000
"""How many holds of a workspace may stand: each is looked at when something is to be erased."""

ERASE = "privacy.subject.erase@1.0.0"
APPROVE = "privacy.erasure.approve@1.0.0"
REJECT = "privacy.erasure.reject@1.0.0"
PLACE = "privacy.hold.place@1.0.0"
LIFT = "privacy.hold.lift@1.0.0"
RECORD = "privacy.consent.record@1.0.0"
WITHDRAW = "privacy.consent.withdraw@1.0.0"


@dataclass(frozen=True, slots=True)
class Named:
    """Whom a call names: the subject, whose keys seal what is said of it, and the person's name."""

    subject: Subject
    owner: Owner
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Desk:
    """Records what people ask for; ``wake`` has the sweeper look, after the commit."""

    sealer: Sealer
    ids: Ids
    wake: Callable[[], None]

    def person(self, workspace: str, name: str) -> Named | None:
        """A person by the name that contracts give them, None where it is no name."""
        here = Owner(workspace, "")
        owner = here.person(name)
        if owner is here:
            return None
        target = pseudonym(self.sealer, owner)
        return Named(Subject(workspace, SubjectKind.PERSON, target), owner, name)

    def execution(self, workspace: str, execution_id: str) -> Named:
        """An execution by itself."""
        subject = Subject(workspace, SubjectKind.EXECUTION, execution_id)
        return Named(subject, execution_owner(workspace, execution_id))

    # --- erasures

    def ask(self, tx: Tx, who: Principal, named: Named, ground: str, note: str | None) -> Erasure:
        """Record that somebody asks for an erasure.

        Raises:
            ProblemError: CONFLICT while another erasure of the subject is not over.
        """
        open_one = tx.open_erasure(named.subject)
        if open_one is not None:
            told = f"Erasure {open_one.id} of this subject is {open_one.status.value.upper()}."
            raise refuse("CONFLICT", told, extra={"erasureId": open_one.id})
        erasure_id = self.ids.new("eras")
        body = {"erasureId": erasure_id, "ground": ground, **self._about(ERASE, named, note=note)}
        self._append(tx, EntryType.ERASURE_REQUESTED, named.subject, body, who)
        return require_erasure(tx, who.workspace, erasure_id)

    def approve(self, tx: Tx, who: Principal, erasure_id: str, note: str | None) -> Erasure:
        """Record that a second person lets an erasure happen.

        Raises:
            ProblemError: NOT_FOUND, CONFLICT where it does not wait for it, FORBIDDEN for who asked
                for it, or is no person.
        """
        erasure = self._decidable(tx, who, erasure_id)
        if is_among(who.subject, (erasure.requested_by,)):
            told = (
                "Nobody erases alone: you asked for this erasure. Have another person approve it."
            )
            raise refuse("FORBIDDEN", told)
        self._decide(tx, who, erasure, EntryType.ERASURE_APPROVED, APPROVE, "note", note)
        holds = tx.active_holds(who.workspace, tx.now)
        in_the_way = [hold.id for hold in holds if hold.subject == erasure.subject]
        if in_the_way:
            body: JsonObject = {"erasureId": erasure_id, "holds": in_the_way}
            self._append(tx, EntryType.ERASURE_HELD, erasure.subject, body)
        tx.after_commit(self.wake)
        return require_erasure(tx, who.workspace, erasure_id)

    def reject(self, tx: Tx, who: Principal, erasure_id: str, reason: str) -> Erasure:
        """Record that an erasure does not happen.

        Raises:
            ProblemError: NOT_FOUND, CONFLICT, FORBIDDEN for who is no person.
        """
        erasure = self._decidable(tx, who, erasure_id)
        self._decide(tx, who, erasure, EntryType.ERASURE_REJECTED, REJECT, "reason", reason)
        return require_erasure(tx, who.workspace, erasure_id)

    def _decidable(self, tx: Tx, who: Principal, erasure_id: str) -> Erasure:
        erasure = require_erasure(tx, who.workspace, erasure_id)
        if who.type is not PrincipalType.HUMAN:
            told = f"Only people decide about erasures; you are of type {who.type.value}."
            raise refuse("FORBIDDEN", told)
        if erasure.status is not ErasureStatus.PENDING_APPROVAL:
            status = erasure.status.value.upper()
            told = f"Erasure {erasure_id} is {status} and waits for no decision."
            raise refuse("CONFLICT", told, extra={"currentStatus": status})
        return erasure

    def _decide(
        self,
        tx: Tx,
        who: Principal,
        erasure: Erasure,
        kind: EntryType,
        contract: str,
        field: str,
        text: str | None,
    ) -> None:
        told = self._told(erasure.subject, erasure.asked, contract, field, text)
        body: JsonObject = {"erasureId": erasure.id, "told": told}
        self._append(tx, kind, erasure.subject, body, who)

    # --- holds

    def place(
        self,
        tx: Tx,
        who: Principal,
        named: Named,
        matter: str,
        reason: str,
        expires_at: str | None,
        looked: Looked = NOTHING,
    ) -> Hold:
        """Record a legal hold; ``looked`` says what erasures take that were begun before.

        Raises:
            ProblemError: CONFLICT while what is held on the subject is being erased,
                LIMIT_EXCEEDED.
        """
        require_in_time(tx, named.subject, looked)
        erasure = tx.open_erasure(named.subject)
        if len(tx.active_holds(who.workspace, tx.now)) >= MAX_HOLDS:
            raise refuse("LIMIT_EXCEEDED", f"{MAX_HOLDS} legal holds stand. Lift some first.")
        hold_id = self.ids.new("hold")
        about = self._about(PLACE, named, reason=reason)
        body = {"holdId": hold_id, "matter": matter, "expiresAt": expires_at, **about}
        self._append(tx, EntryType.HOLD_PLACED, named.subject, body, who)
        if erasure is not None and erasure.status is not ErasureStatus.PENDING_APPROVAL:
            held: JsonObject = {"erasureId": erasure.id, "holds": [*erasure.held_by, hold_id]}
            self._append(tx, EntryType.ERASURE_HELD, erasure.subject, held)
        return require_hold(tx, who.workspace, hold_id)

    def lift(self, tx: Tx, who: Principal, hold_id: str, reason: str) -> Hold:
        """Record that a hold has ended; what waited for it then happens by itself.

        Raises:
            ProblemError: NOT_FOUND, CONFLICT where it has ended.
        """
        hold = require_hold(tx, who.workspace, hold_id)
        if not hold.is_active(tx.now):
            raise refuse("CONFLICT", f"Hold {hold_id} has ended already.")
        told = self._told(hold.subject, hold.asked, LIFT, "reason", reason)
        self._append(
            tx, EntryType.HOLD_LIFTED, hold.subject, {"holdId": hold_id, "told": told}, who
        )
        tx.after_commit(self.wake)
        return require_hold(tx, who.workspace, hold_id)

    # --- consents

    def record(
        self,
        tx: Tx,
        who: Principal,
        named: Named,
        purpose: str,
        evidence: str,
        expires_at: str | None,
    ) -> Consent:
        """Record a person's consent to a purpose; it takes the place of an earlier one."""
        consent_id = self.ids.new("cons")
        for earlier in tx.active_consents(named.subject, tx.now):
            if earlier.purpose == purpose:
                ended = {"consentId": earlier.id, "replacedBy": consent_id}
                self._append(tx, EntryType.CONSENT_WITHDRAWN, named.subject, ended, who)
        about = self._about(RECORD, named, evidence=evidence)
        body = {"consentId": consent_id, "purpose": purpose, "expiresAt": expires_at, **about}
        self._append(tx, EntryType.CONSENT_RECORDED, named.subject, body, who)
        return require_consent(tx, who.workspace, consent_id)

    def withdraw(self, tx: Tx, who: Principal, consent_id: str, reason: str | None) -> Consent:
        """Record that a consent has ended.

        Raises:
            ProblemError: NOT_FOUND, CONFLICT where it has ended.
        """
        consent = require_consent(tx, who.workspace, consent_id)
        if not consent.is_active(tx.now):
            raise refuse("CONFLICT", f"Consent {consent_id} has ended already.")
        told = self._told(consent.subject, consent.asked, WITHDRAW, "reason", reason)
        body: JsonObject = {"consentId": consent_id, "told": told}
        self._append(tx, EntryType.CONSENT_WITHDRAWN, consent.subject, body, who)
        return require_consent(tx, who.workspace, consent_id)

    # --- what entries hold

    def _about(self, contract: str, named: Named, **texts: str | None) -> JsonObject:
        """The members of an entry that say whom it is about; ``texts`` are sealed with the name."""
        said = {"subjectId": named.name, **texts}
        given = {name: text for name, text in said.items() if text is not None}
        asked = seal_paths(self.sealer, named.owner, contract, "input", given, tuple(given))
        return {"kind": named.subject.kind.value, "target": named.subject.target, "asked": asked}

    def _told(
        self, subject: Subject, asked: JsonObject, contract: str, field: str, text: str | None
    ) -> JsonObject | None:
        """A later remark, sealed with the key of the name; nothing where that is erased."""
        if text is None:
            return None
        workspace, label = subject.workspace, f"input.{field}"
        if subject.kind is SubjectKind.EXECUTION:
            owner = execution_owner(workspace, subject.target)
            return {field: self.sealer.seal(owner, contract, label, text)}
        with contextlib.suppress(ValueError):
            envelope = self.sealer.seal_like(workspace, asked["subjectId"], contract, label, text)
            return {field: envelope}
        return None

    def _append(
        self,
        tx: Tx,
        kind: EntryType,
        subject: Subject,
        body: JsonObject,
        who: Principal | None = None,
    ) -> None:
        """What is about an execution stands on its chain, where its keys are looked for."""
        by = who.subject if who else ""
        tx.append(NewEntry(kind, subject.workspace, body, subject.execution_id, by))
