"""Who could call a contract under a revision: whom policy knows, and who came with a token."""

from collections.abc import Iterable, Iterator
from typing import Any

from gateway.model.audit_history import Token
from gateway.model.contract import OperationContract
from gateway.model.decision import AccessDecision, Rule, Verdict, VerdictDecision
from gateway.model.json import JsonObject, JsonValue, decode
from gateway.model.principal import ANONYMOUS, Principal, PrincipalType
from gateway.policy import PolicyRevision
from gateway.policy.engine.roles import USER_PREFIX
from gateway.policy.reading.population import (
    Known,
    Population,
    SubjectKind,
    verdict_of,
)

TOKEN = "TOKEN"  # noqa: S105 - a kind of subject
"""The kind of a subject that the record knows: a caller with the roles of the token."""


def could(
    revision: PolicyRevision,
    workspace: str,
    contract: OperationContract,
    tokens: Iterable[Token],
    subject: str | None,
    requester_role: str = "",
) -> Iterator[JsonObject]:
    """One row for each subject and way in: types, roles and users that policy knows, then the
    callers of the record with the roles of their tokens.

    For one ``subject`` alone the rows are those of this user and of their tokens, denials too.
    ``requester_role`` is what whoever has an action run must hold; of a token it is known whether
    it has that.
    """
    population = Population(revision, workspace)
    if subject is None:
        known: Iterable[Known] = population.subjects
    else:
        known = [Known(SubjectKind.USER, USER_PREFIX + subject)]
    denials = subject is not None
    for one in known:
        yield from _known_rows(population, one, contract, denials=denials)
    for token in tokens:
        if subject in (None, token.subject):
            own = population.revision
            principal = principal_of(token, workspace)
            if principal is not None:
                yield from _token_rows(own, principal, contract, requester_role, denials=denials)


def _known_rows(
    population: Population, known: Known, contract: OperationContract, *, denials: bool
) -> Iterator[JsonObject]:
    made: dict[Any, JsonObject] = {}
    for decided, types in population.access(known, contract):
        if not decided.allowed and not denials:
            continue
        held = population.role_of(known, decided)
        for kind in types:
            verdict = population.verdict(known, kind, contract, None) if decided.allowed else None
            row = {
                "subject": known.name,
                "kind": known.kind.value.upper(),
                "types": [],
                "roles": [],
                **_decision(population.revision.revision, decided, verdict),
                **({"role": held.role, "path": list(held.path)} if held else {}),
            }
            _join(made, row, kind)
    yield from made.values()


def _token_rows(
    revision: PolicyRevision,
    principal: Principal,
    contract: OperationContract,
    requester_role: str,
    *,
    denials: bool,
) -> Iterator[JsonObject]:
    decided = revision.access(principal, contract)
    if not decided.allowed and not denials:
        return
    asked = (revision, principal, contract, None, requester_role)
    verdict = verdict_of(*asked) if decided.allowed else None
    yield {
        "subject": USER_PREFIX + principal.subject,
        "kind": TOKEN,
        "types": [principal.type.value.upper()],
        "roles": sorted(principal.roles),
        **_decision(revision.revision, decided, verdict),
    }


def principal_of(token: Token, workspace: str) -> Principal | None:
    """The caller as the record knows them; None where it does not say enough."""
    try:
        kind = PrincipalType(token.type)
        roles = frozenset(_names(token.roles))
        held = token.capabilities
        capabilities = None if held is None else frozenset(_names(held))
        subject = str(token.subject)
    except (ValueError, TypeError):
        return None
    if kind is PrincipalType.ANONYMOUS:
        return ANONYMOUS
    return Principal(kind, subject, workspace, roles, capabilities)


def _names(text: str) -> list[str]:
    found: JsonValue = decode(text)
    if not isinstance(found, list):
        raise TypeError("it is no list")
    return [str(name) for name in found]


def _decision(
    revision: str, decided: AccessDecision, verdict: VerdictDecision | None
) -> JsonObject:
    told: JsonObject = {
        "policyVersion": revision,
        "effect": "ALLOW" if decided.allowed else "DENY",
        "reason": decided.reason,
    }
    if decided.rule is not None:
        told["rule"] = rule_json(decided.rule)
    if verdict is not None:
        told["verdict"] = verdict.verdict.value.upper()
        if verdict.verdict is Verdict.ASSIST:
            told |= {"approverRole": verdict.approver_role, "quorum": verdict.quorum}
    return told


def rule_json(rule: Rule) -> JsonObject:
    """A rule with its place."""
    return {"at": rule.ref, "text": rule.text}


def _join(made: dict[Any, JsonObject], row: JsonObject, kind: PrincipalType) -> None:
    """One row for all types that are decided alike."""
    rule = row.get("rule") or {}
    told = ("effect", "reason", "verdict", "approverRole", "quorum", "role")
    key = (rule.get("at"), *(row.get(name) for name in told))
    made.setdefault(key, row)["types"].append(kind.value.upper())
