"""policy.revision.list, diff and restore, and the binding of everything about changesets"""

from dataclasses import dataclass
from functools import partial

from gateway.administration import InForce, Scopes
from gateway.model.json import JsonObject
from gateway.model.policy import Activation
from gateway.model.ports import Records, Tx
from gateway.model.problem import Issue, invalid, refuse
from gateway.operations.changeset_decisions import bind_decisions
from gateway.operations.changeset_desk import ChangesetDesk, Proposed
from gateway.operations.changeset_views import activation_item, differences, summary
from gateway.operations.changesets import ShadowReport, bind_proposals
from gateway.operations.common import acting, page_of, said
from gateway.pipeline import Admitted, Bindings, Command, Query
from gateway.policy import PolicyContent
from gateway.policy.contents.content import Edited
from gateway.policy.contents.history import content_of
from gateway.runtime import Loop


def bind_changesets(
    loop: Loop,
    scopes: Scopes,
    in_force: InForce,
    shadow_report: ShadowReport,
    *,
    files_lead: bool,
) -> Bindings:
    """The handlers of the contracts about changesets and revisions.

    With ``files_lead`` the policy folder says what is in force, so nothing is activated here.
    """
    desk = ChangesetDesk(loop, scopes, files_lead)
    revisions = _Handlers(desk)
    return {
        **bind_proposals(desk, shadow_report),
        **bind_decisions(desk, in_force),
        "policy.revision.list@1.0.0": Query(revisions.list_all),
        "policy.revision.diff@1.0.0": Query(revisions.diff),
        "policy.revision.restore@1.0.0": Command(revisions.restore, revisions.propose),
    }


@dataclass(frozen=True, slots=True)
class _Handlers:
    desk: ChangesetDesk

    def list_all(self, admitted: Admitted, records: Records) -> JsonObject:
        """Every activation, newest first; who of another workspace made it is not told."""
        found, total = records.policy_activations(page_of(admitted))
        items = [activation_item(one, self._is_seen(admitted, records, one)) for one in found]
        return {"items": items, "total": total}

    def _is_seen(self, admitted: Admitted, records: Records, activation: Activation) -> bool:
        if activation.changeset_id is None:
            return True
        changeset, scope = records.changeset(activation.changeset_id), self.desk.scope(admitted)
        return scope.is_whole or changeset is None or changeset.workspace == scope.workspace

    def diff(self, admitted: Admitted, records: Records) -> JsonObject:
        """What the caller sees of the rows in which two revisions differ."""
        value = admitted.value
        first, second = value["from"], value.get("to") or records.policy_head() or ""
        before, after = _recorded(records, first), _recorded(records, second)
        differing = differences(before, after, self.desk.scope(admitted))
        return {"from": first, "to": second, "diff": differing}

    async def propose(self, admitted: Admitted) -> Proposed:
        """Check the earlier revision as if it were new, away from the event loop.

        Raises:
            ProblemError: NOT_FOUND for what was never in force, VALIDATION_FAILED for what is,
                FORBIDDEN where something changed since that is not the caller's to change.
        """
        acting(admitted, "restoredBy")
        wanted, current = admitted.value["revision"], self.desk.loop.policies.current
        if not said(admitted.value["reason"]):
            raise invalid([Issue("/input/reason", "REQUIRED", "must say why")])
        if wanted == current.revision:
            raise invalid([Issue("/input/revision", "NO_CHANGE", "is in force already")])
        content = await self.desk.loop.journal.read(partial(_recorded, revision=wanted))
        self.desk.scope(admitted).require_contents(current.content, content, "/input/revision")
        workspace, edited = admitted.principal.workspace, Edited(content, None)
        return await self.desk.checked(workspace, current, edited, restores=wanted)

    def restore(self, admitted: Admitted, tx: Tx) -> JsonObject:
        """Record a changeset that leads back."""
        value = admitted.value
        title = f"Restore {value['revision']}"
        proposed: Proposed = admitted.prepared
        return summary(self.desk.draft(admitted, tx, proposed, title, value["reason"]))


def _recorded(records: Records, revision: str) -> PolicyContent:
    """The content of a revision that was in force.

    Raises:
        ProblemError: NOT_FOUND.
    """
    if records.policy_revision(revision) is None:
        told = f"No policy revision {revision[:100]} was ever in force. policyRevisionList has all."
        raise refuse("NOT_FOUND", told)
    return content_of(records, revision)
