"""The checks of a changeset: what they refuse, and what they tell whom."""

from pathlib import Path

import pytest

from gateway.administration import Checks, Scope, check
from gateway.model.policy import ChangesetStatus, Edit
from gateway.policy import PolicyRevision, apply_edits, build_revision, read_content
from gateway.shipped import shipped_policies, shipped_schema
from tests.loaded import load_contracts

BETA, PLATFORM = Scope("beta", False), Scope("platform", True)
POLICY = ("draft", "approve", "activate")


@pytest.fixture(scope="module")
def shipped() -> PolicyRevision:
    registry = load_contracts([shipped_schema()])
    return build_revision(read_content(shipped_policies()), registry, Path())


def checked(base: PolicyRevision, scope: Scope, *rows: str) -> Checks:
    edits = [Edit("access.csv", add=row) for row in rows]
    return check(apply_edits(base.content, edits), base, scope)


def after(base: PolicyRevision, *edits: Edit) -> PolicyRevision:
    content = apply_edits(base.content, edits).content
    return build_revision(content, base.registry, Path())


def lockouts(checks: Checks) -> list[str]:
    found = [one for one in checks.findings if one.advice.code == "POLICY_LOCKOUT"]
    assert all(one.refuses for one in found)
    return [one.advice.message for one in found]


# --- lockout


@pytest.mark.parametrize("row", ["p, *, beta, *, call, deny", "p, type:human, beta, *, call, deny"])
def test_a_workspace_does_not_lock_itself_out(shipped: PolicyRevision, row: str) -> None:
    checks = checked(shipped, BETA, row)
    assert checks.status is ChangesetStatus.DRAFT
    told = lockouts(checks)
    assert any("policy.changeset.approve" in message for message in told)


@pytest.mark.parametrize("name", POLICY)
def test_each_part_of_changing_policy_is_kept(shipped: PolicyRevision, name: str) -> None:
    (told,) = lockouts(checked(shipped, BETA, f"p, *, beta, policy.changeset.{name}, call, deny"))
    assert f"policy.changeset.{name}" in told


def test_one_way_in_is_enough(shipped: PolicyRevision) -> None:
    checks = checked(shipped, BETA, "p, policy-author, beta, policy.*, call, deny")
    assert lockouts(checks) == []
    assert checks.status is ChangesetStatus.CHECKED


def test_one_person_alone_is_no_way_in(shipped: PolicyRevision) -> None:
    """Whoever is left may do everything, but not approve what is their own."""
    alone = [f"p, user:sue, beta, policy.changeset.{name}, call, allow" for name in POLICY]
    denied = [
        f"p, {role}, beta, policy.changeset.{name}, call, deny"
        for role in ("admin", "policy-author", "policy-approver")
        for name in POLICY
    ]
    (told,) = lockouts(checked(shipped, BETA, *alone, *denied))
    assert "only one person" in told
    for name, other in (("sue", "SUE"), ("Jos\u00e9", "Jose\u0301")):
        spelled = [row.replace("sue", one) for one in (name, other) for row in alone]
        (told,) = lockouts(checked(shipped, BETA, *spelled, *denied))
        assert "only one person" in told
    second = [row.replace("sue", "sam") for row in alone]
    assert lockouts(checked(shipped, BETA, *alone, *second, *denied)) == []


def test_what_was_locked_before_is_no_reason_to_refuse(shipped: PolicyRevision) -> None:
    locked = after(shipped, Edit("access.csv", add="p, *, beta, policy.*, call, deny"))
    checks = checked(locked, BETA, "p, user:sue, beta, controlPlane.plan.get, call, allow")
    found = [one for one in checks.findings if one.advice.code == "POLICY_LOCKOUT"]
    assert found
    assert not any(one.refuses for one in found)


def test_those_who_change_everything_may_shut_another_workspace(shipped: PolicyRevision) -> None:
    assert lockouts(checked(shipped, PLATFORM, "p, *, beta, policy.*, call, deny")) == []


# --- what is told whom


def test_findings_in_rows_of_other_workspaces_are_not_told(shipped: PolicyRevision) -> None:
    rows = (
        "p, user:secret, acme, controlPlane.plan.get, call, allow",
        "p, user:secret, acme, controlPlane.plan.get, call, deny",
    )
    base = after(shipped, *(Edit("access.csv", add=row) for row in rows))
    own = "p, user:sue, beta, controlPlane.plan.get, call, allow"
    told = {scope: str(checked(base, scope, own).findings_json()) for scope in (BETA, PLATFORM)}
    assert "secret" in told[PLATFORM]
    assert "secret" not in told[BETA]
    assert "secret" in str(checked(base, Scope("acme", False), own).findings_json())


def test_a_change_that_is_wrong_for_a_row_of_others_is_refused_without_telling_it(
    shipped: PolicyRevision,
) -> None:
    """Such a row is refused before it is checked; the checks do not rely on that."""
    checks = checked(shipped, BETA, "p, user:secret, acme, controlPlane.no.such, call, allow")
    assert checks.status is ChangesetStatus.DRAFT
    (finding,) = checks.findings_json()
    assert (finding["severity"], finding["code"]) == ("ERROR", "POLICY_CONTRACT_UNKNOWN")
    assert "no.such" not in str(finding)
    assert "secret" not in str(finding)


def test_a_case_about_another_workspace_fails_without_telling_its_rows(
    shipped: PolicyRevision,
) -> None:
    """Files that seed or lead come into force whatever their cases say."""
    case = """
- name: acme is closed
  principal: {type: human, subject: secret, workspace: acme}
  contract: controlPlane.plan.get
  expect: {access: deny}
"""
    base = after(
        shipped,
        Edit("access.csv", add="p, user:secret, acme, controlPlane.plan.get, call, allow"),
        Edit("cases/acme.yaml", text=case),
    )
    own = "p, user:sue, beta, controlPlane.plan.get, call, allow"
    told = {
        name: checked(base, scope, own).cases_json()["failures"]
        for name, scope in {"beta": BETA, "acme": Scope("acme", False), "all": PLATFORM}.items()
    }
    assert [failure["name"] for failure in told["beta"]] == ["acme is closed"]
    assert "secret" not in str(told["beta"])
    assert "user:secret" in str(told["acme"])
    assert told["all"] == told["acme"]
