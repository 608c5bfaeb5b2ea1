"""Access decisions equal those of a stock Casbin enforcer, over any rules, roles and requests.

The stock enforcer has its own role manager and its own adapter. What a principal is by itself
(everybody, its type, its claims, anonymous) is given to it as role assignments.
"""

import shutil
import tempfile
from pathlib import Path

import casbin
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.contracts import Registry
from gateway.model.contract import AuthLevel, ContractPolicy, Kind, Meta, OperationContract, Risk
from gateway.model.decision import Verdict
from gateway.model.principal import Principal, PrincipalType
from gateway.policy import Policies, load_policies
from gateway.policy.engine.matcher import matcher_functions
from gateway.policy.engine.roles import RoleGraph
from gateway.policy.rules.selectors import parse_selector

SHIPPED = Path(__file__).parents[2] / "policies"

WORKSPACES = ("acme", "other")
ROLES = ("admin", "user", "clerk", "lead", "anonymous")
SUBJECTS = ("alice", "admin")
SELECTORS = (
    "*",
    "a.one",
    "a.two@1.0.0",
    "a.*",
    "auth:admin",
    "tag:money",
    "risk:high",
    "kind:query",
)


def contract(key: str, auth: AuthLevel, risk: Risk, tags: tuple[str, ...]) -> OperationContract:
    kind = Kind.QUERY if risk is Risk.LOW else Kind.COMMAND
    meta = Meta(key, "1.0.0", "A title", "A text", "a", tags=tags)
    return OperationContract(meta, kind, {}, {}, ContractPolicy(auth), "0" * 64, risk=risk)


CONTRACTS = (
    contract("a.one", AuthLevel.USER, Risk.LOW, ("money",)),
    contract("a.two", AuthLevel.ADMIN, Risk.HIGH, ()),
)

domains = st.sampled_from(("*", *WORKSPACES))
users = tuple(f"user:{subject}" for subject in SUBJECTS)
rules = st.tuples(
    st.sampled_from((*ROLES, *users, "type:agent", "*")),
    domains,
    st.sampled_from(SELECTORS),
    st.sampled_from(("call", "*")),
    st.sampled_from(("allow", "allow", "deny")),
)
links = st.tuples(st.sampled_from((*ROLES[:-1], *users)), st.sampled_from(ROLES), domains).filter(
    lambda link: link[0] != link[1]
)
principals = st.builds(
    Principal,
    st.sampled_from((PrincipalType.HUMAN, PrincipalType.AGENT)),
    st.sampled_from((*SUBJECTS, "stranger")),
    st.sampled_from((*WORKSPACES, "third")),
    st.frozensets(st.sampled_from((*ROLES, "unknown")), max_size=2),
)


def load(**files: str) -> Policies:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "policies"
        shutil.copytree(SHIPPED, folder)
        for file, text in files.items():
            (folder / file.replace("_", ".")).write_text(text, encoding="utf-8")
        return load_policies(folder, Registry(CONTRACTS))


def stock(rows: str, principal: Principal) -> casbin.Enforcer:
    user = f"user:{principal.subject}"
    held = {*principal.roles, "anonymous", "*", f"type:{principal.type.value}"}
    facts = "".join(f"\ng, {user}, {role}, *" for role in sorted(held))
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "rules.csv"
        path.write_text(rows + facts, encoding="utf-8")
        enforcer = casbin.Enforcer(str(SHIPPED / "access.conf"), str(path))
    selectors = {text: parse_selector(text) for text in SELECTORS}
    functions = matcher_functions(selectors, RoleGraph())
    for name in ("domain", "selects"):
        enforcer.add_function(name, functions[name])
    enforcer.get_role_manager().add_domain_matching_func(lambda asked, given: given in ("*", asked))
    enforcer.build_role_links()
    return enforcer


@settings(max_examples=120, deadline=None)
@given(
    st.lists(rules, min_size=1, max_size=8, unique=True),
    st.lists(links, max_size=6, unique=True),
    st.lists(principals, min_size=1, max_size=3),
)
def test_access_equals_stock_casbin(
    policy: list[tuple[str, ...]], roles: list[tuple[str, ...]], callers: list[Principal]
) -> None:
    lines = [f"p, {', '.join(rule)}" for rule in policy]
    lines += [f"g, {', '.join(link)}" for link in roles]
    rows = "\n".join(lines)
    ours = load(access_csv=rows)
    for caller in callers:
        reference = stock(rows, caller)
        for asked in CONTRACTS:
            expected = reference.enforce(f"user:{caller.subject}", caller.workspace, asked, "call")
            for _ in range(2):  # decided, then remembered
                decision = ours.access(caller, asked)
                assert decision.allowed is expected
            if decision.rule is not None:
                assert decision.rule.text.endswith("allow" if expected else "deny")


CONDITIONS = ("true", "a > 1", "a > 3", "b == 'x'", "a > 1 && b == 'x'", "!(a > 2) || b == 'y'")
verdict_rows = st.lists(
    st.tuples(st.sampled_from(CONDITIONS), st.sampled_from(list(Verdict))),
    min_size=1,
    max_size=5,
    unique_by=lambda row: row[0],
)
arguments = st.fixed_dictionaries(
    {"a": st.integers(0, 5) | st.none(), "b": st.sampled_from(("x", "y", "z", 1))}
)


def verdict_file(rows: list[tuple[str, Verdict]]) -> str:
    terms = {Verdict.ASSIST: "boss, 1, 1h"}
    return "\n".join(
        f"p, {number}, *, *, *, *, {when}, {verdict.value}, {terms.get(verdict, '-, -, -')}, -"
        for number, (when, verdict) in enumerate(rows)
    )


@settings(max_examples=120, deadline=None)
@example(
    [("a > 1 && b == 'x'", Verdict.BLOCKED), ("true", Verdict.ASSIST)],
    {"a": 0, "b": 1},
    frozenset({"a"}),
)
@given(verdict_rows, arguments, st.frozensets(st.sampled_from(("a", "b"))))
def test_what_is_decided_once_an_argument_is_known_was_foreseen(
    rows: list[tuple[str, Verdict]], given_arguments: dict[str, object], unknown: frozenset[str]
) -> None:
    policies = load(verdict_csv=verdict_file(rows))
    caller = Principal(PrincipalType.AGENT, "bot", "acme")
    early = {key: value for key, value in given_arguments.items() if key not in unknown}
    foreseen = policies.verdict(caller, CONTRACTS[0], early, unknown)
    settled = policies.verdict(caller, CONTRACTS[0], given_arguments)
    if not unknown:
        assert settled.verdict is foreseen.verdict
    if foreseen.verdict is Verdict.BLOCKED:
        assert settled.verdict is Verdict.BLOCKED
    if settled.verdict is not Verdict.BLOCKED:
        assert settled.verdict.rank <= foreseen.verdict.rank
        assert set(settled.rules) <= set(foreseen.rules)
