"""The shipped rules: each is proven by a case that fails without it, and lint finds no fault.

Some rules are for contracts that are not shipped: open to everybody, say. For those the test loads
a few contracts and cases of its own.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.contracts import Registry
from gateway.model.contract import AuthLevel, OperationContract
from gateway.policy import CaseStatus, PolicyContent, PolicyRevision, build_revision, read_content
from gateway.policy.case_files import PolicyCase, read_cases
from gateway.policy.cases import run_case
from tests.loaded import load_contracts

REPOSITORY = Path(__file__).parents[3]
POLICIES = REPOSITORY / "policies"
RULE_FILES = ("access.csv", "verdict.csv", "pii.csv")

BEYOND = """
- name: what is open to everybody needs no token
  principal: anonymous
  contract: example.status.get
  expect: {access: allow}
"""


@pytest.fixture(scope="module")
def registry() -> Registry:
    shipped = load_contracts([REPOSITORY / "schema"])
    looked_up = shipped.operations["support.order.lookup@1.0.0"]
    return Registry([*shipped.operations.values(), open_to_everybody(looked_up)])


def open_to_everybody(contract: OperationContract) -> OperationContract:
    return replace(
        contract,
        meta=replace(contract.meta, key="example.status.get", domain="example"),
        policy=replace(contract.policy, auth=AuthLevel.ANONYMOUS),
    )


@pytest.fixture(scope="module")
def shipped(registry: Registry) -> PolicyRevision:
    content = read_content(POLICIES).replaced({"cases/beyond.yaml": BEYOND})
    return build_revision(content, registry, POLICIES)


@pytest.fixture(scope="module")
def cases(shipped: PolicyRevision) -> list[PolicyCase]:
    return read_cases(shipped.content, POLICIES)


def rows(content: PolicyContent) -> list[tuple[str, int, str]]:
    """Every row of the rule files: file, line (from 0) and text."""
    return [
        (name, line, text)
        for name in RULE_FILES
        for line, text in enumerate(content.files[name].split("\n"))
        if text.strip() and not text.startswith("#")
    ]


def without(revision: PolicyRevision, name: str, line: int) -> PolicyRevision:
    lines = revision.content.files[name].split("\n")
    lines[line] = ""
    content = revision.content.replaced({name: "\n".join(lines)})
    return build_revision(content, revision.registry, POLICIES)


def concerned(revision: PolicyRevision, case: PolicyCase) -> set[str]:
    """The rules that a case meets, as far as decisions name them."""
    contract = revision.registry.resolve(case.contract)
    assert contract is not None, f"{case.at}: {case.contract} is not shipped"
    access = revision.access(case.principal, contract)
    verdict = revision.verdict(case.principal, contract, case.arguments, case.unknown)
    return {rule.ref for rule in (access.rule, *verdict.rules) if rule is not None}


def test_every_shipped_row_is_proven_by_a_case_that_fails_without_it(
    shipped: PolicyRevision, cases: list[PolicyCase]
) -> None:
    met = [(case, concerned(shipped, case)) for case in cases]
    shown = [case for case in cases if case.expect.pii]
    unproven = []
    for name, line, text in rows(shipped.content):
        tried = [case for case, refs in met if f"{name}:{line + 1}" in refs]
        if name == "pii.csv":
            tried = shown
        elif text.startswith("g"):
            tried = cases
        mutant = without(shipped, name, line) if tried else shipped
        if all(run_case(mutant, case).status is CaseStatus.PASSED for case in tried):
            unproven.append(f"{name}:{line + 1}: {text}")
    assert not unproven, "\n".join(unproven)
