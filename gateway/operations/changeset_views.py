"""Changesets and activations as callers see them."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from gateway.administration import ChangesetCommand, Scope, allowed
from gateway.model.json import JsonObject
from gateway.model.policy import Activation, Changeset, Edit
from gateway.model.principal import Principal
from gateway.operations.changeset_desk import ChangesetDesk
from gateway.operations.common import present
from gateway.policy import PolicyContent
from gateway.policy.contents.diff import FileChange, FileDiff, diff


class Seen:
    """What one caller is shown of changesets while ``head`` is in force."""

    def __init__(self, desk: ChangesetDesk, principal: Principal, head: str | None) -> None:
        self._principal = principal
        self._head = head
        loop, given = desk.loop, set(ChangesetCommand)
        if desk.files_lead:
            given.remove(ChangesetCommand.ACTIVATE)
        contracts = {one: loop.registry.resolve(one.contract) for one in given}
        self._accessible: Mapping[ChangesetCommand, str] = {
            command: contract.key
            for command, contract in contracts.items()
            if contract is not None and loop.policies.current.allows(principal, contract)
        }

    def item(self, changeset: Changeset) -> JsonObject:
        """A changeset as lists show it."""
        return present(
            {
                "changesetId": changeset.id,
                "workspaceId": changeset.workspace,
                "status": changeset.status.value.upper(),
                "title": changeset.title,
                "base": changeset.base,
                "revision": changeset.revision,
                "stale": changeset.status.is_open and changeset.base != self._head,
                "shadowing": changeset.shadowing,
                "authors": list(changeset.authors),
                "decidedBy": changeset.decided_by,
                "decidedAt": changeset.decided_at,
                "createdAt": changeset.created_at,
                "updatedAt": changeset.updated_at,
                "allowedActions": self._actions(changeset),
            }
        )

    def whole(
        self, changeset: Changeset, differing: list[JsonObject], shadow: JsonObject | None
    ) -> JsonObject:
        """A changeset with all that is known of it."""
        return present(
            {
                **self.item(changeset),
                "reason": changeset.reason,
                "restores": changeset.restores,
                "edits": [edit.to_json() for edit in changeset.edits],
                "diff": differing,
                "findings": list(changeset.findings),
                "cases": changeset.cases,
                "impact": changeset.impact,
                "shadow": shadow,
                "note": changeset.note,
            }
        )

    def _actions(self, changeset: Changeset) -> list[str]:
        could = allowed(changeset, self._principal, self._head)
        return sorted(key for command, key in self._accessible.items() if command in could)


def summary(changeset: Changeset) -> JsonObject:
    """A changeset as whoever drafted it is told: where it stands, and why."""
    return {
        "changesetId": changeset.id,
        "status": changeset.status.value.upper(),
        "base": changeset.base,
        "revision": changeset.revision,
        "findings": list(changeset.findings),
        "cases": changeset.cases,
    }


def with_edits(
    changeset: Changeset, before: PolicyContent, after: PolicyContent, scope: Scope
) -> Changeset:
    """The changeset with edits that come to the same where it restores a revision, which records
    none: who approves it reads what files say then, and who revises it goes on from there. They are
    told if ``scope`` may make them all, for a text may hold rows of other workspaces."""
    if changeset.restores is None:
        return changeset
    edits = tuple(edit for file in diff(before, after) for edit in _leading_to(file, after))
    return replace(changeset, edits=edits if all(map(scope.may_change, edits)) else ())


def _leading_to(file: FileDiff, after: PolicyContent) -> Iterator[Edit]:
    """Row by row where rows can say it, otherwise the text of the file."""
    if file.change is FileChange.ROWS and not file.reordered:
        for row in file.rows:
            yield Edit(file.file, row.before or None, row.after or None)
    elif file.change is not FileChange.LAYOUT:
        yield Edit(file.file, text=after.files.get(file.file, ""))


def activation_item(activation: Activation, is_seen: bool) -> JsonObject:
    """One time that a revision came into force; ``is_seen`` says whether its changeset is shown."""
    return present(
        {
            "number": activation.number,
            "revision": activation.revision,
            "previous": activation.previous,
            "source": activation.source.upper(),
            "changesetId": activation.changeset_id if is_seen else None,
            "by": (activation.by or None) if is_seen else None,
            "at": activation.at,
        }
    )


def differences(before: PolicyContent, after: PolicyContent, scope: Scope) -> list[JsonObject]:
    """What differs between two contents, as far as administrators of ``scope`` see it."""
    seen = (_seen(file, scope) for file in diff(before, after))
    return [_file_item(file) for file in seen if file is not None]


def _seen(file: FileDiff, scope: Scope) -> FileDiff | None:
    """What is seen of one file; of other workspaces not even that their rows moved."""
    if scope.is_whole:
        return file
    rows = tuple(row for row in map(scope.shown, file.rows) if row is not None)
    return replace(file, rows=rows, reordered=False) if rows else None


def _file_item(file: FileDiff) -> JsonObject:
    body = file.to_json()
    rows = [present(row) for row in body["rows"]]
    return {**body, "change": file.change.value.upper(), "rows": rows}
