"""Other engines behind one function each: the same rules in their own form, one decision a call.

Each is given its best: models without unused functions, rules loaded at once, policies and data
parsed beforehand and kept, so that a decision pays for nothing but itself.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable

import cedarpy
from casbin import Enforcer, FastEnforcer
from casbin.model import FastModel, Model
from casbin.persist import Adapter
from regopy import Interpreter

from tests.bench.policy_rules import AccessRule, Assignment, Request, RuleSet

Decide = Callable[[Request], bool]

_CASBIN = """
[request_definition]
r = sub, dom, obj, act

[policy_definition]
p = sub, dom, obj, act, eft

[role_definition]
g = _, _, _

[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))

[matchers]
m = r.dom == p.dom && r.obj == p.obj && r.act == p.act && g(r.sub, p.sub, r.dom)
"""

_CEDAR_SETS = """
permit(principal, action == Action::"call", resource) when { principal in resource.allowed };
forbid(principal, action == Action::"call", resource) when { principal in resource.denied };
"""

_REGO = """package access

roles := data.holds[input.workspace][input.user]

rules := data.rules[input.workspace][input.contract]

default allow := false

allow if {
    some role in roles
    rules[role] == "allow"
    not denied
}

denied if {
    some role in roles
    rules[role] == "deny"
}
"""


def casbin_enforcer(rules: RuleSet) -> Decide:
    """Casbin's ``Enforcer``."""
    model = Model()
    model.load_model_from_text(_CASBIN)
    return _asking(Enforcer(model, _Rows(rules.rules, rules.assignments)))


def casbin_fast_enforcer(rules: RuleSet) -> Decide:
    """Casbin's ``FastEnforcer``, which looks rules up by workspace and contract."""
    order = [1, 2]
    model = FastModel(order)
    model.load_model_from_text(_CASBIN)
    rows = _Rows(rules.rules, rules.assignments)
    return _asking(FastEnforcer(model, rows, cache_key_order=order))


def casbin_of_assignments(assignments: Iterable[Assignment]) -> Decide:
    """An ``Enforcer`` with one rule and these assignments."""
    model = Model()
    model.load_model_from_text(_CASBIN)
    rule = AccessRule("w0", "bench.contract0.call", "role0", deny=False)
    return _asking(Enforcer(model, _Rows((rule,), assignments)))


def cedar_sets(rules: RuleSet) -> Decide:
    """Two policies that ask sets of roles on the contract; the asked entities are all that is sent.

    Cedar is given the user with its roles and the contract with its sets, ready as text: what a
    service that keeps them would send. A handle with all entities parsed is the other way.
    """
    policies = cedarpy.PolicySet.from_str(_CEDAR_SETS)
    users, contracts = _cedar_users(rules), _cedar_contracts(rules)

    def decide(request: Request) -> bool:
        user = users[request.workspace, request.user]
        contract = contracts[request.workspace, request.contract]
        return _cedar(request, policies, f"[{user},{contract}]")

    return decide


def cedar_sets_parsed(rules: RuleSet) -> Decide:
    """The same two policies over a handle in which every entity is parsed beforehand."""
    policies = cedarpy.PolicySet.from_str(_CEDAR_SETS)
    known = [*_cedar_users(rules).values(), *_cedar_contracts(rules).values()]
    entities = cedarpy.Entities.from_json_str(f"[{','.join(known)}]")
    return lambda request: _cedar(request, policies, entities)


def cedar_permits(rules: RuleSet) -> Decide:
    """One permit (or forbid) for each rule."""
    policies = cedarpy.PolicySet.from_str("\n".join(map(_cedar_policy, rules.rules)))
    users = _cedar_users(rules)

    def decide(request: Request) -> bool:
        user = users[request.workspace, request.user]
        return _cedar(request, policies, f"[{user}]")

    return decide


def rego(rules: RuleSet) -> Decide:
    """Rego over documents that are nested by workspace, contract and role."""
    holds: dict[str, dict[str, list[str]]] = defaultdict(dict)
    for (workspace, user), roles in _roles_of_users(rules).items():
        holds[workspace][user] = roles
    told: dict[str, dict[str, dict[str, str]]] = defaultdict(lambda: defaultdict(dict))
    for rule in rules.rules:
        told[rule.workspace][rule.contract][rule.role] = "deny" if rule.deny else "allow"
    interpreter = Interpreter()
    interpreter.add_module("access", _REGO)
    interpreter.add_data({"holds": holds, "rules": told})
    bundle = interpreter.build("data.access.allow", ["access/allow"])

    def decide(request: Request) -> bool:
        interpreter.set_input(
            {"user": request.user, "workspace": request.workspace, "contract": request.contract}
        )
        output = interpreter.query_bundle_entrypoint(bundle, "access/allow")
        return bool(output.results[0].expressions[0])

    return decide


def _asking(enforcer: Enforcer) -> Decide:
    def decide(request: Request) -> bool:
        return bool(
            enforcer.enforce(f"user:{request.user}", request.workspace, request.contract, "call")
        )

    return decide


class _Rows(Adapter):
    """Hands all rows to Casbin at once; adding them one by one is quadratic."""

    def __init__(self, rules: Iterable[AccessRule], assignments: Iterable[Assignment]) -> None:
        self._rules, self._assignments = rules, assignments

    def load_policy(self, model: Model) -> None:
        policy = model["p"]["p"].policy
        for rule in self._rules:
            effect = "deny" if rule.deny else "allow"
            policy.append([rule.role, rule.workspace, rule.contract, "call", effect])
        links = model["g"]["g"].policy
        for one in self._assignments:
            links.append([_holder(one), one.role, one.workspace])


def _holder(assignment: Assignment) -> str:
    return assignment.holder if assignment.of_role else f"user:{assignment.holder}"


def _roles_of_users(rules: RuleSet) -> dict[tuple[str, str], list[str]]:
    """Each user's roles by workspace and name, closed under inheritance."""
    above = {(one.workspace, one.holder): one.role for one in rules.assignments if one.of_role}
    found: dict[tuple[str, str], list[str]] = {}
    for one in rules.assignments:
        if not one.of_role:
            roles = [one.role]
            while (one.workspace, roles[-1]) in above:
                roles.append(above[one.workspace, roles[-1]])
            found[one.workspace, one.holder] = roles
    return found


def _cedar_users(rules: RuleSet) -> dict[tuple[str, str], str]:
    """Each user as an entity whose parents are its roles."""
    return {
        (workspace, user): json.dumps(
            {
                "uid": {"type": "User", "id": f"{workspace}/{user}"},
                "attrs": {},
                "parents": [{"type": "Role", "id": f"{workspace}/{role}"} for role in roles],
            }
        )
        for (workspace, user), roles in _roles_of_users(rules).items()
    }


def _cedar_contracts(rules: RuleSet) -> dict[tuple[str, str], str]:
    """Each contract of a workspace as an entity with the sets of its rules."""
    sets: dict[tuple[str, str], dict[str, list[object]]] = {}
    for rule in rules.rules:
        found = sets.setdefault((rule.workspace, rule.contract), {"allowed": [], "denied": []})
        role = {"__entity": {"type": "Role", "id": f"{rule.workspace}/{rule.role}"}}
        found["denied" if rule.deny else "allowed"].append(role)
    return {
        (workspace, contract): json.dumps(
            {
                "uid": {"type": "Contract", "id": f"{workspace}/{contract}"},
                "attrs": attributes,
                "parents": [],
            }
        )
        for (workspace, contract), attributes in sets.items()
    }


def _cedar_policy(rule: AccessRule) -> str:
    return (
        f'{"forbid" if rule.deny else "permit"}(principal in Role::"{rule.workspace}/{rule.role}",'
        f' action == Action::"call", resource == Contract::"{rule.workspace}/{rule.contract}");'
    )


def _cedar(request: Request, policies: cedarpy.PolicySet, entities: str | cedarpy.Entities) -> bool:
    asked = {
        "principal": f'User::"{request.workspace}/{request.user}"',
        "action": 'Action::"call"',
        "resource": f'Contract::"{request.workspace}/{request.contract}"',
        "context": {},
    }
    return bool(cedarpy.is_authorized(asked, policies, entities).allowed)
