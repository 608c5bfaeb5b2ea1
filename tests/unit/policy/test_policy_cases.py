"""The policies' own cases: how they are read and run, and that the shipped ones hold."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.contracts import Registry
from gateway.model.contract import OperationContract
from gateway.model.problem import Issue, ProblemError
from gateway.policy import (
    CaseStatus,
    Policies,
    PolicyRevision,
    build_revision,
    read_content,
    run_cases,
)
from gateway.policy.case_files import read_cases
from tests.loaded import load_contracts, load_policies

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
    results = run_cases(shipped.current, REPOSITORY / "policies")
    assert [result for result in results if result.status is not CaseStatus.PASSED] == []
    assert len(results) > 60


def test_every_shipped_rule_names_a_shipped_contract(shipped: Policies) -> None:
    assert shipped.current.notes == ()


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
    roles: [anonymous, boss, user]
- name: waits
  principal: anonymous
  contract: bank.pay@1.0.0
  expect: {access: deny}
"""


def test_a_case_that_differs_says_how_and_under_which_rule(
    load_with: LoadWith, contract: MakeContract, tmp_path: Path
) -> None:
    revision = _with_cases(load_with(contract()), CASES)
    held, differs, waits = run_cases(revision, tmp_path)
    assert (held.name, held.at, held.status) == ("holds", "x.yaml:2", CaseStatus.PASSED)
    assert differs.status is CaseStatus.FAILED
    access, verdict, approver, quorum, escalation, reason, pii, roles = differs.messages
    assert access.startswith("access: expected deny, got allow (access.csv:")
    assert verdict.startswith("verdict: expected assist, got autonomous (verdict.csv:")
    assert approver.startswith("approver: expected boss, got approver (")
    assert quorum.startswith("quorum: expected 2, got 1 (")
    assert escalation.startswith("escalation: expected 2h:boss, got - (")
    assert reason.startswith("reason: expected it to say 'something else', got '")
    assert pii == "pii output.email: expected raw, got mask"
    assert roles == "roles: expected boss as well, which the principal does not hold"
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
    case = GOOD.replace("contract: x", f"contract: {ship.key}").replace(
        "access: deny", f"escalation: {expected!r}"
    )
    (result,) = run_cases(_with_cases(policies, case), tmp_path)
    assert (result.status is CaseStatus.PASSED) is held


def test_a_date_in_a_case_is_the_text_that_contracts_see(tmp_path: Path) -> None:
    _write(tmp_path, CASES)
    arguments = read_cases(read_content(tmp_path), tmp_path)[1].arguments
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
        (GOOD.replace("access: deny", "roles: ^boss"), "list of texts"),
        (GOOD.replace("expect", "arguments: {a: &x 1, b: ^*x }, expect"), "aliases"),
        (GOOD.replace("name: a", "? ^[a] : b"), "must be a text"),
        (GOOD.replace("access", "^acess"), "not 'acess'"),
        (GOOD.replace("expect", "arguments: ^[1], expect"), "must be a mapping"),
    ],
)
def test_a_bad_case_is_refused_with_its_place(tmp_path: Path, marked: str, says: str) -> None:
    (issue,) = _issues(tmp_path, marked.replace("^", ""))
    assert issue.code == "POLICY_CASE"
    assert issue.path.endswith(f"x.yaml:1:{marked.index('^') + 1}")
    assert says in issue.message


def test_a_file_that_would_unfold_without_end_is_refused(tmp_path: Path) -> None:
    for text in ("- " * 40 + "x", "- &a [x]\n- [*a, *a]\n", "- " + "{a: " * 40 + "1" + "}" * 40):
        (issue,) = _issues(tmp_path, text)
        assert "not YAML" in issue.message


def test_all_bad_cases_are_told_at_once(tmp_path: Path) -> None:
    assert len(_issues(tmp_path, "- x\n- y\n" + GOOD + "- {}\n")) == 3


def _with_cases(policies: Policies, text: str) -> PolicyRevision:
    """The revision in force, but with these cases and no others."""
    now = policies.current
    others = dict.fromkeys(name for name in now.content.files if name.startswith("cases/"))
    content = now.content.replaced({**others, "cases/x.yaml": text})
    return build_revision(content, now.registry, Path("policies"))


def _write(folder: Path, text: str) -> None:
    (folder / "cases").mkdir(exist_ok=True)
    (folder / "cases" / "x.yaml").write_text(text, encoding="utf-8")


def _issues(folder: Path, text: str) -> list[Issue]:
    _write(folder, text)
    with pytest.raises(ProblemError) as refused:
        read_cases(read_content(folder), folder)
    assert refused.value.problem.code == "POLICY_CASES_INVALID"
    return list(refused.value.problem.issues)
