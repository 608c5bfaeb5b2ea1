"""How somebody comes to a role: the assignments that lead there, step by step."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from gateway.policy.engine.roles import ANYWHERE, EVERYBODY_ROLE, USER_PREFIX
from gateway.policy.rules.rows import Row


class Via(StrEnum):
    """How a role is held: everybody holds it, the token claims it, it is assigned to the user, or
    another role brings it."""

    EVERYBODY = "everybody"
    CLAIM = "claim"
    ASSIGNMENT = "assignment"
    INHERITANCE = "inheritance"


@dataclass(frozen=True, slots=True)
class Held:
    """A role that somebody holds, and the shortest chain of assignments that leads to it."""

    role: str
    via: Via
    chain: tuple[Row, ...] = ()

    @property
    def path(self) -> tuple[str, ...]:
        """The chain in words, one assignment each."""
        return tuple(step(row) for row in self.chain)


def step(row: Row) -> str:
    """An assignment in words, with its place."""
    where = "" if row["workspace"] == ANYWHERE else f" in {row['workspace']}"
    return f"{row['subject']} -> {row['role']}{where} ({row.rule.ref})"


class RolePaths:
    """The assignments that hold in one workspace, ready to be followed."""

    def __init__(self, assignments: Iterable[Row], workspace: str) -> None:
        up: dict[str, list[Row]] = {}
        down: dict[str, list[Row]] = {}
        for row in assignments:
            if row["workspace"] in (ANYWHERE, workspace):
                up.setdefault(row["subject"], []).append(row)
                down.setdefault(row["role"], []).append(row)
        self._up: Mapping[str, Sequence[Row]] = up
        self._down: Mapping[str, Sequence[Row]] = down

    @property
    def users(self) -> list[str]:
        """Every ``user:...`` that is assigned something here, sorted."""
        return sorted(name for name in self._up if name.startswith(USER_PREFIX))

    @property
    def roles(self) -> frozenset[str]:
        """Every role that an assignment names here."""
        holders = (name for name in self._up if not name.startswith(USER_PREFIX))
        return frozenset((*holders, *self._down))

    def held_from(self, start: str) -> tuple[Row, ...]:
        """The assignments of ``start`` itself."""
        return tuple(self._up.get(start, ()))

    def holders_of(self, role: str) -> tuple[Row, ...]:
        """The assignments that give this role to somebody."""
        return tuple(self._down.get(role, ()))

    def held(self, claims: Iterable[str], user: str = "") -> dict[str, Held]:
        """The effective roles of somebody with these claims, by name; ``user`` is ``user:...``.

        Of several ways to a role it takes a claim, else the shortest, else the one whose
        assignments come first in their file.
        """
        starts = {EVERYBODY_ROLE: Held(EVERYBODY_ROLE, Via.EVERYBODY)}
        starts |= {role: Held(role, Via.CLAIM) for role in sorted(claims) if role not in starts}
        found = dict(starts)
        queue = deque((name, held.chain) for name, held in starts.items())
        if user:
            queue.appendleft((user, ()))
        while queue:
            name, chain = queue.popleft()
            for row in self._up.get(name, ()):
                role = row["role"]
                if role not in found and not role.startswith(USER_PREFIX):
                    via = Via.ASSIGNMENT if name == user else Via.INHERITANCE
                    found[role] = Held(role, via, (*chain, row))
                    queue.append((role, found[role].chain))
        return found
