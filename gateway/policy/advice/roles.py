"""Roles that are named and that nothing else knows.

Tokens may bring any role, so that an unknown one is never certainly wrong: nothing here is an
error.
"""

from collections import Counter
from collections.abc import Iterator

from gateway.policy.advice.finding import ROLE_UNKNOWN, Advice, Severity, on_row
from gateway.policy.advice.near import NearNames
from gateway.policy.advice.reach import Reaches
from gateway.policy.engine.roles import EVERYBODY_ROLE, TYPE_PREFIX, USER_PREFIX
from gateway.policy.rules.models import NONE, escalation
from gateway.policy.rules.rows import Row

CLAIMED_ROLES = frozenset({"pii.reader"})
"""Shipped roles that only tokens bring: no rule of access names them."""


def unknown_roles(reaches: Reaches) -> Iterator[Advice]:
    """Roles that are most likely mistyped, or that open nothing to who holds them."""
    known = Roles(reaches)
    yield from _approvers(reaches, known)
    yield from _subjects(reaches, known)
    yield from _assigned(reaches, known)


class Roles:
    """The roles of a revision: ``access`` are those that a rule or assignment of access names,
    with how often; ``named`` are those that any rule names."""

    def __init__(self, reaches: Reaches) -> None:
        rows = reaches.rows
        self.access = Counter(row["sub"] for row in rows.access if is_role(row["sub"]))
        self.inherited = Counter(row["subject"] for row in rows.assignments)
        self.assigned = Counter(row["role"] for row in rows.assignments)
        self.named = set(self.access) | {
            row["sub"] for row in (*rows.verdict, *rows.pii) if is_role(row["sub"])
        }
        self.named |= {role for row in rows.verdict for _, role in deciders(row)}
        held = {name for name in self.inherited if is_role(name)}
        self.known = {EVERYBODY_ROLE, *CLAIMED_ROLES, *self.access, *held, *self.assigned}
        usual = {name for name in self.known if self.uses(name) > 1 or name in CLAIMED_ROLES}
        self._near_usual = NearNames(sorted(usual))
        self._near_known = NearNames(sorted(self.known))

    def uses(self, name: str) -> int:
        """How many rows of access name the role."""
        return self.access[name] + self.inherited[name] + self.assigned[name]

    def near(self, name: str) -> str | None:
        """A known role that has nearly that name."""
        return self._near_known.of(name)

    def near_usual(self, name: str) -> str | None:
        """A role that has nearly that name and is not named in one row alone."""
        return self._near_usual.of(name)


def is_role(subject: str) -> bool:
    """True if the subject of a rule is a role."""
    return subject != "*" and not subject.startswith((TYPE_PREFIX, USER_PREFIX))


def deciders(row: Row) -> Iterator[tuple[str, str]]:
    """The roles that decide what a verdict rule asks for, with the column that names each."""
    if row["approver"] != NONE:
        yield "approver", row["approver"]
    if row["escalation"] != NONE:
        yield "escalation", escalation(row["escalation"])[1]


def _end(near: str | None) -> str:
    """The end of a sentence: a question where a near name is known."""
    return f"; did you mean {near!r}?" if near else "."


def _approvers(reaches: Reaches, roles: Roles) -> Iterator[Advice]:
    for row in reaches.rows.verdict:
        for column, name in deciders(row):
            if name not in roles.known:
                told = (
                    f"{name}: no row of access.csv knows this role{_end(roles.near(name))} Whoever "
                    "holds no other cannot approve; let it call controlPlane.execution.approve"
                )
                yield on_row(Severity.WARNING, ROLE_UNKNOWN, row, column, told)


def _subjects(reaches: Reaches, roles: Roles) -> Iterator[Advice]:
    """A role that is a subject and nearly another one is told; any other may be a claim."""
    for row in (*reaches.rows.verdict, *reaches.rows.pii):
        name = row["sub"]
        if is_role(name) and name not in roles.known:
            near = roles.near(name)
            severity = Severity.WARNING if near else Severity.NOTE
            told = f"{name}: no row of access.csv knows this role{_end(near)} Only tokens bring it"
            yield on_row(severity, ROLE_UNKNOWN, row, "sub", told)
    for row in reaches.rows.access:
        name = row["sub"]
        if is_role(name) and roles.uses(name) == 1 and name not in CLAIMED_ROLES:
            near = roles.near_usual(name)
            if near:
                told = f"{name}: only this row names this role{_end(near)}"
                yield on_row(Severity.WARNING, ROLE_UNKNOWN, row, "sub", told)


def _assigned(reaches: Reaches, roles: Roles) -> Iterator[Advice]:
    for row in reaches.rows.assignments:
        name = row["role"]
        if name in roles.named or name in roles.inherited or name == EVERYBODY_ROLE:
            continue
        told = (
            f"{name}: no rule speaks of this role, so it opens nothing{_end(roles.near(name))} "
            "Write a rule for it, or remove the assignment"
        )
        yield on_row(Severity.WARNING, ROLE_UNKNOWN, row, "role", told)
