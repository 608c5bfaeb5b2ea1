"""What callers are told about access: the sentences, and what is missing for an allow."""

from dataclasses import dataclass

from gateway.model.contract import OperationContract
from gateway.model.decision import Rule
from gateway.policy.engine.cache import BoundedCache
from gateway.policy.engine.index import RuleIndex
from gateway.policy.engine.roles import TYPE_PREFIX, USER_PREFIX, Subject
from gateway.policy.rules.rows import Row
from gateway.policy.rules.selectors import names_capability

ANSWERS_LIMIT = 20_000
"""How many answers are kept."""


@dataclass(frozen=True, slots=True)
class Access:
    """An access decision without its id: what is kept and given out again."""

    allowed: bool
    reason: str
    rule: Rule | None = None
    missing: tuple[str, ...] = ()


class Answers:
    """What is told about access under the rules of one revision, in ready sentences.

    An answer depends on the contract and the rule, or where no rule matched on the workspace and
    on whether the subject has any role. Given ones are kept, up to ``ANSWERS_LIMIT``.
    """

    def __init__(self, index: RuleIndex) -> None:
        self._index = index
        self._kept: BoundedCache[tuple[object, ...], tuple[OperationContract, Access]] = (
            BoundedCache(ANSWERS_LIMIT)
        )

    # Each is kept with its contract, so that the id stays taken as long as it is a key.

    def by_rule(self, contract: OperationContract, row: Row, allowed: bool) -> Access:
        """The answer that a rule gives."""
        key = (id(contract), row.line)
        kept = self._kept.get(key)
        if kept is None:
            said = "allows calling {}." if allowed else "denies calling {}; {}."
            reason = said.format(contract.key, "a deny outweighs every allow")
            told = Access(allowed, f"Policy {reason}", row.rule)
            kept = self._kept.put(key, (contract, told))
        return kept[1]

    def by_default(self, contract: OperationContract, subject: Subject) -> Access:
        """The denial where no rule matched: it names the roles that would do, and no other user."""
        key = (id(contract), subject.workspace, subject.has_roles)
        kept = self._kept.get(key)
        if kept is None:
            missing = tuple(map(_kind_and_name, self._names(contract, subject.workspace)))
            told = _default_deny(missing, subject.has_roles, contract)
            kept = self._kept.put(key, (contract, told))
        return kept[1]

    def _names(self, contract: OperationContract, workspace: str) -> list[str]:
        """Whom allow rules name who speak of the contract there, in the order of the rules."""
        first: dict[str, int] = {}
        for by_subject in self._index.concerning(contract, workspace):
            for name, rows in by_subject.items():
                line = min((row.line for row in rows if row["eft"] == "allow"), default=None)
                if line is not None and not name.startswith(USER_PREFIX):
                    first[name] = min(line, first.get(name, line))
        return sorted(first, key=first.__getitem__)


def _default_deny(missing: tuple[str, ...], has_roles: bool, contract: OperationContract) -> Access:
    if not missing:
        reason = f"No rule lets a role of the workspace call {contract.key}."
        return Access(False, reason, missing=(f"a rule that allows {contract.ref}",))
    have = "With these roles" if has_roles else "Without a role"
    would_do = "this would do" if len(missing) == 1 else "one of these would do"
    reason = f"{have} {contract.key} may not be called; {would_do}: {', '.join(missing)}."
    return Access(False, reason, missing=missing)


def _kind_and_name(subject: str) -> str:
    if subject.startswith(TYPE_PREFIX):
        return f"type {subject.removeprefix(TYPE_PREFIX)}"
    return f"role {subject}"


def grants(granted: frozenset[str], contract: OperationContract) -> bool:
    """True if capability grants (``key`` or ``key@version``) open the contract."""
    return any(names_capability(contract, name) for name in granted)


def without_capability(contract: OperationContract) -> Access:
    """The denial where the token's capability grants leave the contract out."""
    if not contract.capability:
        reason = f"The token is limited to capabilities, and {contract.key} belongs to none."
        return Access(False, reason, missing=("a token that is not limited to capabilities",))
    reason = f"The token does not grant the capability of {contract.key}: {contract.capability}."
    return Access(False, reason, missing=(f"capability {contract.capability}",))
