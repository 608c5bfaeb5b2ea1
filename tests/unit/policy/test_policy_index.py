"""The index behind decisions: what it looks up, what it keeps, and that it is held to Casbin."""

import gc
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.model.contract import OperationContract
from gateway.model.decision import Verdict
from gateway.model.principal import Principal, PrincipalType
from gateway.policy import (
    CaseStatus,
    Policies,
    PolicyRevision,
    build_revision,
    cases,
    run_cases,
)
from gateway.policy.engine import engine
from gateway.policy.engine.book import ModelText, RuleBook
from gateway.policy.engine.engine import RuleEngine
from gateway.policy.engine.matcher import matcher_functions
from gateway.policy.engine.matching import Matching, compile_matcher
from gateway.policy.engine.roles import RoleGraph, Subject
from gateway.policy.rules.models import ACCESS, PII, VERDICT, ModelSpec
from gateway.policy.rules.rows import Row

MakeContract = Callable[..., OperationContract]
MakePrincipal = Callable[..., Principal]
LoadWith = Callable[..., Policies]

SHIPPED = Path(__file__).parents[3] / "policies"
ALLOW = "p, user, *, *, call, allow\n"


def shipped_matcher(spec: ModelSpec) -> str:
    text = (SHIPPED / spec.model_file).read_text(encoding="utf-8")
    return ModelText.read(spec, text).matcher


def matching(spec: ModelSpec, matcher: str) -> Matching:
    functions = matcher_functions({}, RoleGraph())
    text = matcher.replace("r.", "r_").replace("p.", "p_")
    return compile_matcher(spec, text, functions)


def rules_of(policies: Policies) -> RuleEngine:
    found = policies.current.book.access
    assert isinstance(found, RuleEngine)
    return found


# What is answered by looking it up


@pytest.mark.parametrize(("spec", "others"), [(ACCESS, 0), (VERDICT, 1), (PII, 1)])
def test_the_shipped_matchers_leave_nothing_to_each_rule_but_conditions_and_fields(
    spec: ModelSpec, others: int
) -> None:
    found = matching(spec, shipped_matcher(spec))
    assert (found.by_contract, found.by_workspace, found.by_subject) == (True, True, True)
    assert (len(found.shared), len(found.others)) == (1, others)


ACT = 'p.act == "*" || r.act == p.act'


@pytest.mark.parametrize(
    ("matcher", "expected"),
    [
        ("selects(r.obj, p.obj) && domain(r.dom, p.dom)", (True, True, False, 0, 0)),
        ('selects(r.obj, p.obj)&&(p.dom=="*"||r.dom==p.dom)', (True, True, False, 0, 0)),
        ('("*" == p.dom || p.dom == r.dom) && selects(r.obj, p.obj)', (True, True, False, 0, 0)),
        ("selects(r.obj, p.obj) && r.dom == p.dom", (True, True, False, 1, 0)),
        ('selects(r.obj, p.obj) && (r.dom == p.dom || p.dom == "a")', (True, False, False, 1, 0)),
        ("selects(r.obj, p.obj) && domain(p.dom, r.dom)", (True, False, False, 1, 0)),
        ("g(r.sub, p.sub, r.dom) && selects(r.obj, p.obj)", (True, False, True, 0, 0)),
        ('(p.sub == "*" || g(r.sub, p.sub)) && selects(r.obj, p.obj)', (True, False, True, 0, 0)),
        ('p.sub == "*" && selects(r.obj, p.obj)', (True, False, False, 1, 0)),
        ("r.sub == p.sub && selects(r.obj, p.obj)", (True, False, False, 0, 1)),
        (f"({ACT}) && (g(r.sub, p.sub) && selects(r.obj, p.obj))", (True, False, True, 1, 0)),
        ("domain(r.dom) && selects(r.obj, p.obj)", (False, False, False, 0, 2)),
        ("p.eft && selects(r.obj, p.obj)", (False, False, False, 0, 2)),
    ],
)
def test_a_part_is_looked_up_only_where_that_is_the_same(
    matcher: str, expected: tuple[bool, bool, bool, int, int]
) -> None:
    found = matching(ACCESS, matcher)
    looked_up = (found.by_contract, found.by_workspace, found.by_subject)
    assert (*looked_up, len(found.shared), len(found.others)) == expected


def test_operators_need_no_space_around_them(
    load_with: LoadWith, contract: MakeContract, principal: MakePrincipal
) -> None:
    model = (SHIPPED / "access.conf").read_text(encoding="utf-8")
    for name in (" && ", " || "):
        model = model.replace(name, name.strip())
    ship = contract()
    policies = load_with(ship, access_conf=model, access_csv=ALLOW)
    for revision in (policies.current, policies.current.reference()):
        assert revision.access(principal("user"), ship).allowed
        assert not revision.access(principal("clerk"), ship).allowed


PLAIN = "g(r.sub, p.sub, r.dom) && selects(r.obj, p.obj) && r.act == p.act"


@pytest.mark.parametrize(
    ("part", "by_place"),
    [
        ("domain(r.dom, p.dom)", True),
        ('(p.dom == "*" || r.dom == p.dom)', True),
        ('(domain(p.dom, r.dom) || r.dom != "acme")', True),
        ('g("user:ann", p.sub, r.dom)', True),
        ('r.dom == ""', False),
        ("r.dom != p.sub", False),
        ("r.dom == r.act", False),
        ("g(r.sub, r.dom)", False),
        ("g(r.dom, p.sub, r.dom)", False),
        ('(r.dom || p.dom == "*")', False),
    ],
)
def test_workspaces_that_nothing_names_are_alike_only_where_no_matcher_can_tell(
    part: str, by_place: bool, load_with: LoadWith, contract: MakeContract
) -> None:
    matcher = f"{PLAIN} && {part} && domain(r.dom, p.dom)"
    model = (SHIPPED / "access.conf").read_text(encoding="utf-8").partition("m = ")[0]
    rows = "p, clerk, *, *, call, allow\ng, lead, clerk, acme\n"
    ship = contract()
    policies = load_with(ship, access_conf=f"{model}m = {matcher}\n", access_csv=rows)
    book = policies.current.book
    assert book.by_place is by_place
    for workspace in ("acme", "clerk", "call", "other"):
        for role in ("clerk", "lead"):
            who = Principal(PrincipalType.HUMAN, "ann", workspace, frozenset({role}))
            whole = Subject(who.type, "user:ann", workspace, policies.roles(who))
            try:
                expected, _ = book.reference().access.decide(whole, workspace, ship, "call")
            except TypeError:  # the matcher gave no truth value, which denies
                expected = False
            assert policies.access(who, ship).allowed is expected, (workspace, role)


# What is kept


def test_what_is_merged_is_bounded(
    load_with: LoadWith,
    contract: MakeContract,
    principal: MakePrincipal,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engine, "MERGED_LIMIT", 20)
    contracts = [contract(f"shop.c{number}") for number in range(30)]
    rows = ALLOW + "p, clerk, acme, *, call, allow\np, clerk, *, shop.c7, call, deny\n"
    policies = load_with(*contracts, access_csv=rows)
    for _ in range(2):
        for one in contracts:
            allowed = policies.access(principal("user", "clerk"), one).allowed
            assert allowed is (one.key != "shop.c7")
    decided = rules_of(policies)
    assert 0 < decided._kept <= 20
    assert decided._kept == sum(layer.weight for layer in decided._layers.values())


def test_an_engine_keeps_nothing_of_callers(
    load_with: LoadWith, contract: MakeContract, principal: MakePrincipal
) -> None:
    rows = "p, 1, user, *, *, *, a > 1, autonomous, -, -, -, -\n"
    ship = contract(given={"a": "Int"})
    policies = load_with(ship, verdict_csv=rows, access_csv=ALLOW)
    for number in range(20):
        who = principal("user", f"role{number}", subject=f"s{number}", workspace=f"w{number}")
        assert policies.verdict(who, ship, {"a": 2}).verdict is Verdict.AUTONOMOUS
    found = policies.current.book.verdict
    assert isinstance(found, RuleEngine)
    (layer,) = found._layers.values()
    assert layer.request == (None, "", ship, "low", None)
    assert layer.kept.keys() == {"user"}


def test_a_condition_that_does_not_concern_the_caller_is_not_evaluated(
    load_with: LoadWith, contract: MakeContract, principal: MakePrincipal
) -> None:
    rows = "p, 1, boss, *, *, *, a > 1, blocked, -, -, -, -\n"
    rows += "p, 2, *, *, *, *, true, autonomous, -, -, -, -\n"
    ship = contract(given={"a": "Int"})
    policies = load_with(ship, verdict_csv=rows)
    assert policies.verdict(principal(), ship, {}).verdict is Verdict.AUTONOMOUS
    assert len(policies.current._settled) == 1
    assert policies.verdict(principal("boss"), ship, {}).verdict is Verdict.BLOCKED
    assert policies.verdict(principal("boss"), ship, {"a": 1}).verdict is Verdict.AUTONOMOUS
    assert len(policies.current._settled) == 1


def test_the_first_decision_among_ten_thousand_assignments_takes_no_time(
    load_with: LoadWith, contract: MakeContract, principal: MakePrincipal
) -> None:
    ship = contract()
    links = "".join(f"g, user:u{number}, r{number % 50}, acme\n" for number in range(10_000))
    rows = "g, r7, lead, acme\ng, lead, clerk, *\np, clerk, acme, *, call, allow\n"
    took = []
    for _ in range(3):  # each has a first decision; what else the machine does may slow one of them
        policies = load_with(ship, access_csv=links + rows)
        gc.disable()  # what it does here is not the decision's
        try:
            begun = time.thread_time()
            decision = policies.access(principal(subject="u57"), ship)
            took.append(time.thread_time() - begun)
        finally:
            gc.enable()
        assert decision.allowed
    assert min(took) < 0.005


# The reference


class _AlwaysFirst:
    """An engine that is wrong: it takes the first rule, whatever is asked."""

    def __init__(self, book: RuleBook) -> None:
        self._row = book.access_rows[0]

    def decide(self, *_: object) -> tuple[bool, Row | None]:
        return True, self._row


CASES = """
- name: nobody but users
  principal: {type: human, subject: alice, roles: []}
  contract: shop.order.ship
  expect: {access: deny}
"""


def test_a_case_fails_where_the_index_does_not_decide_as_casbin_does(
    load_with: LoadWith, contract: MakeContract, tmp_path: Path
) -> None:
    loaded = load_with(contract(), access_csv=ALLOW).current
    content = loaded.content.replaced({"cases/more.yaml": CASES})
    sound = build_revision(content, loaded.registry, tmp_path)
    assert all(result.status is not CaseStatus.FAILED for result in run_cases(sound, tmp_path))
    broken_book = replace(sound.book, access=_AlwaysFirst(sound.book))
    broken = PolicyRevision(content, broken_book, loaded.registry)
    (failed,) = (
        result for result in run_cases(broken, tmp_path) if result.status is CaseStatus.FAILED
    )
    assert failed.messages[-1] == (
        "access: the index decides allow (access.csv:1: p, user, *, *, call, allow), Casbin "
        "decides deny (Without a role shop.order.ship may not be called; this would do: role user.)"
    )


def test_casbin_is_not_asked_about_more_rules_than_it_can_stand(
    load_with: LoadWith,
    contract: MakeContract,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[PolicyRevision] = []
    monkeypatch.setattr(PolicyRevision, "reference", lambda revision: asked.append(revision))
    revision = load_with(contract(), access_csv=ALLOW).current
    run_cases(revision, tmp_path)
    assert asked == [revision]
    monkeypatch.setattr(cases, "REFERENCE_LIMIT", 1)
    run_cases(revision, tmp_path)
    assert asked == [revision]


# Role graphs


def linked(*links: tuple[str, str, str]) -> RoleGraph:
    graph = RoleGraph()
    for line, link in enumerate(links, start=1):
        graph.link(*link, line)
    return graph


def test_a_graph_tells_its_links_their_lines_and_who_holds_a_role() -> None:
    graph = linked(
        ("user:alice", "lead", "acme"),
        ("lead", "clerk", "*"),
        ("clerk", "lead", "other"),
        ("user:bob", "clerk", "other"),
    )
    assert ("lead", "clerk", "*") in set(graph.links())
    assert len(list(graph.links())) == 4
    assert graph.line_of("user:bob", "clerk", "other") == 4
    assert graph.line_of("user:bob", "clerk", "acme") is None
    assert graph.holders("clerk", "acme") == {"lead", "user:alice"}
    assert graph.holders("lead", "other") == {"clerk", "user:bob"}
    assert graph.holders("lead", "third") == frozenset()


def test_a_changed_graph_leaves_the_one_before_as_it_was() -> None:
    before = linked(("user:alice", "lead", "acme"), ("lead", "clerk", "*"))
    assert before.roles_of({"user:alice"}, "acme") == {"user:alice", "lead", "clerk"}
    after = before.changed([("lead", "clerk", "*")], [(("lead", "boss", "acme"), 3)])
    assert after.roles_of({"user:alice"}, "acme") == {"user:alice", "lead", "boss"}
    assert before.roles_of({"user:alice"}, "acme") == {"user:alice", "lead", "clerk"}
    emptied = after.changed([("user:alice", "lead", "acme"), ("lead", "boss", "acme")], [])
    assert list(emptied.links()) == []
    assert set(emptied._up) - {"*"} == set()
