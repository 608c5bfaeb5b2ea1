"""What all contracts about changesets share: who sees them, what is proposed, what is recorded."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.administration import Checks, Scope, Scopes, check
from gateway.model.entry import EntryType, NewEntry
from gateway.model.json import JsonObject
from gateway.model.policy import Changeset, Edit
from gateway.model.ports import Records, Tx
from gateway.model.problem import refuse
from gateway.operations.common import present
from gateway.pipeline import Admitted
from gateway.policy import PolicyRevision
from gateway.policy.contents.content import Edited
from gateway.runtime import Loop


@dataclass(frozen=True, slots=True)
class Proposed:
    """A change that was checked: ``edits`` lead from ``base`` to the content of ``revision``, or
    ``restores`` names that one."""

    base: str
    revision: str
    edits: tuple[Edit, ...]
    checks: Checks
    restores: str | None = None

    def body(self, changeset_id: str, title: str, reason: str) -> JsonObject:
        """What is recorded of it."""
        told = {
            "changesetId": changeset_id,
            "title": title,
            "reason": reason,
            "base": self.base,
            "revision": self.revision,
            "edits": [edit.to_json() for edit in self.edits],
            "restores": self.restores,
            "findings": self.checks.findings_json(),
            "cases": self.checks.cases_json(),
            "status": self.checks.status.value,
        }
        return present(told)


@dataclass(frozen=True, slots=True)
class ChangesetDesk:
    """Looks up and records changesets for callers, each in the scope of the caller's workspace.

    With ``files_lead`` the policy folder says what is in force, so nothing is activated here.
    """

    loop: Loop
    scopes: Scopes
    files_lead: bool = False

    def scope(self, admitted: Admitted) -> Scope:
        """What the caller sees and changes."""
        return self.scopes.of(admitted.principal.workspace)

    def seen(
        self, admitted: Admitted, records: Records, changeset_id: str | None = None
    ) -> Changeset:
        """A changeset, if the caller sees it: the one that the input names, if none is given.

        Raises:
            ProblemError: NOT_FOUND, the same for those of other workspaces.
        """
        wanted = changeset_id or admitted.value["changesetId"]
        changeset, scope = records.changeset(wanted), self.scope(admitted)
        if changeset is None or not (scope.is_whole or changeset.workspace == scope.workspace):
            told = f"There is no changeset {wanted[:100]} for you. policyChangesetList names those."
            raise refuse("NOT_FOUND", told)
        return changeset

    def require_scope(self, workspaces: Sequence[str], edits: Sequence[Edit]) -> None:
        """Refuse edits that one of these workspaces may not make.

        Raises:
            ProblemError: FORBIDDEN with the path of each such edit.
        """
        for workspace in dict.fromkeys(workspaces):
            self.scopes.of(workspace).require(edits)

    async def checked(
        self,
        workspace: str,
        base: PolicyRevision,
        edited: Edited,
        edits: tuple[Edit, ...] = (),
        restores: str | None = None,
    ) -> Proposed:
        """What is proposed on ``base`` for people of a workspace to decide about, with what the
        checks say of it."""
        checks = await asyncio.to_thread(check, edited, base, self.scopes.of(workspace))
        return Proposed(base.revision, edited.content.revision, edits, checks, restores)

    def draft(
        self, admitted: Admitted, tx: Tx, proposed: Proposed, title: str, reason: str
    ) -> Changeset:
        """Record a new changeset of the caller.

        Raises:
            ProblemError: CONFLICT if another revision than its base is in force by now.
        """
        require_head(proposed.base, tx.policy_head())
        changeset_id = self.loop.lifecycle.ids.new("chg")
        body = proposed.body(changeset_id, title, reason)
        who = admitted.principal
        tx.append(NewEntry(EntryType.POLICY_DRAFTED, who.workspace, body, actor=who.subject))
        return self.seen(admitted, tx, changeset_id)

    def record(
        self, admitted: Admitted, tx: Tx, changeset: Changeset, kind: EntryType, body: JsonObject
    ) -> Changeset:
        """Record a fact about a changeset, on the chain of its workspace; what it is then."""
        told = {"changesetId": changeset.id, **present(body)}
        tx.append(NewEntry(kind, changeset.workspace, told, actor=admitted.principal.subject))
        return self.seen(admitted, tx, changeset.id)


def require_head(base: str, head: str | None) -> None:
    """Refuse a base that is not the revision in force.

    Raises:
        ProblemError: CONFLICT, naming the one that is.
    """
    if base != head:
        told = f"The policy revision in force is {head}, not {base[:100]}. Base the change on it."
        raise refuse("CONFLICT", told, extra={"policyVersion": head})
