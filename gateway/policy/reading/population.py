"""Whom a revision knows in a workspace, and what it decides of each: for reviews.

There are three kinds of subjects. A type stands for everybody of that kind who holds no role and
is named nowhere; a role for whoever has it as the only claim of the token; a user for the subject
with what is assigned to it, and no claims. Subjects whom no rule can tell apart are decided once.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from gateway.model.contract import OperationContract
from gateway.model.decision import AccessDecision, VerdictDecision
from gateway.model.json import JsonObject
from gateway.model.principal import ANONYMOUS, Principal, PrincipalType
from gateway.policy.engine.roles import ANYWHERE, EVERYBODY_ROLE, TYPE_PREFIX, USER_PREFIX
from gateway.policy.reading.all_rows import AllRows, all_rows, holds_in
from gateway.policy.reading.role_paths import Held, RolePaths
from gateway.policy.requesting import blocked_for, lacks_role
from gateway.policy.revision import PolicyRevision
from gateway.policy.rules.rows import Row

NAMELESS = "any holder"
"""A subject that no rule can name, because of its blank."""

WITH_TOKEN = tuple(kind for kind in PrincipalType if kind is not PrincipalType.ANONYMOUS)
"""The types of principals that have a token."""


class SubjectKind(StrEnum):
    """What a rule's subject is."""

    TYPE = "type"
    ROLE = "role"
    USER = "user"


@dataclass(frozen=True, slots=True)
class Known:
    """A subject as rules write it: ``type:agent``, ``approver`` or ``user:alice``."""

    kind: SubjectKind
    name: str

    @property
    def types(self) -> tuple[PrincipalType, ...]:
        """The principal types that it can be of."""
        if self.kind is SubjectKind.TYPE:
            return (PrincipalType(self.name.removeprefix(TYPE_PREFIX)),)
        return WITH_TOKEN


@dataclass(frozen=True, slots=True)
class Likeness:
    """What the rules see of a subject: its types and roles, and its name where a rule has it."""

    types: tuple[PrincipalType, ...]
    roles: frozenset[str]
    user: str


def apart(revision: PolicyRevision) -> PolicyRevision:
    """The same revision with a memory of its own: a review displaces no decision on calls."""
    return PolicyRevision(revision.content, revision.book, revision.registry)


class Population:
    """Everybody whom a revision knows in one workspace."""

    def __init__(self, revision: PolicyRevision, workspace: str) -> None:
        self.revision = apart(revision)
        self.workspace = workspace
        self.rows: AllRows = all_rows(revision)
        self.paths = RolePaths(self.rows.assignments, workspace)
        self._held: dict[Known, dict[str, Held]] = {}
        self._alike: dict[tuple[Likeness, PrincipalType], Principal] = {}

    @cached_property
    def subjects(self) -> tuple[Known, ...]:
        """All of them: types, then roles, then users, each by name."""
        named = {
            row["sub"]
            for rows in (self.rows.access, self.rows.verdict)
            for row in rows
            if holds_in(row, self.workspace)
        }
        users = {name for name in named if name.startswith(USER_PREFIX)} | {*self.paths.users}
        plain = {name for name in named if ":" not in name and name != ANYWHERE}
        roles = (plain | self.paths.roles) - {EVERYBODY_ROLE}
        return (
            *(Known(SubjectKind.TYPE, TYPE_PREFIX + kind.value) for kind in PrincipalType),
            *(Known(SubjectKind.ROLE, name) for name in sorted(roles)),
            *(Known(SubjectKind.USER, name) for name in sorted(users)),
        )

    def held(self, known: Known) -> dict[str, Held]:
        """The effective roles of a subject, and how it comes to each."""
        found = self._held.get(known)
        if found is None:
            claims = (known.name,) if known.kind is SubjectKind.ROLE else ()
            user = known.name if known.kind is SubjectKind.USER else ""
            found = self._held[known] = self.paths.held(claims, user)
        return found

    def principal(self, known: Known, kind: PrincipalType) -> Principal:
        """A principal that is this subject, of one of its types; the same one for all whom the
        rules cannot tell apart."""
        if kind is PrincipalType.ANONYMOUS:
            return ANONYMOUS
        alike = (self.likeness(known), kind)
        found = self._alike.get(alike)
        if found is None:
            found = self._alike[alike] = self._principal(known, kind)
        return found

    def likeness(self, known: Known) -> Likeness:
        """What the rules see of a subject: those with the same are decided alike."""
        user = known.name if self.revision.book.tells_apart(known.name) else ""
        return Likeness(known.types, frozenset(self.held(known)), user)

    def _principal(self, known: Known, kind: PrincipalType) -> Principal:
        if known.kind is SubjectKind.USER:
            return Principal(kind, known.name.removeprefix(USER_PREFIX), self.workspace)
        roles = frozenset({known.name} if known.kind is SubjectKind.ROLE else ())
        return Principal(kind, NAMELESS, self.workspace, roles)

    @cached_property
    def _types_told_apart(self) -> frozenset[str]:
        """The types that access rules name; all of them where a matcher names anything itself."""
        if self.revision.book.constants - {ANYWHERE}:
            return frozenset(TYPE_PREFIX + kind.value for kind in PrincipalType)
        return frozenset(
            row["sub"] for row in self.rows.access if row["sub"].startswith(TYPE_PREFIX)
        )

    @cached_property
    def _access_rows(self) -> dict[int, Row]:
        return {row.line: row for row in self.rows.access}

    def access(
        self, known: Known, contract: OperationContract
    ) -> Iterator[tuple[AccessDecision, list[PrincipalType]]]:
        """The decisions on a subject, each with the types of principals that it is made for."""
        made: dict[tuple[bool, str], tuple[AccessDecision, list[PrincipalType]]] = {}
        unnamed: AccessDecision | None = None
        for kind in known.types:
            is_named = TYPE_PREFIX + kind.value in self._types_told_apart
            decided = None if is_named else unnamed
            if decided is None:
                decided = self.revision.access(self.principal(known, kind), contract)
                unnamed = unnamed if is_named else decided
            ref = decided.rule.ref if decided.rule else ""
            made.setdefault((decided.allowed, ref), (decided, []))[1].append(kind)
        yield from made.values()

    def verdict(
        self,
        known: Known,
        kind: PrincipalType,
        contract: OperationContract,
        arguments: JsonObject | None,
    ) -> VerdictDecision | None:
        """How a subject's call may run; without ``arguments``, while all of them are unknown. None
        for contracts that the gateway performs itself."""
        return verdict_of(self.revision, self.principal(known, kind), contract, arguments)

    def role_of(self, known: Known, decided: AccessDecision) -> Held | None:
        """The role by which the deciding rule speaks of a subject; None if it does so otherwise."""
        row = self._access_rows.get(decided.rule.line) if decided.rule else None
        return None if row is None else self.held(known).get(row["sub"])


def verdict_of(
    revision: PolicyRevision,
    principal: Principal,
    contract: OperationContract,
    arguments: JsonObject | None,
    requester_role: str = "",
) -> VerdictDecision | None:
    """How a call may run; without ``arguments``, while all of them are unknown. None for contracts
    that the gateway performs itself. ``requester_role`` is what whoever has an action run must
    hold."""
    if contract.handler is None:
        return None
    unknown = frozenset(contract.input) if arguments is None else frozenset[str]()
    decided = revision.verdict(principal, contract, arguments or {}, unknown)
    if lacks_role(revision, principal, contract, requester_role):
        return blocked_for(decided, contract, requester_role)
    return decided
