"""policy.changeset.approve, reject, withdraw and activate"""

import asyncio
from dataclasses import dataclass
from functools import partial

from gateway.administration import (
    STORED,
    ChangesetCommand,
    InForce,
    activation_of,
    consent_refusal,
    newest_activation,
    require,
    require_revision,
)
from gateway.model.elapsed import elapsed
from gateway.model.entry import EntryType
from gateway.model.json import JsonObject, digest
from gateway.model.policy import Changeset
from gateway.model.ports import Records, Tx
from gateway.model.problem import Issue, ProblemError, invalid, refuse
from gateway.operations.changeset_desk import ChangesetDesk
from gateway.operations.common import acting, present, said
from gateway.pipeline import Admitted, Bindings, Command, Priority
from gateway.policy import PolicyContent, PolicyRevision, apply_edits
from gateway.policy.contents.content import Edited
from gateway.policy.contents.history import content_of_changeset
from gateway.policy.loader import derive_revision

_APPROVE = "policy.changeset.approve@1.0.0"


def bind_decisions(desk: ChangesetDesk, in_force: InForce) -> Bindings:
    """The handlers of what decides about changesets."""
    handlers = _Handlers(desk, in_force)
    reject = partial(handlers.end, ChangesetCommand.REJECT, "rejected")
    withdraw = partial(handlers.end, ChangesetCommand.WITHDRAW, "withdrawn")
    return {
        _APPROVE: Command(handlers.approve, priority=Priority.OPERATOR),
        "policy.changeset.reject@1.0.0": Command(reject),
        "policy.changeset.withdraw@1.0.0": Command(withdraw),
        "policy.changeset.activate@1.0.0": Command(
            handlers.activate, handlers.build, priority=Priority.OPERATOR
        ),
    }


@dataclass(frozen=True, slots=True)
class _Handlers:
    desk: ChangesetDesk
    in_force: InForce

    def approve(self, admitted: Admitted, tx: Tx) -> JsonObject:
        """Record the approval of exactly what was read."""
        acting(admitted, "approvedBy")
        value, who = admitted.value, admitted.principal
        changeset = self.desk.seen(admitted, tx)
        require(ChangesetCommand.APPROVE, changeset, who, tx.policy_head())
        require_revision(changeset, value["revision"])
        body = {
            "revision": changeset.revision,
            "note": value.get("note"),
            "impactDigest": digest(changeset.impact),
            "approver": who.to_json(),
        }
        changeset = self.desk.record(admitted, tx, changeset, EntryType.POLICY_APPROVED, body)
        return {**_standing(changeset), "revision": changeset.revision, "approvedAt": tx.now}

    def end(self, command: ChangesetCommand, done: str, admitted: Admitted, tx: Tx) -> JsonObject:
        """Record that a changeset goes no further; ``done`` is the command's participle."""
        acting(admitted, f"{done}By")
        reason = admitted.value["reason"]
        if not said(reason):
            raise invalid([Issue("/input/reason", "REQUIRED", "must say why")])
        changeset = self.desk.seen(admitted, tx)
        require(command, changeset, admitted.principal, tx.policy_head())
        kind = EntryType(f"policy.{done}")
        changeset = self.desk.record(admitted, tx, changeset, kind, {"reason": reason})
        return {**_standing(changeset), f"{done}At": tx.now}

    async def build(self, admitted: Admitted) -> PolicyRevision:
        """The revision to be put in force, ready to decide, before the unit of work begins.

        Raises:
            ProblemError: what the activation is refused with; CONFLICT also where the changeset
                cannot be built any more, because contracts have changed since.
        """
        acting(admitted, "activatedBy")
        if self.desk.files_lead:
            told = (
                "The files of the policy folder lead here (GATEWAY_POLICY_SOURCE=files), so that "
                "nothing can be activated. Export the changeset's revision to that folder."
            )
            raise refuse("PRECONDITION_FAILED", told)
        journal, current = self.desk.loop.journal, self.desk.loop.policies.current
        changeset = await journal.read(partial(self._activatable, admitted))
        if changeset.restores is None and changeset.base == current.revision:
            edited = await asyncio.to_thread(apply_edits, current.content, changeset.edits)
        else:
            content = await journal.read(partial(content_of_changeset, changeset=changeset))
            self._require_reach(changeset, current, content)
            edited = Edited(content, None)
        try:
            return await asyncio.to_thread(derive_revision, current, edited, STORED)
        except ProblemError as error:
            told = (
                f"Changeset {changeset.id} does not fit the contracts any more: "
                f"{error.problem.detail}. Revise it."
            )
            raise refuse("CONFLICT", told, issues=error.problem.issues) from error

    def _require_reach(
        self, changeset: Changeset, current: PolicyRevision, content: PolicyContent
    ) -> None:
        """Hold what a changeset restores to the scope that its workspace has by now."""
        if changeset.restores is not None and changeset.base == current.revision:
            scope = self.desk.scopes.of(changeset.workspace)
            scope.require_contents(current.content, content, "/input/changesetId")

    def activate(self, admitted: Admitted, tx: Tx) -> JsonObject:
        """Put the approved revision in force: here once it is durable, before the answer."""
        at, revision = elapsed(), admitted.prepared
        changeset = self._activatable(admitted, tx)
        if revision.revision != changeset.revision:
            raise refuse("CONFLICT", f"Changeset {changeset.id} was changed meanwhile. Try again.")
        tx.append(activation_of(changeset, changeset.workspace, admitted.principal.subject))
        activation = newest_activation(tx)
        if activation is None or activation.revision != changeset.revision:
            raise AssertionError("the record does not say what was just activated")
        tx.after_commit(partial(self.in_force.adopt, revision, activation.number, at))
        told = {"revision": changeset.revision, "previous": changeset.base, "activatedAt": tx.now}
        return {**_standing(self.desk.seen(admitted, tx)), **told}

    def _activatable(self, admitted: Admitted, records: Records) -> Changeset:
        """The changeset that the input names, if it may be activated now.

        Raises:
            ProblemError: NOT_FOUND, FORBIDDEN or CONFLICT.
        """
        loop = self.desk.loop
        changeset = self.desk.seen(admitted, records)
        head = records.policy_head()
        require(ChangesetCommand.ACTIVATE, changeset, admitted.principal, head)
        require_revision(changeset, admitted.value["revision"])
        self.desk.require_scope((changeset.workspace,), changeset.edits)
        if loop.policies.revision != head:
            raise refuse("SERVICE_UNAVAILABLE", "The policy in force is changing. Try again.")
        told = consent_refusal(changeset, loop.policies.current, loop.registry.operations[_APPROVE])
        if told is not None:
            raise ProblemError(told)
        return changeset


def _standing(changeset: Changeset) -> JsonObject:
    return present({"changesetId": changeset.id, "status": changeset.status.value.upper()})
