"""Who a principal is to the rules: a subject with its effective roles.

Rules name subjects in four ways, which never meet: ``*`` (everybody), ``type:agent`` (a kind of
principal), ``user:alice`` (one subject) and a bare role. A subject named "admin" is therefore
never taken for the role, and a claim called "user:alice" is no role at all.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from gateway.model.principal import Principal, PrincipalType

ANYWHERE = "*"
"""The workspace of an assignment that holds in every workspace."""

EVERYBODY_ROLE = "anonymous"
"""The role that everybody holds, with or without a token."""

ROLE_PATTERN = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,127}", re.ASCII)
"""What a role may be called."""

USER_PREFIX = "user:"
TYPE_PREFIX = "type:"


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """A principal as the rules see it; compared by identity, which makes a cheap cache key.

    Principals whom no rule can tell apart share one: ``user`` (``user:<subject>``) and
    ``workspace`` are set only where some rule names them. ``roles`` are the effective ones.
    """

    type: PrincipalType
    user: str = field(repr=False)
    workspace: str
    roles: frozenset[str]

    def plays(self, name: str) -> bool:
        """True if a rule for ``name`` speaks of this subject."""
        if name in self.roles or name == ANYWHERE:
            return True
        if name.startswith(TYPE_PREFIX):
            return name == TYPE_PREFIX + self.type.value
        return bool(self.user) and name == self.user


class RoleGraph:
    """Role assignments and inheritance, in plain dicts.

    It holds the links of the rules and nothing else: asking for an unknown name leaves no trace,
    so that untrusted names cannot make it grow.
    """

    def __init__(self) -> None:
        self._up: dict[str, dict[str, set[str]]] = {}

    def clear(self) -> None:
        """Forget every link."""
        self._up.clear()

    def link(self, name: str, role: str, workspace: str) -> None:
        """Let ``name`` hold ``role`` in ``workspace`` (or ``*``)."""
        self._up.setdefault(workspace, {}).setdefault(name, set()).add(role)

    def roles_of(self, names: Iterable[str], workspace: str) -> frozenset[str]:
        """``names`` and every role that they hold in ``workspace``, closed under inheritance."""
        levels = [self._up.get(ANYWHERE, {}), self._up.get(workspace, {})]
        found = set(names)
        waiting = list(found)
        while waiting:
            name = waiting.pop()
            for level in levels:
                fresh = level.get(name, set()) - found
                found |= fresh
                waiting += fresh
        return frozenset(found)

    def named_users(self) -> frozenset[str]:
        """Every ``user:...`` that an assignment names."""
        return frozenset(
            name for level in self._up.values() for name in level if name.startswith(USER_PREFIX)
        )

    def named_workspaces(self) -> frozenset[str]:
        """Every workspace that an assignment names."""
        return frozenset(self._up) - {ANYWHERE}


def starting_roles(principal: Principal) -> frozenset[str]:
    """What a principal brings along: the roles of the token, its own name, and ``anonymous``.

    Without a token there is nothing but ``anonymous``. Claims that are not spelled as a role are
    ignored, since they could be mistaken for a subject.
    """
    if principal.is_anonymous:
        return frozenset({EVERYBODY_ROLE})
    claimed = {role for role in principal.roles if ROLE_PATTERN.fullmatch(role)}
    return frozenset({EVERYBODY_ROLE, USER_PREFIX + principal.subject, *claimed})
