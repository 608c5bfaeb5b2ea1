"""Duties that one user or one role is given together, though separation.yaml keeps them apart.

What tokens bring cannot be seen here; that nobody approves their own work is enforced when it is
done. This finds what the rules themselves hand out.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from gateway.policy.advice.finding import (
    DUTIES_CONFLICT,
    ROLE_UNKNOWN,
    Advice,
    Severity,
    on_row,
)
from gateway.policy.advice.near import NearNames
from gateway.policy.advice.reach import ANY, Reach, Reaches
from gateway.policy.advice.roles import Roles
from gateway.policy.advice.separation import Separation, read_separation
from gateway.policy.engine.roles import ANYWHERE, USER_PREFIX, RoleGraph
from gateway.policy.rules.findings import CONTRACT
from gateway.policy.rules.rows import Row

Held = Callable[[str, str], frozenset[str]]
"""Which of the duties of an entry a holder has in a workspace."""


def conflicting_duties(reaches: Reaches) -> Iterator[Advice]:
    """Where the rules give one holder two duties of an entry of separation.yaml, and what is wrong
    with that file. Whoever only inherits a conflict is not told beside where it arises."""
    entries, wrong = read_separation(reaches.revision.content)
    yield from wrong
    if not entries:
        return
    yield from _unknown_names(reaches, entries)
    holders = _Holders(reaches)
    for entry in entries:
        yield from _conflicts(reaches, holders, entry)


class _Holders:
    """Who is assigned what: the rows of each holder, and the workspaces in which roles inherit."""

    def __init__(self, reaches: Reaches) -> None:
        self.rows: dict[str, list[Row]] = {}
        self.anywhere = RoleGraph()
        self.role_workspaces = {ANYWHERE}
        for row in reaches.rows.assignments:
            self.rows.setdefault(row["subject"], []).append(row)
            self.anywhere.link(row["subject"], row["role"], ANYWHERE)
            if not row["subject"].startswith(USER_PREFIX):
                self.role_workspaces.add(row["workspace"])

    def within(self, holder: str, workspace: str) -> list[Row]:
        """The assignments of a holder that count in a workspace."""
        rows = self.rows.get(holder, ())
        return [row for row in rows if row["workspace"] in (ANYWHERE, workspace)]


@dataclass(frozen=True, slots=True)
class _Kind:
    """How the conflicts of an entry are looked for: who may have one, in which workspaces beside
    those of their assignments, what they have there, and the rules that give it."""

    holders: tuple[str, ...]
    workspaces: frozenset[str]
    held: Held
    rules: tuple[Reach, ...] = ()


def _conflicts(reaches: Reaches, holders: _Holders, entry: Separation) -> Iterator[Advice]:
    kind = _of_roles(reaches, holders, entry) if entry.roles else _of_calls(reaches, holders, entry)
    for holder in kind.holders:
        if holder in entry.excepted:
            continue
        own = {row["workspace"] for row in holders.rows.get(holder, ())}
        for workspace in sorted(own | kind.workspaces):  # "*" comes first
            if not reaches.effort.spend(5):
                return
            if _arises(reaches, holders, kind, holder, workspace):
                yield _told(holders, entry, kind, holder, workspace)
                break


def _arises(reaches: Reaches, holders: _Holders, kind: _Kind, holder: str, workspace: str) -> bool:
    """True if the holder has two duties there, and not from one role that has both already."""
    if len(kind.held(holder, workspace)) < 2:
        return False
    if not reaches.effort.spend(len(holders.rows.get(holder, ()))):
        return False
    inherited = {ANY, *(row["role"] for row in holders.within(holder, workspace))} - {holder}
    return all(len(kind.held(name, workspace)) < 2 for name in inherited)


def _of_roles(reaches: Reaches, holders: _Holders, entry: Separation) -> _Kind:
    wanted = frozenset(duty.name for duty in entry.roles)
    able = []
    for holder in holders.rows:
        somewhere = holders.anywhere.roles_of((holder,), ANYWHERE)
        if not reaches.effort.spend(20 * len(somewhere)):
            break
        if len(somewhere & wanted) > 1:
            able.append(holder)

    def held(holder: str, workspace: str) -> frozenset[str]:
        return reaches.above(holder, workspace) & wanted

    return _Kind(tuple(able), frozenset(holders.role_workspaces), held)


def _of_calls(reaches: Reaches, holders: _Holders, entry: Separation) -> _Kind:
    bits = {duty.name: reaches.named(duty.name) for duty in entry.contracts}
    wanted = 0
    for contracts in bits.values():
        wanted |= contracts
    rules = tuple(rule for rule in reaches.access if rule.contracts & wanted and rule.type == ANY)
    by_subject: dict[str, list[Reach]] = {}
    for rule in rules:
        by_subject.setdefault(rule.who, []).append(rule)

    def held(holder: str, workspace: str) -> frozenset[str]:
        called = {"allow": 0, "deny": 0}
        for who in reaches.above(holder, workspace) & by_subject.keys():
            if not reaches.effort.spend(len(by_subject[who])):
                return frozenset()
            for rule in by_subject[who]:
                if rule.workspace in (ANYWHERE, workspace):
                    called[rule.row["eft"]] |= rule.contracts
        left = called["allow"] & ~called["deny"]
        return frozenset(name for name, contracts in bits.items() if contracts & left)

    able = dict.fromkeys((*by_subject, *holders.rows))
    workspaces = holders.role_workspaces | {rule.workspace for rule in rules}
    return _Kind(tuple(able), frozenset(workspaces), held, rules)


def _told(holders: _Holders, entry: Separation, kind: _Kind, holder: str, workspace: str) -> Advice:
    own = [rule.row for rule in kind.rules if rule.who == holder and rule.row["eft"] == "allow"]
    rows = [*own, *holders.within(holder, workspace)]
    where = "in every workspace" if workspace == ANYWHERE else f"in {workspace}"
    duties = " and ".join(sorted(kind.held(holder, workspace)))
    who = "everybody" if holder == ANY else holder
    verb, severity = ("holds", Severity.ERROR) if entry.roles else ("may call", Severity.WARNING)
    named = (entry.roles or entry.contracts)[0]
    told = (
        f"{who} {verb} {duties} {where}, which {named.at.rsplit(':', 1)[0]} keeps apart: "
        f"{entry.reason}. Take one away, or write {holder} under except there"
    )
    row = max(rows, key=lambda one: one.line)
    return on_row(severity, DUTIES_CONFLICT, row, row.names[0], told)


def _unknown_names(reaches: Reaches, entries: list[Separation]) -> Iterator[Advice]:
    roles = Roles(reaches)
    keys = NearNames(sorted(contract.key for contract in reaches.contracts))
    for entry in entries:
        for duty in entry.roles:
            if duty.name not in roles.known and duty.name not in roles.named:
                near = roles.near(duty.name)
                hint = f"; did you mean {near!r}?" if near else ""
                told = f"{duty.name}: no rule or assignment names this role{hint}"
                yield Advice(Severity.WARNING, ROLE_UNKNOWN, duty.at, told)
        for duty in entry.contracts:
            if not reaches.named(duty.name):
                near = keys.of(duty.name)
                hint = f"; did you mean {near!r}?" if near else ""
                told = f"no contract {duty.name!r} is loaded{hint}"
                yield Advice(Severity.WARNING, CONTRACT, duty.at, told)
