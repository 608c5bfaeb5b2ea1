"""Generated policies and requests: models whose matchers are written in every accepted way, rules,
role graphs, conditions, and who asks what of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from hypothesis import strategies as st

from gateway.contracts import Registry
from gateway.model.contract import AuthLevel, ContractPolicy, Kind, Meta, OperationContract, Risk
from gateway.model.decision import Treatment
from gateway.model.json import JsonObject
from gateway.model.pii import PiiClass
from gateway.model.principal import ANONYMOUS, Principal, PrincipalType
from gateway.model.types import parse_type
from gateway.policy import PolicyContent, PolicyRevision, build_revision
from gateway.policy.rules.models import ACCESS, PII, VERDICT, ModelSpec

WHERE = Path("policies")

WORKSPACES = ("acme", "other")
ROLES = ("admin", "user", "clerk", "lead", "anonymous")
USERS = ("user:alice", "user:admin")
SELECTORS = ("*", "a.one", "a.two@1.0.0", "a.two", "a.*", "auth:admin", "tag:money", "kind:query")
WAITING = ("b.gone", "b.gone?", "a.later?")
CONDITIONS = ("true", "a > 1", "a > 3", "b == 'x'", "a > 1 && b == 'x'", "has(a) || b == 'y'", "c")


def contract(key: str, auth: AuthLevel, risk: Risk, tags: tuple[str, ...]) -> OperationContract:
    """A contract; only what selectors and rules ask of it matters."""
    kind = Kind.QUERY if risk is Risk.LOW else Kind.COMMAND
    meta = Meta(key, "1.0.0", "A title", "A text", "a", tags=tags)
    given = {
        name: parse_type(text)
        for name, text in {"a": "Int", "b": "String", "c": "Boolean", "name": "String"}.items()
    }
    answered = {"mail": parse_type("EmailAddress")}
    both = frozenset({PiiClass.CONTACT, PiiClass.FINANCIAL})
    classes = {"name": both, "mail": frozenset({PiiClass.CONTACT})}
    policy = ContractPolicy(auth, tuple(classes), pii_classes=classes)
    return OperationContract(meta, kind, given, answered, policy, "0" * 64, risk=risk)


CONTRACTS = (
    contract("a.one", AuthLevel.USER, Risk.LOW, ("money",)),
    contract("a.two", AuthLevel.ADMIN, Risk.HIGH, ()),
)
REGISTRY = Registry(CONTRACTS)

# The parts of matchers, each in several forms. The last of each are such that an index cannot
# answer them, ask for less than it finds, fail, or are no truth value.
_DOMAIN = (
    "domain(r.dom, p.dom)",
    '(p.dom == "*" || r.dom == p.dom)',
    '(r.dom == p.dom || "*" == p.dom)',
    '(domain(r.dom, p.dom) || p.dom == "other")',
    "r.dom == p.dom",
    "domain(p.dom, r.dom)",
    "domain(r.dom, p.dom, p.dom)",
)
_PLAYS = (
    "plays(r.sub, p.sub)",
    '(plays(r.sub, p.sub) || p.sub == "*")',
    '("*" == p.sub || plays(r.sub, p.sub))',
    '(plays(r.sub, "clerk") || plays(r.sub, p.sub))',
    'p.sub != "user"',
    "plays(p.sub, r.sub)",
)
_ROLE = (
    "g(r.sub, p.sub, r.dom)",
    '(g(r.sub, p.sub, r.dom) || p.sub == "*")',
    '(g(r.sub, p.sub, r.dom) || g("lead", p.sub, r.dom))',
    'p.sub == "*"',
)
_SELECTS = ("selects(r.obj, p.obj)",)
_HOLDS = "holds(p.when, r.args)"


def _same(column: str) -> tuple[str, ...]:
    wildcard = f'p.{column} == "*"'
    return (
        f"({wildcard} || r.{column} == p.{column})",
        f"(p.{column} == r.{column} || {wildcard})",
        f"r.{column} == p.{column}",
        f"(r.{column} != p.{column} || {wildcard} || r.{column} == p.{column})",
    )


_FORMS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "access": (_ROLE, _DOMAIN, _SELECTS, _same("act")),
    "verdict": (_PLAYS, _DOMAIN, _SELECTS, _same("risk")),
    "pii": (_PLAYS, _DOMAIN, _SELECTS, _same("type"), ("covers(r.field, p.field)",)),
}
_MORE: Mapping[str, tuple[str, ...]] = {
    "access": ('(r.dom != "other" || p.eft == "deny")', 'selects(r.obj, "b")', "p.eft", "1.0"),
    "verdict": ('(p.risk != "low" || holds(p.when, r.args))', 'r.dom != "acme"', "p.when"),
    "pii": ('(r.type != "agent" || p.treatment != "raw")', 'covers(r.field, "*.name")', '""'),
}


@st.composite
def matchers(draw: st.DrawFn, spec: ModelSpec) -> str:
    """A matcher that linting accepts; mostly the ordinary forms."""
    forms = _FORMS[spec.name]
    plain = draw(st.integers(0, 2)) > 0
    parts = [form[0] if plain else draw(st.sampled_from(form)) for form in forms]
    if not plain:
        parts += draw(st.lists(st.sampled_from(_MORE[spec.name]), max_size=1))
    parts = list(draw(st.permutations(parts)))
    if draw(st.booleans()) and len(parts) > 2 and "selects(r.obj, p.obj)" not in parts[:2]:
        parts[:2] = [f"({parts[0]} && {parts[1]})"]
    return " && ".join([*parts, _HOLDS] if spec is VERDICT else parts)


def model(spec: ModelSpec, matcher: str) -> str:
    """The text of a model file."""
    roles = "\n[role_definition]\ng = _, _, _\n" if spec.roles else ""
    return (
        f"[request_definition]\nr = {', '.join(spec.request)}\n"
        f"[policy_definition]\np = {', '.join(spec.columns)}\n{roles}"
        f"[policy_effect]\ne = {spec.effect}\n[matchers]\nm = {matcher}\n"
    )


subjects = st.sampled_from((*ROLES, *USERS, "type:agent", "*"))
workspaces = st.sampled_from(("*", *WORKSPACES))
selectors = st.sampled_from((*SELECTORS, *SELECTORS, *WAITING))
priorities = st.integers(0, 3).map(str)


def _row(*columns: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(*columns).map(lambda values: ", ".join(("p", *values)))


_FIELDS = ("*", "output.*", "input.name", "class:contact", "class:financial", "class:health")
_TERMS = ("autonomous, -, -, -, -", "assist, boss, 2, 1h, -", "blocked, -, -, -, -")
rule_rows: Mapping[str, st.SearchStrategy[str]] = {
    "access": _row(
        *(subjects, workspaces, selectors),
        *(st.sampled_from(("call", "*")), st.sampled_from(("allow", "allow", "deny"))),
    ),
    "verdict": _row(
        *(priorities, subjects, workspaces, selectors, st.sampled_from(("*", "low", "high"))),
        *(st.sampled_from(CONDITIONS), st.sampled_from(_TERMS)),
    ),
    "pii": _row(
        *(priorities, subjects, st.sampled_from(("*", "human", "agent")), workspaces, selectors),
        *(st.sampled_from(_FIELDS), st.sampled_from(tuple(Treatment))),
    ),
}
assignments = (
    st.tuples(st.sampled_from((*ROLES[:-1], *USERS)), st.sampled_from(ROLES), workspaces)
    .filter(lambda link: link[0] != link[1])
    .map(lambda link: ", ".join(("g", *link)))
)


def _decides(spec: ModelSpec, row: str) -> tuple[str, ...]:
    """What of a row decides whether it applies."""
    values = dict(zip(spec.columns, row.split(", ")[1:], strict=True))
    return tuple(values[name] for name in spec.matched_on)


def rules(spec: ModelSpec, max_size: int = 9) -> st.SearchStrategy[list[str]]:
    """Rows of which no two say the same."""
    return st.lists(
        rule_rows[spec.name],
        min_size=1,
        max_size=max_size,
        unique_by=lambda row: _decides(spec, row),
    )


@st.composite
def contents(draw: st.DrawFn) -> PolicyContent:
    """The files of a revision."""
    files = {}
    for spec in (ACCESS, VERDICT, PII):
        files[spec.model_file] = model(spec, draw(matchers(spec)))
        rows = draw(rules(spec))
        if spec.roles:
            rows = draw(st.permutations([*rows, *draw(st.lists(assignments, unique=True))]))
        files[spec.rule_file] = "\n".join(rows) + "\n"
    return PolicyContent(files)


with_token = st.builds(
    Principal,
    st.sampled_from((PrincipalType.HUMAN, PrincipalType.AGENT)),
    st.sampled_from(("alice", "admin", "stranger")),
    st.sampled_from((*WORKSPACES, "third")),
    st.frozensets(st.sampled_from((*ROLES, "unknown")), max_size=2),
)
principals = st.just(ANONYMOUS) | with_token
arguments = st.fixed_dictionaries(
    {"a": st.integers(0, 5) | st.none(), "b": st.sampled_from(("x", "y", 1)), "c": st.booleans()}
)


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a principal: its arguments, of which some are not known yet."""

    principal: Principal
    arguments: JsonObject
    unknown: frozenset[str]


calls = st.lists(
    st.builds(Call, principals, arguments, st.frozensets(st.sampled_from(("a", "b")), max_size=1)),
    min_size=3,
    max_size=6,
)


def built(content: PolicyContent) -> PolicyRevision:
    """The revision of a content."""
    return build_revision(content, REGISTRY, WHERE)


def decisions(revision: PolicyRevision, asked: list[Call]) -> Iterator[tuple[str, object]]:
    """Every decision about some calls with what explains it, without ids: eleven for each call."""
    for call in asked:
        for one in CONTRACTS:
            who = f"{call.principal.subject} in {call.principal.workspace}, {one.key}"
            access = revision.access(call.principal, one).to_json()
            assert revision.allows(call.principal, one) is (access["effect"] == "allow")
            yield f"access of {who}", access | {"decisionId": ""}
            verdict = revision.verdict(call.principal, one, call.arguments, call.unknown).to_json()
            yield f"verdict on {who}", verdict | {"decisionId": ""}
            for name in ("input.name", "output.mail", "output.gone"):
                yield f"{name} for {who}", revision.treatment(call.principal, one.ref, name)
        yield "roles", revision.roles(call.principal)
