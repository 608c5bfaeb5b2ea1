"""One set of rules and requests, in no engine's words, so that all engines can be given the same.

Every rule names a workspace, a contract, a role and its effect; a deny outweighs every allow. Each
pair of workspace and contract has four rules, whatever the size, as in a deployment that grows by
more workspaces and contracts. There are always 10,000 role assignments, of which one in
twenty lets a role inherit another.
"""

import random
from dataclasses import dataclass

WORKSPACES = 100
USERS = 95
ROLES = 5
"""Assignments of each workspace: of users to a role, and of a role to another."""

_RULES_OF_A_PAIR = 4


@dataclass(frozen=True, slots=True)
class AccessRule:
    """``role`` may (or, with ``deny``, must not) call ``contract`` in ``workspace``."""

    workspace: str
    contract: str
    role: str
    deny: bool


@dataclass(frozen=True, slots=True)
class Assignment:
    """``holder`` (a user, or a role where ``of_role``) holds ``role`` in ``workspace``."""

    holder: str
    role: str
    workspace: str
    of_role: bool


@dataclass(frozen=True, slots=True)
class Request:
    """May ``user`` call ``contract`` in ``workspace``?"""

    user: str
    workspace: str
    contract: str


@dataclass(frozen=True, slots=True)
class RuleSet:
    """``size`` rules with 10,000 assignments, and requests that meet them."""

    size: int
    contracts: tuple[str, ...]
    rules: tuple[AccessRule, ...]
    assignments: tuple[Assignment, ...]
    requests: tuple[Request, ...]


def rule_set(size: int, requests: int = 2_000) -> RuleSet:
    """The rules of one size; the same ones each time."""
    pairs = size // _RULES_OF_A_PAIR
    contracts = tuple(f"bench.contract{number}.call" for number in range(max(25, pairs // 100)))
    where = [
        (_workspace(number // len(contracts)), contracts[number % len(contracts)])
        for number in range(pairs)
    ]
    rules = [rule for number, pair in enumerate(where) for rule in _rules_of(number, *pair)]
    dice = random.Random(size)  # noqa: S311 - a choice of requests, not a secret
    asked = [Request(f"u{dice.randrange(USERS)}", *dice.choice(where)) for _ in range(requests)]
    return RuleSet(size, contracts, tuple(rules), _assignments(), tuple(asked))


def assignments_of_one_workspace(count: int) -> tuple[Assignment, ...]:
    """``count`` users of one workspace with a role each."""
    return tuple(
        Assignment(f"u{number}", _role(number), _workspace(0), of_role=False)
        for number in range(count)
    )


def _rules_of(number: int, workspace: str, contract: str) -> list[AccessRule]:
    """Three roles of ten are let in, and one is kept out."""
    roles = [_role(number * 7 + step * 3) for step in range(_RULES_OF_A_PAIR)]
    return [AccessRule(workspace, contract, role, role == roles[-1]) for role in roles]


def _assignments() -> tuple[Assignment, ...]:
    made = []
    for number in range(WORKSPACES):
        workspace = _workspace(number)
        made += [
            Assignment(f"u{user}", _role(user + number), workspace, of_role=False)
            for user in range(USERS)
        ]
        made += [
            Assignment(_role(role), _role(role + ROLES), workspace, of_role=True)
            for role in range(ROLES)
        ]
    return tuple(made)


def _role(number: int) -> str:
    return f"role{number % (2 * ROLES)}"


def _workspace(number: int) -> str:
    return f"w{number}"
