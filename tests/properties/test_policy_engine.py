"""The engine decides and explains as the stock Casbin enforcer does, over any model that linting
accepts, any rules, roles and requests."""

import ast
from collections.abc import Callable, Iterator

import casbin
import pytest
from casbin.model import Model
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.model.contract import OperationContract
from gateway.model.principal import Principal, PrincipalType
from gateway.policy import PolicyContent
from gateway.policy import revision as revision_module
from gateway.policy.engine import enforcer as enforcer_module
from gateway.policy.engine.book import graph_of
from gateway.policy.engine.enforcer import read_model
from gateway.policy.engine.engine import RuleEngine
from gateway.policy.engine.index import RuleIndex
from gateway.policy.engine.matcher import matcher_functions
from gateway.policy.engine.matching import compile_matcher, spaced
from gateway.policy.engine.roles import USER_PREFIX, Subject, effective_roles
from gateway.policy.rules.models import ACCESS, ASSIGNMENT, CALL
from gateway.policy.rules.rows import Row, read_rows
from gateway.policy.rules.selectors import parse_selector
from tests.properties.amounts import examples
from tests.properties.policy_worlds import (
    CONTRACTS,
    SELECTORS,
    WORKSPACES,
    Call,
    assignments,
    built,
    calls,
    contents,
    decisions,
    matchers,
    model,
    rules,
    with_token,
)

SELECTED = {text: parse_selector(text) for text in (*SELECTORS, "b.gone", "b.gone?", "a.later?")}

Answer = tuple[bool, list[str]] | None
"""Allowed or not, and the values of the rule that is named; None where evaluating failed."""


def rows_of(lines: list[str]) -> list[Row]:
    names = {"p": tuple(ACCESS.columns), "g": tuple(ASSIGNMENT)}
    return [row for row in read_rows("access.csv", "\n".join(lines), names) if isinstance(row, Row)]


def engine_of(text: str, rows: list[Row]) -> RuleEngine:
    graph = graph_of(row for row in rows if row.kind == "g")
    matching = compile_matcher(ACCESS, read_model(text)["m"], matcher_functions(SELECTED, graph))
    index = RuleIndex(ACCESS, [row for row in rows if row.kind == "p"], SELECTED)
    return RuleEngine(ACCESS, matching, index)


def subject_of(principal: Principal, rows: list[Row]) -> Subject:
    user = USER_PREFIX + principal.subject
    graph = graph_of(row for row in rows if row.kind == "g")
    roles = effective_roles(graph, principal)
    return Subject(principal.type, user, principal.workspace, roles)


def stock(text: str, rows: list[Row], principal: Principal) -> casbin.Enforcer:
    """Casbin with its own role manager, which is told what the principal is by itself."""
    loaded = Model()
    loaded.load_model_from_text(text)
    user = USER_PREFIX + principal.subject
    held = {*principal.roles, "anonymous", "*", f"type:{principal.type.value}"}
    facts = [[user, name, "*"] for name in sorted(held)]
    loaded["p"]["p"].policy = [list(row.values) for row in rows if row.kind == "p"]
    loaded["g"]["g"].policy = [list(row.values) for row in rows if row.kind == "g"] + facts
    enforcer = casbin.Enforcer(loaded)
    functions = matcher_functions(SELECTED, graph_of(()))
    for name in ("domain", "selects"):
        enforcer.add_function(name, functions[name])
    enforcer.get_role_manager().add_domain_matching_func(lambda asked, told: told in ("*", asked))
    enforcer.build_role_links()
    return enforcer


def answer_of_casbin(
    enforcer: casbin.Enforcer, who: Principal, workspace: str, asked: OperationContract
) -> Answer:
    try:
        allowed, rule = enforcer.enforce_ex(USER_PREFIX + who.subject, workspace, asked, CALL)
    except Exception:  # what fails is compared, not how
        return None
    return allowed, rule


def answer_of_engine(
    engine: RuleEngine, who: Subject, workspace: str, asked: OperationContract
) -> Answer:
    try:
        allowed, row = engine.decide(who, workspace, asked, CALL)
    except Exception:  # what fails is compared, not how
        return None
    return allowed, list(row.values) if row else []


def differences(
    engine: RuleEngine, text: str, rows: list[Row], asking: list[Principal]
) -> Iterator[str]:
    for principal in asking:
        subject, enforcer = subject_of(principal, rows), stock(text, rows, principal)
        for asked in CONTRACTS:
            workspace = principal.workspace
            expected = answer_of_casbin(enforcer, principal, workspace, asked)
            for _ in range(2):  # decided over rules not merged yet, and over merged ones
                found = answer_of_engine(engine, subject, workspace, asked)
                if found != expected:
                    yield f"{subject.names} on {asked.key}: {found}, but Casbin says {expected}"


@settings(max_examples=examples(250), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    matchers(ACCESS),
    rules(ACCESS),
    st.lists(assignments, max_size=6, unique=True),
    st.lists(with_token, min_size=2, max_size=4),
)
def test_access_and_its_explanation_equal_stock_casbin_with_its_own_roles(
    matcher: str, policy: list[str], links: list[str], asking: list[Principal]
) -> None:
    text, rows = model(ACCESS, spaced(matcher)), rows_of([*policy, *links])
    assert list(differences(engine_of(text, rows), text, rows, asking)) == []


@settings(max_examples=examples(150), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(contents(), calls)
def test_every_decision_and_explanation_equals_the_reference(
    content: PolicyContent, asked: list[Call]
) -> None:
    revision = built(content)
    expected = list(decisions(revision.reference(), asked))
    for _ in range(2):  # decided, then remembered
        assert list(decisions(revision, asked)) == expected


@settings(max_examples=examples(100), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(contents(), calls)
def test_the_reference_decides_as_with_the_evaluator_that_casbin_has(
    content: PolicyContent, asked: list[Call]
) -> None:
    revision = built(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(enforcer_module, "_is_simple", lambda _: False)
        expected = list(decisions(revision.reference(), asked))
    assert list(decisions(revision.reference(), asked)) == expected


@pytest.mark.parametrize(
    "matcher",
    ["p.sub.x", "p.sub[0]", "[p.sub]", "p.sub + p.dom", "(lambda: 1)()", "p.sub.upper()",
     "[a for a in p.sub]", "g(sub=p.sub)", "p.sub in p.dom", "-1", "p.sub == p.dom if 1 else 0"],
)  # fmt: skip
def test_only_what_linted_matchers_consist_of_is_compiled(matcher: str) -> None:
    def is_simple(text: str) -> bool:
        python = text.replace("&&", "and").replace("||", "or")
        return enforcer_module._is_simple(ast.parse(python, mode="eval").body)

    assert is_simple(_SHIPPED_MATCHER.replace("p.", "p_").replace("r.", "r_"))
    assert not is_simple(matcher.replace("p.", "p_"))
    assert not is_simple(f'p_sub == "a" && {matcher.replace("p.", "p_")}')


@settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(contents(), calls)
def test_decisions_are_the_same_where_nothing_is_remembered(
    content: PolicyContent, asked: list[Call]
) -> None:
    revision = built(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(revision_module, "CACHE_LIMIT", 0)
        forgetful = built(content)
        assert list(decisions(forgetful, asked)) == list(decisions(revision, asked))
    assert len(forgetful._access) == len(forgetful._settled) == len(forgetful._principals) == 0


# That these comparisons can fail: engines that are broken on purpose.

_SHIPPED_MATCHER = (
    "g(r.sub, p.sub, r.dom) && domain(r.dom, p.dom) && selects(r.obj, p.obj)"
    ' && (p.act == "*" || r.act == p.act)'
)
_RULES = [
    "p, user, *, a.*, call, allow",
    "p, lead, acme, a.one, *, deny",
    "p, lead, acme, a.one, call, allow",
    "p, user, acme, a.one, call, allow",
    "p, clerk, *, kind:query, call, deny",
    "g, clerk, user, *",
]
_CALLERS = [
    Principal(PrincipalType.HUMAN, name, workspace, frozenset({role}))
    for name in ("alice", "bob")
    for workspace in WORKSPACES
    for role in ("user", "clerk", "lead")
]


def _reversed(engine: RuleEngine) -> None:
    rank = engine.index.rank
    engine.index.rank = lambda row: -rank(row)


def _without_wildcards(engine: RuleEngine) -> None:
    find = engine.index.concerning
    engine.index.concerning = lambda contract, workspace: find(contract, workspace)[-1:]


def _deaf_to_denials(engine: RuleEngine) -> None:
    engine._deciding = lambda merged: merged[-1:]


def test_the_comparison_finds_no_fault_with_the_engine() -> None:
    text, rows = model(ACCESS, _SHIPPED_MATCHER), rows_of(_RULES)
    assert list(differences(engine_of(text, rows), text, rows, _CALLERS)) == []


@pytest.mark.parametrize("broken", [_reversed, _without_wildcards, _deaf_to_denials])
def test_the_comparison_finds_a_broken_engine_out(broken: Callable[[RuleEngine], None]) -> None:
    text, rows = model(ACCESS, _SHIPPED_MATCHER), rows_of(_RULES)
    engine = engine_of(text, rows)
    broken(engine)
    assert list(differences(engine, text, rows, _CALLERS)) != []
