"""policy.rule.list, role.list, assignment.list, permissions.get, access.search and access.review"""

import hashlib
from collections.abc import Mapping

from gateway.administration import Scopes
from gateway.contracts import Registry
from gateway.model.contract import OperationContract
from gateway.model.json import JsonObject
from gateway.model.principal import ANONYMOUS, Principal, PrincipalType
from gateway.model.problem import Issue, invalid, refuse
from gateway.operations.common import lower, page_of, present, upper
from gateway.operations.policy_asked import Asked, PolicyReader
from gateway.operations.policy_explaining import PolicyExplainer
from gateway.operations.policy_views import held_role, place, principal_type, role_names, terms
from gateway.pipeline import Bindings
from gateway.policy.engine.roles import USER_PREFIX
from gateway.policy.reading.listing import (
    RoleSummary,
    RuleFilter,
    assignments,
    roles,
    rules,
    selects,
)
from gateway.policy.reading.permissions import Permission, effective_roles, permissions
from gateway.policy.reading.population import Population, apart
from gateway.policy.reading.reverse import Allowed, Entrance, who_may
from gateway.policy.reading.review import as_csv, as_json, review
from gateway.policy.rules.rows import Row
from gateway.runtime import Loop
from gateway.runtime.requester import REQUESTER_ROLE

REVIEW_SUBJECTS = 10_000
"""How many subjects a page of an access review holds at most, and without a limit."""

_PART = 60_000
"""How many characters each part of a review has at most."""


def bind_policy_reading(loop: Loop, scopes: Scopes) -> Bindings:
    """The handlers of the contracts that read and explain the policies."""
    reader = PolicyReader(loop, scopes)
    answers = {
        "policy.rule.list@1.0.0": list_rules,
        "policy.role.list@1.0.0": list_roles,
        "policy.assignment.list@1.0.0": list_assignments,
        "policy.permissions.get@1.0.0": get_permissions,
        "policy.access.search@1.0.0": search_access,
        "policy.access.review@1.0.0": review_access,
    }
    bound: Bindings = {ref: reader.query(answer) for ref, answer in answers.items()}
    bound["policy.decision.explain@1.0.0"] = PolicyExplainer(reader).query()
    return bound


def list_rules(asked: Asked) -> JsonObject:
    """A page of the rules that the caller may read."""
    page, value = page_of(asked.admitted), asked.value
    offered = asked.revision.registry.of(asked.scope.workspace)
    named = value.get("contract")
    which = RuleFilter(
        lower(value.get("model")),
        value.get("subject"),
        _contract(offered, named) if named is not None else None,
        value.get("workspace"),
        lower(value.get("effect")),
        value.get("text"),
    )
    found = list(rules(asked.revision, which, asked.visible))
    items = [
        {
            "model": upper(model),
            "file": row.file,
            "line": row.line,
            "text": row.text,
            "columns": dict(zip(row.names, row.values, strict=True)),
            "selects": selects(asked.revision, model, row, offered.operations.values()),
        }
        for model, row in found[page.offset : page.offset + page.limit]
    ]
    return _listed(asked, items, len(found))


def list_roles(asked: Asked) -> JsonObject:
    """A page of the roles of a workspace."""
    page, name = page_of(asked.admitted), asked.value.get("role")
    found = [one for one in roles(asked.revision, asked.workspace()) if name in (None, one.role)]
    items = [_role(one) for one in found[page.offset : page.offset + page.limit]]
    return _listed(asked, items, len(found))


def _role(one: RoleSummary) -> JsonObject:
    return {
        "role": one.role,
        "inherits": list(one.inherits),
        "inheritedBy": list(one.inherited_by),
        "users": one.users,
        "rules": one.rules,
        "approves": one.approves,
    }


def list_assignments(asked: Asked) -> JsonObject:
    """A page of the assignments of a workspace; for all policies, of every workspace."""
    page, value = page_of(asked.admitted), asked.value
    everywhere = asked.scope.is_whole and value.get("workspace") is None
    workspace = None if everywhere else asked.workspace()
    found = assignments(asked.revision, workspace, value.get("subject"), value.get("role"))
    items = [_assignment(row) for row in found[page.offset : page.offset + page.limit]]
    return _listed(asked, items, len(found))


def _assignment(row: Row) -> JsonObject:
    told: JsonObject = {name: row[name] for name in ("subject", "role", "workspace")}
    kind = "USER" if row["subject"].startswith(USER_PREFIX) else "ROLE"
    return {**told, "kind": kind, "file": row.file, "line": row.line, "text": row.text}


def get_permissions(asked: Asked) -> JsonObject:
    """A page of what one subject may do, and its roles."""
    page, value = page_of(asked.admitted), asked.value
    principal = _subject(asked)
    offered = asked.revision.registry.of(asked.workspace()).operations
    wanted = value.get("allowed")
    found = [
        one
        for one in permissions(apart(asked.revision), principal, offered.values(), REQUESTER_ROLE)
        if wanted in (None, one.access.allowed)
    ]
    items = [_permission(one) for one in found[page.offset : page.offset + page.limit]]
    held = [held_role(one) for one in effective_roles(asked.revision, principal)]
    return {"roles": held, **_listed(asked, items, len(found))}


def _subject(asked: Asked) -> Principal:
    value, workspace = asked.value, asked.workspace()
    kind = principal_type(value.get("type"))
    claims = role_names(value, "/input")
    if kind is PrincipalType.ANONYMOUS:
        return ANONYMOUS
    return Principal(kind, value["subject"], workspace, claims)


def _permission(one: Permission) -> JsonObject:
    return present(
        {
            "contract": one.contract.ref,
            "allowed": one.access.allowed,
            "reason": one.access.reason,
            "rule": place(one.access.rule),
            "verdict": upper(one.verdict.verdict.value) if one.verdict else None,
            "hangsOn": [
                {"when": each.when, "verdict": upper(each.verdict), "rule": place(each.rule)}
                for each in one.hangs
            ],
        }
    )


def search_access(asked: Asked) -> JsonObject:
    """A page of the subjects that may call a contract."""
    page, value = page_of(asked.admitted), asked.value
    workspace, kind = asked.workspace(), lower(value.get("kind"))
    contract = _contract(asked.revision.registry.of(workspace), value["contract"])
    population = Population(asked.revision, workspace)
    found = list(who_may(population, contract))
    types = {one.subject.types[0] for one in found if one.subject.kind == "type"}
    shown = [one for one in found if kind in (None, one.subject.kind)]
    items = [
        _access(population, contract, one, value.get("arguments"))
        for one in shown[page.offset : page.offset + page.limit]
    ]
    everybody = len(types) == len(PrincipalType)
    told: JsonObject = {"contract": contract.ref, "everybody": everybody}
    return {**told, **_listed(asked, items, len(shown))}


def _access(
    population: Population,
    contract: OperationContract,
    one: Allowed,
    arguments: JsonObject | None,
) -> JsonObject:
    def shown(way: Entrance) -> JsonObject:
        return present(
            {
                "type": upper(way.type.value),
                "rule": place(way.rule),
                "role": way.role.role if way.role else None,
                "path": list(way.role.path) if way.role else [],
                **terms(population.verdict(one.subject, way.type, contract, arguments)),
            }
        )

    return {
        "subject": one.subject.name,
        "kind": upper(one.subject.kind.value),
        "entrances": [shown(way) for way in one.entrances],
    }


def review_access(asked: Asked) -> JsonObject:
    """A page of the access review of a workspace, as one text in parts."""
    offset, limit = _window(asked.value)
    workspace = asked.workspace()
    contracts = list(asked.revision.registry.of(workspace).operations.values())
    page = review(Population(asked.revision, workspace), contracts, offset, limit)
    shape = asked.value.get("format") or "CSV"
    text = as_csv(page) if shape == "CSV" else as_json(page)
    return present(
        {
            "format": shape,
            "parts": [text[at : at + _PART] for at in range(0, len(text), _PART)],
            "digest": f"sha256:{hashlib.sha256(text.encode()).hexdigest()}",
            "rows": len(page.rows),
            "subjects": page.total,
            "next": page.end if page.end < page.total else None,
            "policyVersion": asked.revision.revision,
        }
    )


def _window(value: Mapping[str, int | None]) -> tuple[int, int]:
    limit, offset = value.get("limit"), value.get("offset") or 0
    limit = REVIEW_SUBJECTS if limit is None else limit
    issues = []
    if not 1 <= limit <= REVIEW_SUBJECTS:
        told = f"Ask for 1 to {REVIEW_SUBJECTS} subjects at a time."
        issues.append(Issue("/input/limit", "OUT_OF_RANGE", told))
    if offset < 0:
        issues.append(Issue("/input/offset", "OUT_OF_RANGE", "The offset is 0 or more."))
    if issues:
        raise invalid(issues)
    return offset, limit


def _contract(offered: Registry, name: str) -> OperationContract:
    found = offered.resolve(name)
    if found is None:
        raise refuse("NOT_FOUND", "There is no such contract in your workspace.")
    return found


def _listed(asked: Asked, items: list[JsonObject], total: int) -> JsonObject:
    return {"items": items, "total": total, "policyVersion": asked.revision.revision}
