"""controlPlane.grant.issue, grant.list and grant.revoke"""

from gateway.contracts import Registry
from gateway.model.contract import OperationContract
from gateway.model.grant import MAX_GRANT_DAYS, MAX_GRANT_USES, Grant, GrantFilter, GrantStatus
from gateway.model.json import JsonObject
from gateway.model.ports import Records, Tx
from gateway.model.principal import PrincipalType
from gateway.model.problem import Issue, ProblemError, invalid
from gateway.model.time import after, stamp
from gateway.operations.approvals import moment_of
from gateway.operations.common import acting, as_seen, lower, page_of, present, said, upper
from gateway.pipeline import Admitted
from gateway.runtime import GrantTerms, Loop, check_pattern

_LONGEST = MAX_GRANT_DAYS * 86_400.0


async def prepare_issue(loop: Loop, admitted: Admitted) -> GrantTerms:
    """What is to be granted, checked against the contract, before the unit of work begins.

    Raises:
        ProblemError: FORBIDDEN for who may not issue grants, VALIDATION_FAILED with every issue.
    """
    acting(admitted, "issuedBy")
    loop.grants.require_issuer(admitted.principal)
    value = admitted.value
    issues = [*_faults_of(value)]
    expires_at = _expiry(value["expiresAt"], stamp(loop.clock.now()), issues)
    offered = loop.registry.of(admitted.principal.workspace)
    contract = _contract(offered, value["contract"], issues)
    arguments = value["arguments"]
    if contract is not None:
        try:
            arguments = check_pattern(contract, arguments, "/input/arguments")
        except ProblemError as error:
            issues += error.problem.issues
    if issues or contract is None:
        raise invalid(issues)
    kind = lower(value.get("requesterType"))
    return GrantTerms(
        contract=contract,
        arguments=arguments,
        requester=value.get("requester"),
        requester_type=PrincipalType(kind) if kind else None,
        max_uses=value["maxUses"],
        expires_at=expires_at,
        reason=value["reason"],
    )


def issue(loop: Loop, admitted: Admitted, tx: Tx) -> JsonObject:
    """Record a grant."""
    terms: GrantTerms = admitted.prepared
    grant_id = loop.grants.issue(tx, admitted.principal, terms)
    return {
        "grantId": grant_id,
        "contract": terms.contract.ref,
        "maxUses": terms.max_uses,
        "expiresAt": terms.expires_at,
        "issuedAt": tx.now,
    }


def revoke(loop: Loop, admitted: Admitted, tx: Tx) -> JsonObject:
    """End a grant."""
    value = admitted.value
    acting(admitted, "revokedBy")
    loop.grants.revoke(tx, admitted.principal, value["grantId"], value.get("reason"))
    status = GrantStatus.REVOKED.value.upper()
    return {"grantId": value["grantId"], "status": status, "revokedAt": tx.now}


def list_all(loop: Loop, admitted: Admitted, records: Records) -> JsonObject:
    """Standing grants of the workspace, newest first."""
    page = page_of(admitted)
    now = stamp(loop.clock.now())
    which = GrantFilter(admitted.principal.workspace, now, admitted.value.get("active"))
    found, total = records.grants(which, page)
    return {"items": [_item(loop, admitted, grant, now) for grant in found], "total": total}


def _faults_of(value: JsonObject) -> list[Issue]:
    issues = []
    if not value.get("requester") and value.get("requesterType") is None:
        told = "must be given, or requesterType: a grant stands for somebody's runs"
        issues.append(Issue("/input/requester", "REQUIRED", told))
    if not 1 <= value["maxUses"] <= MAX_GRANT_USES:
        told = f"must be from 1 to {MAX_GRANT_USES}"
        issues.append(Issue("/input/maxUses", "OUT_OF_RANGE", told))
    if not said(value["reason"]):
        issues.append(Issue("/input/reason", "REQUIRED", "must say why the grant is given"))
    return issues


def _expiry(text: str, now: str, issues: list[Issue]) -> str:
    try:
        moment = moment_of(text, "/input/expiresAt")
    except ProblemError as error:
        issues += error.problem.issues
        return now
    if not now < moment <= after(now, _LONGEST):
        told = f"must lie in the future, at most {MAX_GRANT_DAYS} days ahead"
        issues.append(Issue("/input/expiresAt", "OUT_OF_RANGE", told))
    return moment


def _contract(offered: Registry, name: str, issues: list[Issue]) -> OperationContract | None:
    """The action of this name, among those that are ``offered`` to the workspace."""
    contract = offered.resolve(name)
    path = "/input/contract"
    if contract is None:
        told = f"is no contract that is loaded: {name[:200]!r}"
        issues.append(Issue(path, "UNKNOWN_CONTRACT", told))
    elif contract.handler is None:
        told = f"must be an action; the gateway performs {contract.ref} itself"
        issues.append(Issue(path, "NOT_PLANNABLE", told))
    elif contract.policy.escalate:
        told = f"must not ask for a human at every call, as {contract.ref} does"
        issues.append(Issue(path, "NOT_ALLOWED", told))
    else:
        return contract
    return None


def _item(loop: Loop, admitted: Admitted, grant: Grant, now: str) -> JsonObject:
    return present(
        {
            "grantId": grant.id,
            "contract": grant.contract,
            "requester": grant.requester,
            "requesterType": upper(grant.requester_type),
            "arguments": as_seen(loop, admitted, grant.arguments),
            "maxUses": grant.max_uses,
            "uses": grant.uses,
            "remaining": grant.max_uses - grant.uses,
            "status": grant.status(now).value.upper(),
            "reason": grant.reason,
            "issuedBy": grant.issuer.subject,
            "issuedAt": grant.issued_at,
            "expiresAt": grant.expires_at,
            "revokedAt": grant.revoked_at,
            "revokedBy": grant.revoked_by,
            "revokeReason": grant.revoke_reason,
        }
    )
