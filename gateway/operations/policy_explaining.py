"""policy.decision.explain: everything for auditors, and to others whether they may call at all."""

import asyncio
from dataclasses import dataclass

from msgspec.structs import replace

from gateway.contracts import Registry
from gateway.model.contract import OperationContract
from gateway.model.decision import VerdictDecision
from gateway.model.json import JsonObject
from gateway.model.principal import ANONYMOUS, Principal, PrincipalType
from gateway.model.problem import ProblemError, refuse
from gateway.operations.common import present, upper
from gateway.operations.policy_asked import Asked, PolicyReader, may_audit, workspace_for
from gateway.operations.policy_views import (
    held_role,
    names,
    principal_type,
    role_names,
)
from gateway.pipeline import Admitted, Query
from gateway.policy.explaining.explain import explain
from gateway.policy.explaining.explanation import (
    Bounds,
    Explanation,
    Gap,
    Match,
    Nearest,
    Need,
    Way,
)
from gateway.policy.explaining.request import Request
from gateway.policy.reading.permissions import effective_roles
from gateway.runtime.requester import REQUESTER_ROLE

_SUBJECT = "/input/subject"
_FOR_AUDITORS = ("arguments", "unknown", "revision", "changesetId")
"""Members of the input that only auditors may give."""


@dataclass(frozen=True, slots=True)
class PolicyExplainer:
    """Answers what policy would decide, and why."""

    reader: PolicyReader

    def query(self) -> Query:
        """The handler of the contract."""
        return Query(lambda admitted, _: admitted.prepared, self._prepare)

    async def _prepare(self, admitted: Admitted) -> JsonObject:
        await self.reader.loop.policies.settle()
        if may_audit(self.reader.loop, admitted.principal):
            asked = await self.reader.asked(admitted)
            return await asyncio.to_thread(_explained, asked)
        return await self._told(admitted)

    async def _told(self, admitted: Admitted) -> JsonObject:
        """Whether the caller may call it, in the sentence that the call would answer with.

        A verdict is not told: it hangs on arguments, and whoever may try any number of them,
        without a call that leaves a record, finds every threshold.

        Raises:
            ProblemError: FORBIDDEN for questions that only auditors may ask.
        """
        value = admitted.value
        if any(value.get(name) is not None for name in _FOR_AUDITORS):
            raise _for_auditors("about arguments, revisions and changesets")
        principal = self._own(admitted)
        revision = self.reader.loop.policies.current
        offered = revision.registry.of(admitted.principal.workspace)
        contract = _contract(offered, value["contract"])
        access = revision.access(principal, contract)
        decision = "ALLOW" if access.allowed else "DENY"
        return _answer(revision.revision, decision, None, [access.reason])

    def _own(self, admitted: Admitted) -> Principal:
        """The caller, who may name nobody else, and no other rights: leaving some out would tell
        which of them a rule speaks of."""
        caller, named = admitted.principal, admitted.value.get("subject")
        if named is None:
            return caller
        roles = role_names(named, _SUBJECT) if named.get("roles") is not None else caller.roles
        granted = names(named, "capabilities", _SUBJECT)
        is_caller = (
            (principal_type(named["type"]), named["id"]) == (caller.type, caller.subject)
            and named.get("workspace") in (None, caller.workspace)
            and roles in (caller.roles, self.reader.loop.policies.roles(caller))
            and granted in (None, caller.capabilities)
        )
        if not is_caller:
            raise _for_auditors("about others, and about other rights than they have")
        return caller


def _for_auditors(what: str) -> ProblemError:
    told = f"Only those who may read the rules may ask {what}. Ask about yourself, as you are."
    return refuse("FORBIDDEN", told)


def _explained(asked: Asked) -> JsonObject:
    value = asked.value
    caller, named = asked.admitted.principal, value.get("subject")
    workspace = workspace_for(asked.scope, named.get("workspace") if named else None)
    principal = caller if named is None else _principal(named, caller, workspace)
    contract = _contract(asked.revision.registry.of(workspace), value["contract"])
    unknown = names(value, "unknown", "/input")
    arguments = value.get("arguments")
    if arguments is None and unknown is None:
        unknown = frozenset(contract.input)  # nothing is said of them, so none is known
    given = (arguments or {}, unknown or frozenset())
    request = Request(asked.revision, principal, contract, *given, REQUESTER_ROLE)
    found = explain(request, asked.visible)
    decision = "ALLOW" if found.access.allowed else "DENY"
    reasons = [found.access.reason, *(found.verdict.reasons if found.verdict else ())]
    told = _answer(asked.revision.revision, decision, found.verdict, reasons)
    held = [held_role(one) for one in effective_roles(asked.revision, principal)]
    return {**told, "roles": held, **_why(found, asked.revision.revision)}


def _principal(named: JsonObject, caller: Principal, workspace: str) -> Principal:
    """Who is asked about. Whoever asks about themselves without naming roles keeps their own."""
    kind = principal_type(named["type"])
    if kind is PrincipalType.ANONYMOUS:
        return ANONYMOUS
    roles = role_names(named, _SUBJECT)
    capabilities = names(named, "capabilities", _SUBJECT)
    if (kind, named["id"], workspace) == (caller.type, caller.subject, caller.workspace):
        own = caller if named.get("roles") is None else replace(caller, roles=roles)
        return own if capabilities is None else replace(own, capabilities=capabilities)
    return Principal(kind, named["id"], workspace, roles, capabilities)


def _contract(offered: Registry, name: str) -> OperationContract:
    found = offered.resolve(name)
    if found is None:
        raise refuse("NOT_FOUND", "There is no such contract in your workspace.")
    return found


def _answer(
    revision: str, decision: str, verdict: VerdictDecision | None, reasons: list[str]
) -> JsonObject:
    """An answer with nothing of the rules in it."""
    return present(
        {
            "decision": decision,
            "verdict": upper(verdict.verdict.value) if verdict else None,
            "reasons": reasons,
            "roles": [],
            "treatments": [],
            "matchedRules": [],
            "matchedAll": True,
            "nearest": [],
            "required": [],
            "policyVersion": revision,
        }
    )


def _why(found: Explanation, revision: str) -> JsonObject:
    return {
        "treatments": [
            {"field": name, "treatment": upper(treatment.value)}
            for name, treatment in found.treatments.items()
        ],
        "matchedRules": [_match(one, revision) for one in found.matched],
        "matchedAll": found.is_whole,
        "nearest": [_nearest(one, revision) for one in found.nearest],
        "required": [_way(one) for one in found.required],
    }


def _rule(one: Match | Nearest, revision: str) -> JsonObject:
    return {
        "model": upper(one.model),
        "file": one.rule.file,
        "line": one.rule.line,
        "text": one.rule.text,
        "revision": revision,
        "effect": one.effect,
    }


def _match(one: Match, revision: str) -> JsonObject:
    told = {**_rule(one, revision), "decides": one.decides}
    return {**told, "field": one.field} if one.field else told


def _nearest(one: Nearest, revision: str) -> JsonObject:
    return {**_rule(one, revision), "gaps": [_gap(gap) for gap in one.gaps]}


def _gap(gap: Gap) -> JsonObject:
    return present(
        {
            "kind": upper(gap.kind.value),
            "wanted": gap.wanted,
            "message": gap.message,
            "arguments": list(gap.arguments),
            "given": dict(gap.given) if gap.given else None,
        }
    )


def _way(way: Way) -> JsonObject:
    needs = [_need(need) for need in way.needs]
    return present({"model": upper(way.model), "outcome": way.outcome or None, "needs": needs})


def _need(need: Need) -> JsonObject:
    return present(
        {
            "kind": upper(need.kind.value),
            "message": need.message,
            "name": need.name or None,
            "quorum": need.quorum,
            "bounds": _bounds(need.bounds) if need.bounds else None,
        }
    )


def _bounds(bounds: Bounds) -> JsonObject:
    return present(
        {
            "atLeast": bounds.at_least,
            "above": bounds.above,
            "atMost": bounds.at_most,
            "below": bounds.below,
        }
    )
