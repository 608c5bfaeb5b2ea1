"""policy.changeset.draft, revise, get and list"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from gateway.administration import ChangesetCommand, require
from gateway.model.entry import EntryType
from gateway.model.json import JsonObject
from gateway.model.policy import ChangesetFilter, ChangesetStatus, Edit
from gateway.model.ports import Records, Tx
from gateway.model.problem import Issue, invalid
from gateway.operations.changeset_desk import ChangesetDesk, Proposed, require_head
from gateway.operations.changeset_views import Seen, differences, summary, with_edits
from gateway.operations.common import lower, page_of, said
from gateway.pipeline import Admitted, Bindings, Command, Query
from gateway.policy import apply_edits
from gateway.policy.contents.history import content_of, content_of_changeset

MAX_EDITS = 1_000
"""How many edits a changeset has at most."""

_MAX_TEXT = {"title": 200, "reason": 4_000}


ShadowReport = Callable[[str], JsonObject | None]
"""What the shadow of a changeset found so far, by the changeset's id."""


def bind_proposals(desk: ChangesetDesk, shadow_report: ShadowReport) -> Bindings:
    """The handlers of what proposes and shows changesets."""
    handlers = _Handlers(desk, shadow_report)
    return {
        "policy.changeset.draft@1.0.0": Command(handlers.draft, handlers.propose),
        "policy.changeset.revise@1.0.0": Command(handlers.revise, handlers.propose_again),
        "policy.changeset.get@1.0.0": Query(handlers.get),
        "policy.changeset.list@1.0.0": Query(handlers.list_all),
    }


@dataclass(frozen=True, slots=True)
class _Handlers:
    desk: ChangesetDesk
    shadow_report: ShadowReport

    async def propose(self, admitted: Admitted) -> Proposed:
        """Make the edits and check what comes out, away from the event loop.

        Raises:
            ProblemError: VALIDATION_FAILED for edits that cannot be made, FORBIDDEN for those out
                of scope, CONFLICT for another base than the revision in force.
        """
        return await self._proposed(admitted, (admitted.principal.workspace,))

    async def propose_again(self, admitted: Admitted) -> Proposed:
        """As ``propose``; the edits must also be for the changeset's workspace to make, since
        people of that one may approve them."""
        loop, who = self.desk.loop, admitted.principal
        changeset = await loop.journal.read(partial(self.desk.seen, admitted))
        require(ChangesetCommand.REVISE, changeset, who, loop.policies.revision)
        return await self._proposed(admitted, (who.workspace, changeset.workspace))

    async def _proposed(self, admitted: Admitted, workspaces: tuple[str, ...]) -> Proposed:
        """What the edits propose; each of ``workspaces``, of which the last one's people decide
        about it, must be free to make them."""
        value, current = admitted.value, self.desk.loop.policies.current
        edits = _edits(value)
        self.desk.require_scope(workspaces, edits)
        require_head(value.get("base") or current.revision, current.revision)
        edited = await asyncio.to_thread(apply_edits, current.content, edits)
        if edited.content.revision == current.revision:
            told = "change nothing: the policy in force says all of this already"
            raise invalid([Issue("/input/edits", "NO_CHANGE", told)])
        return await self.desk.checked(workspaces[-1], current, edited, edits)

    def draft(self, admitted: Admitted, tx: Tx) -> JsonObject:
        """Record a new changeset."""
        value = admitted.value
        title, reason = value["title"], value["reason"]
        return summary(self.desk.draft(admitted, tx, admitted.prepared, title, reason))

    def revise(self, admitted: Admitted, tx: Tx) -> JsonObject:
        """Record other edits of an open changeset."""
        value, head = admitted.value, tx.policy_head()
        proposed: Proposed = admitted.prepared
        require_head(proposed.base, head)
        changeset = self.desk.seen(admitted, tx)
        require(ChangesetCommand.REVISE, changeset, admitted.principal, head)
        body = proposed.body(changeset.id, value["title"], value["reason"])
        kind = EntryType.POLICY_REVISED
        return summary(self.desk.record(admitted, tx, changeset, kind, body))

    def get(self, admitted: Admitted, records: Records) -> JsonObject:
        """One changeset with all that is known of it."""
        changeset = self.desk.seen(admitted, records)
        shown = Seen(self.desk, admitted.principal, records.policy_head())
        before = content_of(records, changeset.base)
        after = content_of_changeset(records, changeset)
        scope = self.desk.scope(admitted)
        told = with_edits(changeset, before, after, scope)
        report = self.shadow_report(changeset.id)
        return {"changeset": shown.whole(told, differences(before, after, scope), report)}

    def list_all(self, admitted: Admitted, records: Records) -> JsonObject:
        """Changesets that the caller sees, newest first."""
        scope, page = self.desk.scope(admitted), page_of(admitted)
        status = lower(admitted.value.get("status"))
        which = ChangesetFilter(
            None if scope.is_whole else scope.workspace,
            ChangesetStatus(status) if status else None,
        )
        found, total = records.changesets(which, page)
        shown = Seen(self.desk, admitted.principal, records.policy_head())
        return {"items": [shown.item(one) for one in found], "total": total}


def _edits(value: JsonObject) -> tuple[Edit, ...]:
    """The edits of the input.

    Raises:
        ProblemError: VALIDATION_FAILED with every text and edit that says too little or too much.
    """
    issues = [*_faults_of_texts(value), *_faults_of_edits(value["edits"])]
    if issues:
        raise invalid(issues)
    return tuple(Edit.from_json(item) for item in value["edits"])


def _faults_of_texts(value: JsonObject) -> Iterator[Issue]:
    for name, most in _MAX_TEXT.items():
        if not said(value[name]):
            yield Issue(f"/input/{name}", "REQUIRED", "must say something")
        elif len(value[name]) > most:
            yield Issue(f"/input/{name}", "TOO_LONG", f"has at most {most} characters")


def _faults_of_edits(edits: list[JsonObject]) -> Iterator[Issue]:
    if not 1 <= len(edits) <= MAX_EDITS:
        told = f"must hold 1 to {MAX_EDITS} edits"
        yield Issue("/input/edits", "TOO_MANY" if edits else "REQUIRED", told)
    for index, edit in enumerate(edits[:MAX_EDITS]):
        has_text = edit.get("text") is not None
        has_row = edit.get("remove") is not None or edit.get("add") is not None
        if has_text == has_row:
            told = "must name the row to remove, the row to add or both, or else text alone"
            yield Issue(f"/input/edits/{index}", "POLICY_EDIT", told)
