"""Rules, roles and verdicts as the reading contracts show them."""

from gateway.model.decision import Rule, Verdict, VerdictDecision
from gateway.model.json import JsonObject
from gateway.model.principal import PrincipalType
from gateway.model.problem import Issue, invalid
from gateway.operations.common import lower, upper
from gateway.policy.engine.roles import ROLE_PATTERN
from gateway.policy.reading.role_paths import Held

MAX_NAMES = 100
"""How many roles, capabilities or paths a question may name."""


def place(rule: Rule | None) -> JsonObject | None:
    """Where a rule stands, and what it says."""
    if rule is None:
        return None
    return {"file": rule.file, "line": rule.line, "text": rule.text}


def held_role(held: Held) -> JsonObject:
    """A role with how it is held."""
    return {"role": held.role, "via": upper(held.via.value), "path": list(held.path)}


def terms(verdict: VerdictDecision | None) -> JsonObject:
    """A verdict, with who approves where somebody has to; empty without one."""
    if verdict is None:
        return {}
    told: JsonObject = {"verdict": upper(verdict.verdict.value)}
    if verdict.verdict is Verdict.ASSIST:
        told |= {"approverRole": verdict.approver_role, "quorum": verdict.quorum}
    return told


def principal_type(name: str | None) -> PrincipalType:
    """The type that an input names; a human where it names none."""
    return PrincipalType(lower(name) or PrincipalType.HUMAN)


def role_names(value: JsonObject, path: str) -> frozenset[str]:
    """The roles that an input names.

    Raises:
        ProblemError: VALIDATION_FAILED for too many, and for what is no role.
    """
    given = names(value, "roles", path) or frozenset()
    wrong = sorted(name for name in given if not ROLE_PATTERN.fullmatch(name))
    if wrong:
        told = f"must hold role names: {wrong[0][:100]!r} is none"
        raise invalid([Issue(f"{path}/roles", "INVALID_FORMAT", told)])
    return given


def names(value: JsonObject, member: str, path: str) -> frozenset[str] | None:
    """The names in a list of the input, None where there is none.

    Raises:
        ProblemError: VALIDATION_FAILED for too many.
    """
    given = value.get(member)
    if given is None:
        return None
    if len(given) > MAX_NAMES:
        told = f"has more than {MAX_NAMES} items: name fewer"
        raise invalid([Issue(f"{path}/{member}", "OUT_OF_RANGE", told)])
    return frozenset(given)


def hide_places(reason: str, refs: list[str]) -> str:
    """A reason without the places of rules, for those who may not read the rules."""
    for ref in refs:
        reason = reason.replace(f"the rule at {ref} fails", "a rule fails")
    return reason
