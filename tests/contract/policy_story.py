"""Entries of the administration of policy, for tests of any journal."""

from typing import Any

from gateway.model.entry import EntryType, NewEntry
from tests.contract.journal_story import WORKSPACE

ADD = {"file": "access.csv", "add": "p, role:x, *, a@1.0.0, call, allow"}
WHOLE = {"file": "access.csv", "text": "p\n"}


def drafted(changeset_id: str = "cs_1", by: str = "ann", where: str = WORKSPACE, **more: Any):
    return NewEntry(EntryType.POLICY_DRAFTED, where, proposal(changeset_id, **more), None, by)


def revised(changeset_id: str = "cs_1", by: str = "ann", **more: Any) -> NewEntry:
    return NewEntry(EntryType.POLICY_REVISED, WORKSPACE, proposal(changeset_id, **more), None, by)


def proposal(changeset_id: str, **more: Any) -> dict[str, Any]:
    body = {
        "changesetId": changeset_id,
        "title": "Let x call a",
        "reason": "asked for",
        "base": "sha256:1",
        "revision": "sha256:2",
        "edits": [ADD],
        "findings": [{"code": "POLICY_SHADOWED", "path": "access.csv:3:1"}],
        "cases": {"passed": 3, "failed": 0, "skipped": 0, "failures": []},
        "status": "checked",
    }
    return body | more


def told(kind: EntryType, by: str = "ben", changeset_id: str = "cs_1", **body: Any) -> NewEntry:
    return NewEntry(kind, WORKSPACE, {"changesetId": changeset_id, **body}, None, by)


def analyzed(by: str = "ann") -> NewEntry:
    report = {"flips": 2}
    return told(EntryType.POLICY_ANALYZED, by, revision="sha256:2", head="sha256:1", report=report)


def approved(by: str = "ben") -> NewEntry:
    approver = {"type": "human", "id": by}
    return told(EntryType.POLICY_APPROVED, by, revision="sha256:2", note="fine", approver=approver)


def activated(revision: str, by: str = "", **body: Any) -> NewEntry:
    told = {"revision": revision, "previous": None, "source": "files"} | body
    return NewEntry(EntryType.POLICY_ACTIVATED, "", told, None, by)
