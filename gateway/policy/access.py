"""What callers are told about access: the sentences, and what is missing for an allow."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.model.contract import OperationContract
from gateway.model.decision import Rule
from gateway.policy.roles import EVERYBODY_ROLE, TYPE_PREFIX, USER_PREFIX, Subject
from gateway.policy.rows import Row
from gateway.policy.selectors import Selector, names_capability


@dataclass(frozen=True, slots=True)
class Access:
    """An access decision without its id: what is kept and given out again."""

    allowed: bool
    reason: str
    rule: Rule | None = None
    missing: tuple[str, ...] = ()


def default_deny(
    rows: Iterable[Row],
    selectors: Mapping[str, Selector],
    subject: Subject,
    contract: OperationContract,
) -> Access:
    """The denial where no rule matched: it names the roles that would do, and no other user."""
    names = dict.fromkeys(
        row["sub"]
        for row in rows
        if row["eft"] == "allow"
        and row["dom"] in ("*", subject.workspace)
        and not row["sub"].startswith(USER_PREFIX)
        and selectors[row["obj"]].selects(contract)
    )
    missing = tuple(_kind_and_name(name) for name in names)
    if not missing:
        reason = f"No rule lets a role of your workspace call {contract.key}."
        return Access(False, reason, missing=(f"a rule that allows {contract.ref}",))
    have = "With your roles" if subject.roles - {EVERYBODY_ROLE} else "Without a role"
    would_do = "this would do" if len(missing) == 1 else "one of these would do"
    reason = f"{have} you may not call {contract.key}; {would_do}: {', '.join(missing)}."
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
        reason = f"Your token is limited to capabilities, and {contract.key} belongs to none."
        return Access(False, reason, missing=("a token that is not limited to capabilities",))
    reason = f"Your token does not grant the capability of {contract.key}: {contract.capability}."
    return Access(False, reason, missing=(f"capability {contract.capability}",))
