"""Which revision of the policies is asked about, and what the caller may see of it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from gateway.administration import Scope, Scopes
from gateway.model.json import JsonObject
from gateway.model.policy import Changeset
from gateway.model.ports import Records
from gateway.model.principal import WORKSPACE_PATTERN, Principal
from gateway.model.problem import Issue, invalid, refuse
from gateway.pipeline import Admitted, Query
from gateway.policy import PolicyContent, PolicyRevision, build_revision
from gateway.policy.contents.history import content_of, content_of_changeset
from gateway.policy.engine.cache import BoundedCache
from gateway.policy.engine.roles import ANYWHERE
from gateway.policy.explaining.request import Visible
from gateway.policy.rules.rows import Row
from gateway.runtime import Loop

_KEPT = 4
"""How many revisions besides the one in force are kept, once they were built."""

_WHERE = Path("policies")
"""What issues call the folder of a revision, which lies in the record."""

AUDIT = "policy.rule.list"
"""Who may call this may audit: explanations then name rules."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question about the policies: whoever asks sees the rows of ``scope``."""

    admitted: Admitted
    revision: PolicyRevision
    scope: Scope

    @property
    def value(self) -> JsonObject:
        """The input."""
        return self.admitted.value

    @property
    def visible(self) -> Visible:
        """Whether the caller may read a rule."""
        return partial(_sees, self.scope)

    def workspace(self) -> str:
        """The workspace that is asked about: the caller's own where the input names none.

        Raises:
            ProblemError: NOT_FOUND, if it is not one that the caller sees.
        """
        return workspace_for(self.scope, self.value.get("workspace"))


def workspace_for(scope: Scope, named: str | None) -> str:
    """A workspace that is asked about: the caller's own where none is named.

    Raises:
        ProblemError: NOT_FOUND, for other workspaces are not there but for a few.
    """
    if named is None or named == scope.workspace:
        return scope.workspace
    if not scope.is_whole or not WORKSPACE_PATTERN.fullmatch(named):
        raise refuse("NOT_FOUND", "There is no such workspace for you. Use your token's own.")
    return named


def may_audit(loop: Loop, principal: Principal) -> bool:
    """True if the principal may read the rules, so that explanations may name them."""
    contract = loop.registry.resolve(AUDIT)
    return contract is not None and loop.policies.current.allows(principal, contract)


@dataclass(frozen=True, slots=True)
class PolicyReader:
    """Finds the revision that a question is about, and answers off the event loop."""

    loop: Loop
    scopes: Scopes
    _built: BoundedCache[str, PolicyRevision] = field(default_factory=lambda: BoundedCache(_KEPT))

    def query(self, answer: Callable[[Asked], JsonObject]) -> Query:
        """A query that is answered from one revision."""

        async def prepare(admitted: Admitted) -> JsonObject:
            asked = await self.asked(admitted)
            return await asyncio.to_thread(answer, asked)

        return Query(lambda admitted, _: admitted.prepared, prepare)

    async def asked(self, admitted: Admitted) -> Asked:
        """The question with the revision that it names, or the one in force.

        Raises:
            ProblemError: NOT_FOUND for a revision or changeset that is not there for the caller,
                POLICIES_INVALID for one that cannot be built, SERVICE_UNAVAILABLE where nobody can
                tell what is in force.
        """
        scope = self.scopes.of(admitted.principal.workspace)
        return Asked(admitted, await self._revision(admitted.value, scope), scope)

    async def _revision(self, value: JsonObject, scope: Scope) -> PolicyRevision:
        revision, changeset = value.get("revision"), value.get("changesetId")
        if revision is not None and changeset is not None:
            told = "Name a revision or a changeset, not both."
            raise invalid([Issue("/input/changesetId", "NOT_ALLOWED", told)])
        await self.loop.policies.settle()
        current = self.loop.policies.current
        if changeset is None and revision in (None, current.revision):
            return current
        find = partial(_content, revision, changeset, scope, self._built.get)
        found = await self.loop.journal.read(find)
        if isinstance(found, PolicyRevision):
            return found
        built = await asyncio.to_thread(build_revision, found, self.loop.registry, _WHERE)
        return self._built.put(built.revision, built)


def _content(
    revision: str | None,
    changeset_id: str | None,
    scope: Scope,
    built: Callable[[str], PolicyRevision | None],
    records: Records,
) -> PolicyContent | PolicyRevision:
    if changeset_id is not None:
        changeset = _changeset(records.changeset(changeset_id), scope)
        return built(changeset.revision) or content_of_changeset(records, changeset)
    if revision is None or records.policy_revision(revision) is None:
        raise refuse("NOT_FOUND", "No such policy revision was ever in force. List the revisions.")
    return built(revision) or content_of(records, revision)


def _changeset(found: Changeset | None, scope: Scope) -> Changeset:
    if found is None or not (scope.is_whole or found.workspace == scope.workspace):
        raise refuse("NOT_FOUND", "There is no such changeset in your workspace.")
    return found


def _sees(scope: Scope, row: Row) -> bool:
    return scope.is_whole or row["dom"] in (ANYWHERE, scope.workspace)
