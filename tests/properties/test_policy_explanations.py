"""An explanation never contradicts the decision point, and what it says is needed is enough."""

from dataclasses import replace
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from gateway.contracts import Registry
from gateway.model.contract import (
    AuthLevel,
    ContractPolicy,
    Kind,
    Meta,
    OperationContract,
    PythonHandler,
    Risk,
)
from gateway.model.decision import Verdict
from gateway.model.principal import Principal, PrincipalType
from gateway.model.types import parse_type
from gateway.policy import PolicyRevision, build_revision, read_content
from gateway.policy.explaining.explain import explain
from gateway.policy.explaining.explanation import MAX_NEAREST, Need, NeedKind
from gateway.policy.explaining.request import Request
from gateway.policy.reading.population import Population, SubjectKind
from gateway.policy.reading.reverse import who_may
from gateway.policy.rules.models import ACCESS
from tests.properties.amounts import examples

FOLDER = Path(__file__).parents[2] / "policies"
SHIPPED = read_content(FOLDER)
WORKSPACES = ("acme", "other")
ROLES = ("admin", "user", "clerk", "lead", "anonymous")
SUBJECTS = ("alice", "admin")
NAMES = (*ROLES, *(f"user:{name}" for name in SUBJECTS), "type:agent", "type:human", "*")
SELECTORS = ("*", "a.one", "a.two@1.0.0", "a.*", "auth:admin", "risk:high", "capability:a.core")
CONDITIONS = (
    "true",
    "a > 1",
    "a <= 3",
    "a < 2.5 || b == 'x'",
    "has(a) && a > 4",
    "!(a > 2) && b == 'y'",
    "(a == 2)",
    "n.deep >= 10 && a != 1",
)


def contract(key: str, auth: AuthLevel, risk: Risk, capability: str) -> OperationContract:
    fields = {"a": "Int", "b": "String", "n": "JSONObject"}
    return OperationContract(
        Meta(key, "1.0.0", "A title", "A text", "a"),
        Kind.COMMAND,
        {name: parse_type(text) for name, text in fields.items()},
        {},
        ContractPolicy(auth, pii=("b",)),
        "0" * 64,
        capability=capability,
        risk=risk,
        handler=PythonHandler("a:b"),
    )


CONTRACTS = (
    contract("a.one", AuthLevel.USER, Risk.LOW, ""),
    contract("a.two", AuthLevel.ADMIN, Risk.HIGH, "a.core@1.0.0"),
)

domains = st.sampled_from(("*", *WORKSPACES))
access_rules = st.tuples(
    st.sampled_from(NAMES),
    domains,
    st.sampled_from(SELECTORS),
    st.sampled_from(("call", "*")),
    st.sampled_from(("allow", "allow", "deny")),
)
links = st.tuples(
    st.sampled_from((*ROLES[:-1], "user:alice", "user:admin")), st.sampled_from(ROLES), domains
).filter(lambda link: link[0] != link[1])
verdict_rules = st.tuples(
    st.integers(1, 4),
    st.sampled_from(NAMES),
    domains,
    st.sampled_from(SELECTORS),
    st.sampled_from(("*", "low", "high")),
    st.sampled_from(CONDITIONS),
    st.sampled_from(list(Verdict)),
)
principals = st.builds(
    Principal,
    st.sampled_from((PrincipalType.HUMAN, PrincipalType.AGENT, PrincipalType.SERVICE)),
    st.sampled_from((*SUBJECTS, "stranger")),
    st.sampled_from((*WORKSPACES, "third")),
    st.frozensets(st.sampled_from((*ROLES, "unknown")), max_size=2),
    st.none() | st.frozensets(st.sampled_from(("a.core", "b.core")), max_size=1),
)
arguments = st.fixed_dictionaries(
    {},
    optional={
        "a": st.integers(0, 6),
        "b": st.sampled_from(("x", "y", 1)),
        "n": st.just({"deep": 11}),
    },
)
policies = st.tuples(
    st.lists(access_rules, min_size=1, max_size=8, unique=True),
    st.lists(links, max_size=6, unique=True),
    st.lists(verdict_rules, min_size=1, max_size=6, unique_by=lambda rule: rule[:6]),
)
Rules = tuple[list[tuple[str, ...]], list[tuple[str, ...]], list[tuple[object, ...]]]


def load(rules: Rules) -> PolicyRevision:
    allowed, roles, verdicts = rules
    lines = [*(f"p, {', '.join(row)}" for row in allowed), *(f"g, {', '.join(g)}" for g in roles)]
    terms = {Verdict.ASSIST: "boss, 2, 1h, -"}
    decided = [
        f"p, {', '.join(map(str, row))}, {terms.get(row[6], '-, -, -, -')}"  # type: ignore[call-overload]
        for row in verdicts
    ]
    changed = {"access.csv": "\n".join(lines), "verdict.csv": "\n".join(decided)}
    return build_revision(SHIPPED.replaced(changed), Registry(CONTRACTS), FOLDER)


def amended(request: Request, needs: tuple[Need, ...]) -> Request:
    """The request with everything that is needed, made as simply as possible."""
    for need in needs:
        who = request.principal
        if need.kind is NeedKind.ROLE:
            request = replace(
                request, principal=structs.replace(who, roles=who.roles | {need.name})
            )
        elif need.kind is NeedKind.CAPABILITY:
            granted = (who.capabilities or frozenset()) | {need.name}
            request = replace(request, principal=structs.replace(who, capabilities=granted))
        elif need.kind is NeedKind.ARGUMENT:
            assert need.bounds is not None
            bounds = need.bounds
            exact = bounds.at_most if bounds.at_most is not None else bounds.at_least
            if exact is not None:
                request = request.with_argument(need.name, exact)
            elif bounds.below is not None:
                request = request.with_argument(need.name, _whole_below(need, bounds.below))
            else:
                request = request.with_argument(need.name, (bounds.above or 0) // 1 + 1)
    return request


def _whole_below(need: Need, bound: float) -> float:
    return -((-bound) // 1) - 1 if need.name == "a" else bound - 1e-9


@settings(max_examples=examples(150), deadline=None)
@given(policies, st.lists(principals, min_size=1, max_size=2), arguments, st.booleans())
def test_an_explanation_says_what_is_decided_and_what_would_change_it(
    rules: Rules, callers: list[Principal], values: dict[str, object], open_a: bool
) -> None:
    revision = load(rules)
    unknown = frozenset({"a"}) if open_a and "a" not in values else frozenset()
    for caller in callers:
        for asked in CONTRACTS:
            request = Request(revision, caller, asked, dict(values), unknown)
            found = explain(request, lambda _: True)
            access = revision.access(caller, asked)
            verdict = revision.verdict(caller, asked, dict(values), unknown)

            assert (found.access.allowed, found.access.rule) == (access.allowed, access.rule)
            assert found.verdict is not None
            assert (found.verdict.verdict, found.verdict.rules) == (verdict.verdict, verdict.rules)
            deciding = {(one.model, one.rule) for one in found.matched if one.decides}
            expected = {("verdict", rule) for rule in verdict.rules}
            expected |= {("access", access.rule)} if access.rule else set()
            assert {one for one in deciding if one[0] != "pii"} == expected
            assert found.is_whole
            assert found.treatments == {"input.b": revision.treatment(caller, asked.ref, "input.b")}
            assert bool(found.required) is not (
                access.allowed and verdict.verdict is Verdict.AUTONOMOUS
            )
            for way in found.required:
                if not way.outcome or way.needs[0].kind is NeedKind.APPROVAL:
                    continue
                after = amended(request, way.needs)
                if way.model == ACCESS.name:
                    assert after.access().allowed
                else:
                    decided = after.decided_verdict()
                    assert decided.verdict.value == way.outcome
                    assert decided.verdict.rank < verdict.verdict.rank


@settings(max_examples=examples(150), deadline=None)
@given(policies, principals)
def test_a_denial_that_one_role_would_lift_names_such_a_role(
    rules: Rules, caller: Principal
) -> None:
    revision = load(rules)
    for asked in CONTRACTS:
        request = Request(revision, structs.replace(caller, capabilities=None), asked)
        named = sorted({row["sub"] for row in revision.book.access_rows} - {*NAMES} | {*ROLES})
        enough = [role for role in named if request.with_role(role).access().allowed]
        if request.access().allowed or not enough:
            continue
        found = explain(request, lambda _: True)
        roles = [way.needs[0].name for way in found.required if way.model == ACCESS.name]
        direct = {
            row["sub"]
            for row in request.speaking(ACCESS.name)
            if row["eft"] == "allow" and row["dom"] in ("*", caller.workspace)
        }
        if direct & {*enough}:
            assert roles
            assert set(roles) <= {*enough}
            assert len(found.nearest) <= 2 * MAX_NEAREST


@settings(max_examples=examples(150), deadline=None)
@given(policies, st.sampled_from(("acme", "third")))
def test_who_may_call_equals_asking_about_everybody(rules: Rules, workspace: str) -> None:
    """Brute force over every user, role and type that the rules name, of each principal type."""
    revision = load(rules)
    population = Population(revision, workspace)
    allowed, roles, _ = rules
    users = {row[0] for row in (*allowed, *roles) if str(row[0]).startswith("user:")}
    for asked in CONTRACTS:
        listed = {
            (one.subject.name, entrance.type)
            for one in who_may(population, asked)
            for entrance in one.entrances
        }
        for kind in PrincipalType:
            principal = Principal(kind, "nobody special", "" if kind == "anonymous" else workspace)
            assert ((f"type:{kind.value}", kind) in listed) is (
                revision.access(principal, asked).allowed
            )
        known = {(one.kind, one.name) for one in population.subjects}
        for kind in (PrincipalType.HUMAN, PrincipalType.AGENT, PrincipalType.SERVICE):
            for name in users:
                user = Principal(kind, name.removeprefix("user:"), workspace)
                may = revision.access(user, asked).allowed
                if (SubjectKind.USER, name) in known or _by_itself(name, rules, workspace):
                    assert ((name, kind) in listed) is may
            for role in ROLES[:-1]:
                claimant = Principal(kind, "nobody special", workspace, frozenset({role}))
                may = revision.access(claimant, asked).allowed
                if (SubjectKind.ROLE, role) in known:
                    assert ((role, kind) in listed) is may


def _by_itself(name: str, rules: Rules, workspace: str) -> bool:
    """True if a rule or an assignment of the workspace names a user."""
    allowed, roles, _ = rules
    places = [row[1] for row in allowed if row[0] == name]
    places += [link[2] for link in roles if link[0] == name]
    return any(place in ("*", workspace) for place in places)
