"""Seeding: which policies are in force when a gateway starts.

The files seed the first revision; from then on the store leads, and files that differ are told of
and not applied. Where the files lead, each start puts them in force.
"""

import asyncio
import logging
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from gateway.administration.checks import STORED
from gateway.contracts import Registry
from gateway.model.entry import EntryType, NewEntry
from gateway.model.json import JsonObject
from gateway.model.ports import Journal, Records, Tx
from gateway.model.problem import Issue, Problem, ProblemError
from gateway.policy import PolicyContent, PolicyRevision, build_revision, read_content
from gateway.policy.contents.diff import FileDiff, diff, edits_between
from gateway.policy.contents.history import content_of
from gateway.policy.rules.findings import POLICIES_INVALID

PolicySource = Literal["store", "files"]
"""Which of the two leads once both are there."""

POLICY_STORE = "POLICY_STORE"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Seeded:
    """The revision in force after the start; ``is_new`` if the start put it in force."""

    revision: PolicyRevision
    is_new: bool


@dataclass(frozen=True, slots=True)
class _Held:
    """What the record holds: the revision in force, and its content if that was ever recorded."""

    head: str | None
    content: PolicyContent | None


async def put_in_force(
    journal: Journal, source: PolicySource, folder: Path, registry: Registry
) -> Seeded:
    """The revision that decides from the start on, recorded if the files seed or lead.

    ``folder`` holds the policy files.

    Raises:
        ProblemError: POLICIES_INVALID, with every issue, where the files seed or lead and cannot
            be used, or where the stored revision does not fit the contracts that are loaded;
            POLICY_HISTORY_DAMAGED where the stored revision cannot be read.
    """
    while True:
        held = await journal.read(partial(_held, source))
        if source == "store" and held.content is not None:
            revision = await asyncio.to_thread(_from_store, held.content, registry)
            await asyncio.to_thread(_compare, held.content, folder)
            return Seeded(revision, False)
        revision = await asyncio.to_thread(_from_files, folder, registry)
        if held.content is not None and held.head == revision.revision:
            return Seeded(revision, False)
        if await journal.write(partial(_activate, held=held, revision=revision)):
            _log.info("the policy files are in force as revision %s", revision.revision)
            return Seeded(revision, True)


def _held(source: PolicySource, records: Records) -> _Held:
    head = records.policy_head()
    if head is None or records.policy_revision(head) is None:  # an earlier release kept no content
        return _Held(head, None)
    try:
        return _Held(head, content_of(records, head))
    except ProblemError as error:
        if source == "store":
            raise
        told = "the stored policy cannot be read (%s); the policy files lead, so it is not needed"
        _log.error(told, error.problem.code)
        return _Held(head, None)


def _from_files(folder: Path, registry: Registry) -> PolicyRevision:
    return build_revision(read_content(folder), registry, folder)


def _from_store(content: PolicyContent, registry: Registry) -> PolicyRevision:
    try:
        return build_revision(content, registry, STORED)
    except ProblemError as error:
        raise _unfit(content.revision, error.problem) from error


def _unfit(revision: str, told: Problem) -> ProblemError:
    remedy = Issue(
        revision,
        POLICY_STORE,
        "this revision is in force, but does not fit the contracts that are loaded. Bring back "
        "the contracts that it speaks of; or mend the policy files (`gateway policy export` "
        "writes those of the revision) and start once with GATEWAY_POLICY_SOURCE=files",
    )
    return ProblemError(
        Problem(
            code=POLICIES_INVALID,
            title="The stored policies cannot be used",
            status=422,
            detail=f"{told.detail} ({revision} {remedy.message})",
            category="validation",
            issues=(*told.issues, remedy),
        )
    )


def _activate(tx: Tx, held: _Held, revision: PolicyRevision) -> bool:
    """Record that the files are in force; False if the record moved on meanwhile."""
    if tx.policy_head() != held.head:
        return False
    body: JsonObject = {
        "revision": revision.revision,
        "previous": held.head,
        "source": "files",
    }
    if tx.policy_revision(revision.revision) is None:
        body |= parentage(held.head, held.content, revision.content)
    tx.append(NewEntry(EntryType.POLICY_ACTIVATED, "", body))
    return True


def parentage(parent: str | None, before: PolicyContent | None, after: PolicyContent) -> JsonObject:
    """``parent`` and ``edits`` of a content that is recorded for the first time; without a content
    before it, it has no parent and its edits bring every file."""
    base = before or PolicyContent({})
    edits = [edit.to_json() for edit in edits_between(base, after)]
    return {"parent": None if before is None else parent, "edits": edits}


# --- telling how the files differ


def _compare(stored: PolicyContent, folder: Path) -> None:
    """Log how much the files differ from what is in force; they are not applied.

    The rows themselves name people and belong in no log.
    """
    try:
        files = read_content(folder)
    except ProblemError as error:
        _log.warning(
            "the policy files in %s cannot be read (%s), and are not needed: the stored revision "
            "%s is in force; `gateway policy lint` shows what is wrong",
            *(folder, error.problem.code, stored.revision),
        )
        return
    if files.revision != stored.revision:
        _log.warning(
            "the policy files in %s differ from revision %s, which is in force, in %s; they are "
            "not applied. `gateway policy diff` shows all, `gateway policy import` proposes them "
            "as a changeset, GATEWAY_POLICY_SOURCE=files lets the files lead",
            *(folder, stored.revision, _counted(diff(stored, files))),
        )


def _counted(found: tuple[FileDiff, ...]) -> str:
    rows = sum(len(file.rows) for file in found)
    files = len(found)
    told = f"{rows} row{'s' * (rows != 1)} of " if rows else ""
    return f"{told}{files} file{'s' * (files != 1)}"
