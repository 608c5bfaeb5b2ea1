"""The policies' own cases: how they are read and run, and that the shipped ones hold."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.contracts import Registry, load_contracts
from gateway.model.contract import OperationContract
from gateway.model.problem import Issue, ProblemError
from gateway.policy import CaseStatus, Policies, load_policies, run_cases
from gateway.policy.case_files import read_cases

MakeContract = Callable[..., OperationContract]
LoadWith = Callable[..., Policies]

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def shipped_registry() -> Registry:
    return load_contracts([REPOSITORY / "schema"])


@pytest.fixture(scope="module")
def shipped(shipped_registry: Registry) -> Policies:
    return load_policies(REPOSITORY / "policies", shipped_registry)


def test_every_shipped_case_holds_and_none_is_skipped(
    shipped: Policies, shipped_registry: Registry
) -> None:
    results = run_cases(shipped, shipped_registry, REPOSITORY / "policies")
    assert [result for result in results if result.status is not CaseStatus.PASSED] == []
    assert len(results) > 60


def test_every_shipped_rule_names_a_shipped_contract(shipped: Policies) -> None:
    assert shipped.notes == ()


def test_every_shipped_rule_for_the_example_domain_and_every_role_is_met_by_a_case(
    shipped: Policies, shipped_registry: Registry
) -> None:
    met = set()
    for case in read_cases(REPOSITORY / "policies"):
        contract = shipped_registry.resolve(case.contract)
        assert contract is not None
        access = shipped.access(case.principal, contract)
        verdict = shipped.verdict(case.principal, contract, case.arguments, case.unknown)
        met |= {rule.ref for rule in (access.rule, *verdict.rules) if rule is not None}
    book = shipped._book
    rules = {row.rule.ref: row.text for row in (*book.access_rows, *book.verdict_rows)}
    unmet = {ref: text for ref, text in rules.items() if ref not in met}
    # No shipped contract is open to everybody, and the only critical one has rules of its own.
    assert set(unmet.values()) == {
        "p, anonymous, *, auth:anonymous, call, allow",
        "p, 900, type:agent, *, *, critical, true, blocked, -, -, -, -",
        "p, 900, type:tool, *, *, critical, true, blocked, -, -, -, -",
    }


CASES = """
- name: holds
  principal: {type: human, roles: [user]}
  contract: shop.order.ship
  expect: {access: allow, verdict: autonomous}
- name: differs in everything
  principal: {type: human, roles: [user]}
  contract: shop.order.ship
  arguments: {when: 2026-01-01, deep: {a: [1, true, null]}}
  expect:
    access: deny
    verdict: assist
    approver: boss
    quorum: 2
    escalation: 2h:boss
    reason: something else
    pii: {output.email: raw}
- name: waits
  principal: anonymous
  contract: bank.pay@1.0.0
  expect: {access: deny}
"""


def test_a_case_that_differs_says_how_and_under_which_rule(
    load_with: LoadWith, contract: MakeContract, tmp_path: Path
) -> None:
    ship = contract()
    policies = load_with(ship)
    _write(tmp_path, CASES)
    held, differs, waits = run_cases(policies, Registry([ship]), tmp_path)
    assert (held.name, held.at, held.status) == ("holds", "x.yaml:2", CaseStatus.PASSED)
    assert differs.status is CaseStatus.FAILED
    access, verdict, approver, quorum, escalation, reason, pii = differs.messages
    assert access.startswith("access: expected deny, got allow (access.csv:")
    assert verdict.startswith("verdict: expected assist, got autonomous (verdict.csv:")
    assert approver.startswith("approver: expected boss, got approver (")
    assert quorum.startswith("quorum: expected 2, got 1 (")
    assert escalation.startswith("escalation: expected 2h:boss, got - (")
    assert reason.startswith("reason: expected it to say 'something else', got '")
    assert pii == "pii output.email: expected raw, got mask"
    assert (waits.status, waits.messages) == (
        CaseStatus.SKIPPED,
        ("the contract bank.pay@1.0.0 is not loaded",),
    )


@pytest.mark.parametrize(
    ("expected", "held"), [("2h:chief", True), ("120m:chief", True), ("-", False)]
)
def test_a_case_expects_an_escalation_by_what_it_means(
    load_with: LoadWith, contract: MakeContract, tmp_path: Path, expected: str, held: bool
) -> None:
    ship = contract()
    policies = load_with(ship, verdict_csv="p, 1, *, *, *, *, true, assist, boss, 1, 24h, 2h:chief")
    _write(
        tmp_path,
        GOOD.replace("contract: x", f"contract: {ship.key}").replace(
            "access: deny", f"escalation: {expected!r}"
        ),
    )
    (result,) = run_cases(policies, Registry([ship]), tmp_path)
    assert (result.status is CaseStatus.PASSED) is held


def test_a_date_in_a_case_is_the_text_that_contracts_see(tmp_path: Path) -> None:
    _write(tmp_path, CASES)
    arguments = read_cases(tmp_path)[1].arguments
    assert arguments == {"when": "2026-01-01", "deep": {"a": [1, True, None]}}


GOOD = "- {name: a, principal: anonymous, contract: x, expect: {access: deny}}\n"


@pytest.mark.parametrize(
    ("marked", "says"),
    [
        ("^name: x", "must be a list of cases"),
        ("^", "must be a list of cases"),
        ("- [^", "not YAML"),
        ("- ^x", "'case' must be a mapping"),
        ("- ^{name: a}", "needs 'principal'"),
        (GOOD.replace("name: a", "^nam: a"), "not 'nam'"),
        (GOOD.replace("name: a", "name: ^[a]"), "'name' must be a text"),
        (GOOD.replace("name: a", "name: a, ^name: b"), "twice"),
        (GOOD.replace("anonymous", "^{subject: a}"), "needs 'type'"),
        (GOOD.replace("anonymous", "{type: ^robot}"), "must be one of"),
        (GOOD.replace("anonymous", "{type: human, roles: ^user}"), "list of texts"),
        (GOOD.replace("deny", "^maybe"), "must be one of allow, deny"),
        (GOOD.replace("{access: deny}", "^{}"), "must expect something"),
        (GOOD.replace("access: deny", "quorum: ^true"), "whole number"),
        (GOOD.replace("access: deny", "escalation: ^4h"), "'escalation': '4h' is no escalation"),
        (GOOD.replace("access: deny", "pii: {a: ^hide}"), "must be one of raw"),
        (GOOD.replace("access", "^acess"), "not 'acess'"),
        (GOOD.replace("expect", "arguments: ^[1], expect"), "must be a mapping"),
    ],
)
def test_a_bad_case_is_refused_with_its_place(tmp_path: Path, marked: str, says: str) -> None:
    (issue,) = _issues(tmp_path, marked.replace("^", ""))
    assert issue.code == "POLICY_CASE"
    assert issue.path.endswith(f"x.yaml:1:{marked.index('^') + 1}")
    assert says in issue.message


def test_all_bad_cases_are_told_at_once(tmp_path: Path) -> None:
    assert len(_issues(tmp_path, "- x\n- y\n" + GOOD + "- {}\n")) == 3


def _write(folder: Path, text: str) -> None:
    (folder / "cases").mkdir(exist_ok=True)
    (folder / "cases" / "x.yaml").write_text(text, encoding="utf-8")


def _issues(folder: Path, text: str) -> list[Issue]:
    _write(folder, text)
    with pytest.raises(ProblemError) as refused:
        read_cases(folder)
    assert refused.value.problem.code == "POLICY_CASES_INVALID"
    return list(refused.value.problem.issues)
