"""Who a principal is to the rules: a subject with its effective roles.

Rules name subjects in four ways, which never meet: ``*`` (everybody), ``type:agent`` (a kind of
principal), ``user:alice`` (one subject) and a bare role. A subject named "admin" is therefore
never taken for the role, and a claim called "user:alice" is no role at all.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeAlias

from gateway.model.principal import Principal, PrincipalType
from gateway.policy.engine.cache import BoundedCache

ANYWHERE = "*"
"""The workspace of an assignment that holds in every workspace."""

EVERYBODY_ROLE = "anonymous"
"""The role that everybody holds, with or without a token."""

ROLE_PATTERN = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,127}", re.ASCII)
"""What a role may be called."""

USER_PREFIX = "user:"
TYPE_PREFIX = "type:"

CLOSED_LIMIT = 50_000
"""For how many assigned names of a workspace what they hold is kept."""

_Link: TypeAlias = tuple[str, str, str]
"""Who holds which role in which workspace."""

_Links: TypeAlias = dict[str, dict[str, dict[str, int]]]

_NOTHING: dict[str, dict[str, int]] = {}

_NAMES_OF = {kind: (ANYWHERE, TYPE_PREFIX + kind.value) for kind in PrincipalType}
"""What every principal of a kind is called by rules."""

_EVERYBODY_S = frozenset({EVERYBODY_ROLE})
_NO_ROLES: frozenset[str] = frozenset()


class Subject:
    """A principal as the rules see it; compared by identity, which makes a cheap cache key.

    Principals whom no rule can tell apart share one: ``user`` (``user:<subject>``) and
    ``workspace`` are set only where some rule names them. ``roles`` are the effective ones,
    ``names`` all names by which rules speak of this subject. None of it ever changes.
    """

    __slots__ = ("names", "roles", "type", "user", "workspace")

    def __init__(
        self, type_: PrincipalType, user: str, workspace: str, roles: frozenset[str]
    ) -> None:
        self.type = type_
        self.user = user
        self.workspace = workspace
        self.roles = roles
        own = _NAMES_OF[type_]
        self.names = roles.union((*own, user) if user else own)

    @property
    def has_roles(self) -> bool:
        """True if any role is more than everybody's."""
        return not self.roles <= _EVERYBODY_S

    def plays(self, name: str) -> bool:
        """True if a rule for ``name`` speaks of this subject."""
        return name in self.names


class RoleGraph:
    """Role assignments and inheritance, in plain dicts: by workspace, by holder, and by role the
    line on which it stands.

    It holds the links of the rules and nothing else: asking for an unknown name leaves no trace,
    so that untrusted names cannot make it grow. It never changes once it decides; ``changed``
    makes another one.
    """

    def __init__(self) -> None:
        self._up: _Links = {}
        self._closed: BoundedCache[tuple[str, str], frozenset[str]] = BoundedCache(CLOSED_LIMIT)

    def link(self, name: str, role: str, workspace: str, line: int = 0) -> None:
        """Let ``name`` hold ``role`` in ``workspace`` (or ``*``). Only while it is being built."""
        self._up.setdefault(workspace, {}).setdefault(name, {})[role] = line

    def links(self) -> Iterator[tuple[str, str, str]]:
        """Every assignment: who holds which role in which workspace (or ``*``)."""
        for workspace, level in self._up.items():
            for name, roles in level.items():
                for role in roles:
                    yield name, role, workspace

    def line_of(self, name: str, role: str, workspace: str) -> int | None:
        """The line on which exactly this assignment stands, if there is one."""
        return self._up.get(workspace, {}).get(name, {}).get(role)

    def holders(self, role: str, workspace: str) -> frozenset[str]:
        """Everybody who holds ``role`` in ``workspace``, directly or through other roles."""
        down: dict[str, list[str]] = {}
        for level in self._levels(workspace):
            for name, roles in level.items():
                for held in roles:
                    down.setdefault(held, []).append(name)
        return _reached((role,), lambda name: down.get(name, ())) - {role}

    def changed(self, removed: Iterable[_Link], added: Iterable[tuple[_Link, int]]) -> "RoleGraph":
        """This graph without the links ``removed`` and with those ``added``, each with its line.

        What did not change is shared between both.
        """
        after = RoleGraph()
        after._up = self._up.copy()
        for name, role, workspace in removed:
            roles = after._own(name, workspace)
            del roles[role]
            if not roles:
                del after._up[workspace][name]
            if not after._up[workspace]:
                del after._up[workspace]
        for (name, role, workspace), line in added:
            after._own(name, workspace)[role] = line
        return after

    def _own(self, name: str, workspace: str) -> dict[str, int]:
        """The roles of ``name`` as a dict of this graph's own."""
        level = self._up[workspace] = self._up.get(workspace, {}).copy()
        roles = level[name] = level.get(name, {}).copy()
        return roles

    def roles_of(self, names: Iterable[str], workspace: str) -> frozenset[str]:
        """``names`` and every role that they hold in ``workspace``, closed under inheritance."""
        found = frozenset(names)
        return found.union(*[self.held_by(name, workspace) for name in found])

    def held_by(self, name: str, workspace: str) -> frozenset[str]:
        """Every role that a name holds in ``workspace``, directly or through other roles."""
        held = self._closed.get((name, workspace))
        if held is not None:
            return held
        here = self._up.get(workspace)
        everywhere = self._up.get(ANYWHERE, _NOTHING)
        if here is None:  # any workspace that no assignment names is like any other
            here, workspace = everywhere, ANYWHERE
        if name not in here and name not in everywhere:
            return _NO_ROLES
        key = (name, workspace)
        return self._closed.get(key) or self._closed.put(key, self._reached_from(name, workspace))

    def _reached_from(self, name: str, workspace: str) -> frozenset[str]:
        levels = self._levels(workspace)
        above = [role for level in levels for role in level.get(name, ())]
        return _reached(above, lambda one: [role for at in levels for role in at.get(one, ())])

    def _levels(self, workspace: str) -> tuple[Mapping[str, Mapping[str, int]], ...]:
        everywhere, here = self._up.get(ANYWHERE, _NOTHING), self._up.get(workspace, _NOTHING)
        return (everywhere,) if here is everywhere else (everywhere, here)

    def names_workspace(self, workspace: str) -> bool:
        """True if an assignment names this workspace."""
        return workspace in self._up


def has_link(graph: RoleGraph, holder: str | Subject, name: str, *place: str) -> bool:
    """What ``g`` asks: whether the holder plays ``name``, in a workspace if it is a mere name."""
    if isinstance(holder, Subject):
        return holder.plays(name)
    return name in graph.roles_of((holder,), *(place or (ANYWHERE,)))


def _reached(names: Iterable[str], above: Callable[[str], Iterable[str]]) -> frozenset[str]:
    """``names`` and everything that ``above`` leads to from there."""
    found = set(names)
    waiting = list(found)
    while waiting:
        fresh = set(above(waiting.pop())) - found
        found |= fresh
        waiting += fresh
    return frozenset(found)


def starting_roles(principal: Principal) -> frozenset[str]:
    """What a principal brings along: the roles of the token, its own name, and ``anonymous``.

    Without a token there is nothing but ``anonymous``. Claims that are not spelled as a role are
    ignored, since they could be mistaken for a subject.
    """
    if principal.is_anonymous:
        return _EVERYBODY_S
    return frozenset((EVERYBODY_ROLE, USER_PREFIX + principal.subject, *_claimed(principal)))


def effective_roles(graph: RoleGraph, principal: Principal) -> frozenset[str]:
    """The roles of a principal in its workspace: what it brings along but for its own name, and
    every role that follows from it."""
    if principal.type is PrincipalType.ANONYMOUS:
        return _EVERYBODY_S
    held = graph.held_by(USER_PREFIX + principal.subject, principal.workspace)
    if not principal.roles:  # nobody holds anything through the role that everybody holds
        return held | _EVERYBODY_S
    return graph.roles_of(_claimed(principal), principal.workspace).union(held, _EVERYBODY_S)


def _claimed(principal: Principal) -> list[str]:
    return [role for role in principal.roles if ROLE_PATTERN.fullmatch(role)]
