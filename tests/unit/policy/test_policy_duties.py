"""Separation of duties: how separation.yaml is read, and which assignments break it."""

from pathlib import Path

import pytest

from gateway.policy import Advice, PolicyContent, Severity, advise, build_revision, read_content
from tests.loaded import load_contracts

REPOSITORY = Path(__file__).parents[3]
REGISTRY = load_contracts([REPOSITORY / "schema"])
FILES = {  # without the one role that only the shipped access rules know
    name: "".join(row for row in text.splitlines(keepends=True) if "privacy-officer" not in row)
    for name, text in read_content(REPOSITORY / "policies").files.items()
    if not name.startswith("cases/") and name != "separation.yaml"
}
BASE = """\
p, admin, *, auth:admin, call, allow
p, author, *, controlPlane.execution.start, call, allow
p, judge, *, controlPlane.execution.approve, call, allow
p, user, *, auth:user, call, allow
p, approver, *, controlPlane.approval.list, call, allow
p, auditor, *, controlPlane.trace.get, call, allow
"""
ROLES = "- {roles: [author, judge], reason: Nobody judges their own.}\n"
BOTH = "g, boss, author, *\ng, chief, judge, *\n"
CALLS = """\
- contracts: [controlPlane.execution.start, controlPlane.execution.approve]
  except: [admin]
  reason: Nobody approves what they start
"""


def told(separation: str, rows: str = "") -> list[Advice]:
    files = {**FILES, "access.csv": BASE + rows, "separation.yaml": separation}
    found = advise(build_revision(PolicyContent(files), REGISTRY, Path("policies")))
    return [one for one in found if one.code in ("POLICY_DUTIES_CONFLICT", "POLICY_SEPARATION")]


def places(found: list[Advice]) -> list[str]:
    return [f"{one.severity} {one.at}" for one in found]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("g, user:ann, author, acme\n", []),
        ("g, user:ann, author, acme\ng, user:ann, judge, acme\n", ["ERROR access.csv:8:4"]),
        ("g, user:ann, author, acme\ng, user:ann, judge, other\n", []),
        ("g, user:ann, judge, acme\ng, user:ann, author, *\n", ["ERROR access.csv:8:4"]),
        ("g, author, judge, *\n", ["ERROR access.csv:7:4"]),
        ("g, author, judge, acme\n", ["ERROR access.csv:7:4"]),
        (
            "g, boss, author, *\ng, boss, judge, *\ng, user:ann, boss, acme\n",
            ["ERROR access.csv:8:4"],
        ),
        (
            BOTH + "g, user:ann, boss, *\ng, user:ann, chief, acme\n",
            ["ERROR access.csv:10:4"],
        ),
        (
            BOTH.replace("judge, *", "judge, other")
            + "g, user:ann, boss, *\ng, user:ann, chief, acme\n",
            [],
        ),
        (
            "g, boss, author, acme\ng, user:ann, boss, acme\ng, user:ann, judge, acme\n",
            ["ERROR access.csv:9:4"],
        ),
        ("g, boss, author, *\ng, boss, boss2, *\ng, boss2, judge, *\n", ["ERROR access.csv:8:4"]),
    ],
)
def test_whoever_is_given_two_roles_that_are_kept_apart_is_told_where_it_arises(
    rows: str, expected: list[str]
) -> None:
    assert places(told(ROLES, rows)) == expected


def test_the_finding_says_who_what_where_and_why() -> None:
    (found,) = told(ROLES, "g, user:ann, author, acme\ng, user:ann, judge, acme\n")
    assert found.severity is Severity.ERROR
    assert found.rule == "g, user:ann, judge, acme"
    assert found.message == (
        "user:ann holds author and judge in acme, which separation.yaml:1 keeps apart: Nobody "
        "judges their own. Take one away, or write user:ann under except there"
    )


def test_whoever_is_excepted_and_whoever_holds_such_a_role_may_have_both() -> None:
    separation = "- {roles: [author, judge], except: [boss, 'user:eve'], reason: So.}\n"
    rows = "g, boss, author, *\ng, boss, judge, *\ng, user:ann, boss, acme\n"
    rows += "g, user:eve, author, acme\ng, user:eve, judge, acme\n"
    assert told(separation, rows) == []
    assert places(told(separation, rows + "g, user:bob, author, *\ng, user:bob, judge, *\n")) == [
        "ERROR access.csv:13:4"
    ]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("", []),  # the admin, who may call both, is excepted
        ("p, author, *, controlPlane.execution.approve, call, allow\n", ["WARNING access.csv:7:4"]),
        (
            "p, author, acme, controlPlane.execution.approve, call, allow\n",
            ["WARNING access.csv:7:4"],
        ),
        (
            "".join(
                f"p, author, *, controlPlane.execution.approve, call, {effect}\n"
                for effect in ("allow", "deny")
            ),
            [],
        ),
        ("g, author, judge, *\n", ["WARNING access.csv:7:4"]),
        ("g, user:ann, author, acme\ng, user:ann, judge, acme\n", ["WARNING access.csv:8:4"]),
        ("g, user:ann, admin, acme\n", []),
    ],
)
def test_a_role_that_may_call_two_contracts_that_are_kept_apart_is_told(
    rows: str, expected: list[str]
) -> None:
    assert places(told(CALLS, rows)) == expected


@pytest.mark.parametrize(
    ("marked", "says"),
    [
        ("^roles: [a, b]", "must be a list of entries"),
        ("- ^[a, b]", "'entry' must be a mapping"),
        ("- ^{roles: [a, b]}", "needs a 'reason'"),
        ("- ^{reason: x}", "either 'roles' or 'contracts'"),
        ("- ^{roles: [a, b], contracts: [x, y], reason: x}", "either 'roles' or 'contracts'"),
        ("- {roles: ^[a], reason: x}", "at least two"),
        ("- {roles: ^[a, a], reason: x}", "each once"),
        ("- {roles: ^a, reason: x}", "list of texts"),
        ("- {roles: [a, ^{}], reason: x}", "list of texts"),
        ("- {roles: [a, '^user:b'], reason: x}".replace("'^", "^'"), "no role name"),
        ("- {roles: [a, b], ^reasons: x}", "not 'reasons'"),
        ("- {roles: [a, b], reason: ^[x]}", "must be a text"),
        ("- [^", "not YAML"),
        ("- {roles: [a, ^!!int ''], reason: x}", "is no int"),
        ("- {roles: [a, ^!!float ''], reason: x}", "is no float"),
        ("- {roles: [a, ^!!bool x], reason: x}", "is no bool"),
        ("- {roles: [a, ^!<tag:x:int> 1:1], reason: x}", "no role name"),
        (f"- {{roles: [a, ^1{':1' * 90_000}], reason: x}}", "at most 100"),
        (r'- {roles: [a, b], reason: ^"\ud800"}', "half a character"),
        ("- {roles: &a [a, b], reason: x}\n- {roles: ^*a , reason: x}", "aliases"),
    ],
)
def test_what_cannot_be_read_is_an_error_with_its_place(marked: str, says: str) -> None:
    before = marked[: marked.index("^")]
    line, column = before.count("\n") + 1, len(before.rpartition("\n")[2]) + 1
    (found,) = told(marked.replace("^", ""))
    assert (found.severity, found.code) == (Severity.ERROR, "POLICY_SEPARATION")
    assert says in found.message
    assert found.at == f"separation.yaml:{line}:{column}"


def test_all_that_cannot_be_read_is_told_at_once_and_the_rest_counts() -> None:
    rows = "g, author, judge, *\n"
    found = told("- x\n- {roles: [a], reason: x}\n" + ROLES, rows)
    assert places(found) == [
        "ERROR access.csv:7:4",
        "ERROR separation.yaml:1:3",
        "ERROR separation.yaml:2:11",
    ]


def test_names_that_nothing_knows_are_told() -> None:
    separation = (
        "- {roles: [author, juge], reason: x}\n"
        "- {contracts: [controlPlane.execution.strat, controlPlane.plan.get], reason: x}\n"
    )
    files = {**FILES, "access.csv": BASE, "separation.yaml": separation}
    role, contract = advise(build_revision(PolicyContent(files), REGISTRY, Path("policies")))
    assert (role.severity, role.code, role.at) == (
        Severity.WARNING,
        "POLICY_ROLE_UNKNOWN",
        "separation.yaml:1:20",
    )
    assert "did you mean 'judge'?" in role.message
    assert (contract.severity, contract.code, contract.at) == (
        Severity.WARNING,
        "POLICY_CONTRACT_UNKNOWN",
        "separation.yaml:2:16",
    )
    assert "did you mean 'controlPlane.execution.start'?" in contract.message


def test_without_the_file_no_duties_are_kept_apart() -> None:
    files = {**FILES, "access.csv": BASE + "g, author, judge, *\n"}
    assert advise(build_revision(PolicyContent(files), REGISTRY, Path("policies"))) == []
