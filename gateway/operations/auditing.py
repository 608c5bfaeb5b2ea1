"""audit.record.search and audit.contract.review"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeAlias, TypeVar

from gateway.administration import Scopes
from gateway.auditing import PARTS, Review, Search, review, search, span_of
from gateway.model.audit_history import AuditHistory
from gateway.model.json import JsonObject
from gateway.model.ports import Tx
from gateway.model.problem import Issue, invalid, refuse
from gateway.operations.policy_asked import may_audit, workspace_for
from gateway.pipeline import Admitted, Bindings, Query
from gateway.policy import PolicyRevision, build_revision
from gateway.policy.contents.history import content_of
from gateway.policy.engine.cache import BoundedCache
from gateway.runtime import Loop
from gateway.runtime.requester import REQUESTER_ROLE

T = TypeVar("T")
OpenHistory: TypeAlias = Callable[[], AbstractContextManager[AuditHistory]]

DEFAULT_ROWS = 50
MAX_ROWS = 1_000
"""How many rows a page has at most."""

_AT_ONCE = 2
"""How many of these queries are answered at a time: each reads much of the record."""

_KEPT = 8
_WHERE = Path("policies")


def bind_auditing(loop: Loop, scopes: Scopes, open_history: OpenHistory) -> Bindings:
    """The handlers of what auditors ask of the record."""
    auditor = Auditor(loop, scopes, open_history)
    answers = {
        "audit.record.search@1.0.0": auditor.search,
        "audit.contract.review@1.0.0": auditor.review,
    }
    return {
        ref: Query(lambda admitted, _: admitted.prepared, partial(auditor.read, answer))
        for ref, answer in answers.items()
    }


@dataclass(frozen=True, slots=True)
class Auditor:
    """Answers from the record, on connections of its own and off the event loop."""

    loop: Loop
    scopes: Scopes
    open_history: OpenHistory
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))
    _built: BoundedCache[str, PolicyRevision] = field(default_factory=lambda: BoundedCache(_KEPT))

    async def read(
        self, answer: Callable[[AuditHistory, Admitted], JsonObject], admitted: Admitted
    ) -> JsonObject:
        """What ``answer`` makes of the record, once what was recorded without waiting is there."""
        await self.loop.policies.settle()
        await self.loop.journal.write(_nothing)
        async with self._slots:
            return await asyncio.to_thread(self._opened, answer, admitted)

    def _opened(
        self, answer: Callable[[AuditHistory, Admitted], JsonObject], admitted: Admitted
    ) -> JsonObject:
        with self.open_history() as history:
            return answer(history, admitted)

    def search(self, history: AuditHistory, admitted: Admitted) -> JsonObject:
        """A page of entries of the caller's workspace.

        Raises:
            ProblemError: VALIDATION_FAILED; NOT_FOUND for an execution that is not there.
        """
        value, workspace = admitted.value, admitted.principal.workspace
        own = value.get("executionId")
        if own is not None and history.execution(workspace, own) is None:
            raise refuse("NOT_FOUND", f"There is no execution {own[:100]} in this workspace.")
        wanted = Search.from_json(workspace, value)
        rules = may_audit(self.loop, admitted.principal)
        return search(history, wanted, _after(value) or 0, _limit(value), rules=rules).to_json()

    def review(self, history: AuditHistory, admitted: Admitted) -> JsonObject:
        """The review of a contract.

        Raises:
            ProblemError: VALIDATION_FAILED; NOT_FOUND for a workspace that is not the caller's to
                ask about, and for a contract that neither is served there nor was called.
        """
        value, principal = admitted.value, admitted.principal
        scope = self.scopes.of(principal.workspace)
        workspace = workspace_for(scope, value.get("workspace"))
        asked = Review(
            workspace=workspace,
            contract=value["contract"],
            served=self.loop.registry.of(workspace).resolve(value["contract"]),
            span=span_of(value, required=True),
            subject=value.get("subject"),
            parts=_parts(value),
            after=_after(value),
            limit=_limit(value),
            rules=may_audit(self.loop, principal),
            others=scope.is_whole,
            entries=workspace == principal.workspace,
            requester_role=REQUESTER_ROLE,
        )
        return review(history, asked, self._revision)

    def _revision(self, history: AuditHistory, name: str) -> PolicyRevision | None:
        """A revision that was in force; None where the record does not hold its content."""
        current = self.loop.policies.current
        if name == current.revision:
            return current
        found = self._built.get(name)
        if found is not None or history.policy_revision(name) is None:
            return found
        built = build_revision(content_of(history, name), self.loop.registry, _WHERE)
        return self._built.put(name, built)


def _nothing(_: Tx) -> None:
    """Whatever was queued before this unit is durable with it."""


def _parts(value: JsonObject) -> tuple[str, ...]:
    given = value.get("parts")
    if given is not None and not given:
        raise invalid(
            [Issue("/input/parts", "REQUIRED", "Name at least one part, or none at all.")]
        )
    parts = PARTS if given is None else tuple(part for part in PARTS if part in given)
    if value.get("after") is not None and len(parts) != 1:
        told = "Name the one part (`parts`) whose next this is."
        raise invalid([Issue("/input/parts", "REQUIRED", told)])
    return parts


def _after(value: JsonObject) -> int | None:
    text = value.get("after")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        told = "A cursor is what an earlier page gave as next."
        raise invalid([Issue("/input/after", "INVALID_FORMAT", told)])
    return int(text)


def _limit(value: JsonObject) -> int:
    limit = value.get("limit")
    limit = DEFAULT_ROWS if limit is None else limit
    if not 1 <= limit <= MAX_ROWS:
        told = f"Ask for 1 to {MAX_ROWS} rows at a time."
        raise invalid([Issue("/input/limit", "OUT_OF_RANGE", told)])
    return int(limit)
