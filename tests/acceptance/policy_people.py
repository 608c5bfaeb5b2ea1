"""People who change policy over HTTP, and what they do in every test about that."""

import asyncio
from dataclasses import dataclass
from functools import partial

from gateway.journal import SqliteJournal
from gateway.model.entry import EntryType, NewEntry
from gateway.model.ports import Tx
from gateway.model.system import SystemClock
from tests.processes import Caller, JsonObject
from tests.world import World

SUMMARY = (
    "changesetId status base revision findings { severity code at message rule known } "
    "cases { passed failed skipped failures { name at messages } }"
)
ITEM = (
    "changesetId workspaceId status title base revision stale shadowing authors decidedBy "
    "decidedAt createdAt updatedAt allowedActions"
)
DIFF = "diff { file change reordered rows { file line newLine before after } }"
WHOLE = (
    f"changeset {{ {ITEM} reason restores edits {{ file remove add text }} {DIFF} "
    "findings { severity code at message rule known } "
    "cases { passed failed skipped failures { name at messages } } impact shadow note }"
)
DRAFT = ("policyChangesetDraft", SUMMARY)
REVISE = ("policyChangesetRevise", SUMMARY)
APPROVE = ("policyChangesetApprove", "changesetId status revision approvedAt")
REJECT = ("policyChangesetReject", "changesetId status rejectedAt")
WITHDRAW = ("policyChangesetWithdraw", "changesetId status withdrawnAt")
ACTIVATE = ("policyChangesetActivate", "changesetId status revision previous activatedAt")
RESTORE = ("policyRevisionRestore", SUMMARY)
GET = ("policyChangesetGet", WHOLE)
LIST = ("policyChangesetList", f"total items {{ {ITEM} }}")
REVISIONS = (
    "policyRevisionList",
    "total items { number revision previous source changesetId by at }",
)


@dataclass
class People:
    """Who changes policy: ``wanda`` and ``will`` propose and approve for acme, ``paula`` and
    ``peter`` for all workspaces, ``bert`` and ``beate`` for another one."""

    world: World

    def __post_init__(self) -> None:
        caller = self.world.gateway.caller
        self.wanda = caller("wanda", "policy-author")
        self.willa = caller("willa", "policy-author")
        self.will = caller("will", "policy-approver")
        self.paula = caller("paula", "policy-author", workspace="platform")
        self.peter = caller("peter", "policy-approver", workspace="platform")
        self.bert = caller("bert", "policy-author", workspace="beta")
        self.beate = caller("beate", "policy-approver", workspace="beta")
        self.uma = caller("uma", "user")

    def draft(self, who: Caller, *edits: JsonObject, **more: object) -> JsonObject:
        return who.mutate(*DRAFT, proposal(*edits, **more))

    def analyze(self, changeset: JsonObject) -> None:
        """Record an analysis of a changeset, as if somebody had asked for one."""
        unit = partial(_analyzed, changeset_id=changeset["changesetId"])
        asyncio.run(beside(self.world, unit))

    def approved(self, author: Caller, approver: Caller, *edits: JsonObject) -> JsonObject:
        """A changeset that may be activated."""
        drafted = self.draft(author, *edits)
        assert drafted["status"] == "CHECKED", drafted
        self.analyze(drafted)
        approver.mutate(*APPROVE, consent(drafted, approver))
        return drafted

    def activated(self, author: Caller, approver: Caller, *edits: JsonObject) -> JsonObject:
        """A changeset that was put in force."""
        approved = self.approved(author, approver, *edits)
        return {**approved, **approver.mutate(*ACTIVATE, activation(approved, approver))}

    def get(self, who: Caller, changeset: JsonObject) -> JsonObject:
        found = who.query(*GET, {"changesetId": changeset["changesetId"]})
        whole: JsonObject = found["changeset"]
        return whole

    def head(self) -> str:
        """The revision in force."""
        return str(self.revisions()[0]["revision"])

    def revisions(self) -> list[JsonObject]:
        items: list[JsonObject] = self.paula.query(*REVISIONS, {"limit": 200})["items"]
        return items


def subject(who: Caller) -> str:
    """The subject of a caller's token."""
    import base64
    import json

    body = (who.token or "").split(".")[1]
    return str(json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))["sub"])


def proposal(*edits: JsonObject, **more: object) -> JsonObject:
    return {"title": "A change", "reason": "It is needed.", "edits": list(edits), **more}


def consent(changeset: JsonObject, who: Caller) -> JsonObject:
    return {
        "changesetId": changeset["changesetId"],
        "revision": changeset["revision"],
        "approvedBy": subject(who),
    }


def activation(changeset: JsonObject, who: Caller) -> JsonObject:
    return {
        "changesetId": changeset["changesetId"],
        "revision": changeset["revision"],
        "activatedBy": subject(who),
    }


def ending(changeset: JsonObject, who: Caller, by: str) -> JsonObject:
    named = {"changesetId": changeset["changesetId"], by: subject(who)}
    return {**named, "reason": "Not like this."}


def allow(name: str, contract: str = "controlPlane.execution.list", workspace: str = "acme") -> str:
    """A row that lets one user call one contract."""
    return f"p, user:{name}, {workspace}, {contract}, call, allow"


def add(row: str, file: str = "access.csv") -> JsonObject:
    return {"file": file, "add": row}


def remove(row: str, file: str = "access.csv") -> JsonObject:
    return {"file": file, "remove": row}


async def beside(world: World, unit: object) -> None:
    """Write to the record from this process, while the server runs."""
    path = world.gateway.data_dir / "gateway.db"
    journal = await SqliteJournal.beside(path, clock=SystemClock(), writer="tests")
    try:
        await journal.write(unit)
    finally:
        await journal.close()


def _analyzed(tx: Tx, changeset_id: str) -> None:
    found = tx.changeset(changeset_id)
    assert found is not None
    body = {
        "changesetId": changeset_id,
        "revision": found.revision,
        "head": tx.policy_head(),
        "report": {"decisions": 0},
    }
    tx.append(NewEntry(EntryType.POLICY_ANALYZED, found.workspace, body, actor="wanda"))
