"""What is an alert, and what is none."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.anchoring import TargetStatus
from gateway.health.alerts import SHOWN, Findings, alerts_of
from gateway.health.checks import Cases
from gateway.health.report import AlertKind, Budget, ProcessState, RecordState, Severity
from gateway.model.anchor import Progress, TargetKind
from gateway.model.contract import (
    AuthLevel,
    ContractPolicy,
    Kind,
    Meta,
    OperationContract,
    Risk,
)
from gateway.rights import Reading

NOW = "2026-03-01T12:00:00.000000Z"


def contract(key: str, *owners: str) -> OperationContract:
    meta = Meta(key, "1.0.0", "T", "D", "shop", owners=owners)
    return OperationContract(
        meta=meta, kind=Kind.QUERY, capability="c@1.0.0", risk=Risk.LOW,
        input={}, output={}, digest="ab", policy=ContractPolicy(AuthLevel.USER),
    )  # fmt: skip


SOON = "2026-03-01T11:59:40.000000Z"
RECORD = RecordState(100, 3, "2026-03-01T11:59:30.000000Z", 90, (), SOON, None)
FINE = Findings(
    now=NOW,
    contracts=(contract("a.b", "team.a"), contract("c.d", "unknown", "team.b")),
    unverified=(),
    deprecated={},
    cases=Cases("sha256:1", 5, 1, ()),
    schemas=(),
    budget=Budget(0.99, 500, 4),
    record=RECORD,
    process=ProcessState("sha256:1", 10, 0.1, 0.2, 0, 0.0),
    head="sha256:1",
    interval=60.0,
    believes_both=False,
)


def target(behind: int) -> TargetStatus:
    return TargetStatus(Progress(TargetKind.ANCHOR, "vault", 3, NOW), behind)


def test_nothing_is_told_where_all_is_well() -> None:
    assert alerts_of(FINE) == []


def test_what_is_not_known_yet_is_no_alert() -> None:
    unknown = replace(FINE, cases=None, schemas=None, head=None)
    assert alerts_of(replace(unknown, budget=Budget(0.99, 0, 0))) == []


WRONG: dict[AlertKind, dict[str, Any]] = {
    AlertKind.POLICY_NOT_FOLLOWED: {"head": "sha256:2"},
    AlertKind.SKILL_NOT_VERIFIED: {"unverified": ["acme.skill@1.0.0"]},
    AlertKind.POLICY_CASE_FAILS: {"cases": Cases("sha256:1", 5, 0, ("a.yaml:1 olga may",))},
    AlertKind.CLOCK_NOT_BELIEVED: {"clock": Reading(NOW, timedelta(days=400), NOW)},
    AlertKind.BUDGET_SPENT: {"budget": Budget(0.99, 500, 5)},
    AlertKind.CHECKPOINT_LATE: {
        "record": replace(RECORD, unsigned_since="2026-03-01T11:56:59.000000Z")
    },
    AlertKind.ANCHOR_BEHIND: {"record": replace(RECORD, targets=(target(3),))},
    AlertKind.LOCAL_TOKENS_BELIEVED: {"believes_both": True},
    AlertKind.CONTRACT_WITHOUT_OWNER: {"contracts": [contract("a.b", "TBD"), contract("c.d")]},
    AlertKind.DEPRECATED_CALLED: {"deprecated": {"a.b@1.0.0": 7}},
    AlertKind.SCHEMA_DRIFT: {"schemas": ["schema/gateway.graphql"]},
}


def test_every_kind_is_tried() -> None:
    assert set(WRONG) == set(AlertKind)


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_wrong_is_told_with_what_to_do(kind: AlertKind) -> None:
    (alert,) = alerts_of(replace(FINE, **WRONG[kind]))

    assert alert.kind is kind
    assert alert.message.endswith(".")
    assert alert.remedy.endswith(".")


@pytest.mark.parametrize(
    "almost",
    [
        {"budget": Budget(0.99, 99, 50)},  # too few to tell
        {"record": replace(RECORD, unsigned_since="2026-03-01T11:57:01.000000Z")},
        {"record": replace(RECORD, signed_at="2026-03-01T01:00:00.000000Z", unsigned_since=None)},
        {"record": replace(RECORD, targets=(target(2),))},
        {"clock": Reading(NOW)},
    ],
)
def test_what_is_almost_wrong_is_not(almost: dict[str, Any]) -> None:
    assert alerts_of(replace(FINE, **almost)) == []


def test_the_most_urgent_comes_first_and_few_are_named() -> None:
    many = [contract(f"a.n{number:03}", "none") for number in range(50)]
    wrong = replace(FINE, contracts=many, head="sha256:2", believes_both=True)

    found = alerts_of(wrong)

    assert [one.severity for one in found] == [Severity.CRITICAL, *[Severity.WARNING] * 2]
    owners = next(one for one in found if one.kind is AlertKind.CONTRACT_WITHOUT_OWNER)
    assert owners.count == 50
    assert owners.about == tuple(f"a.n{number:03}@1.0.0" for number in range(SHOWN))


def test_a_clock_that_is_far_behind_is_told_too() -> None:
    (alert,) = alerts_of(replace(FINE, clock=Reading(NOW, behind=timedelta(days=30))))
    assert (alert.kind, alert.severity) == (AlertKind.CLOCK_NOT_BELIEVED, Severity.CRITICAL)
    assert "30 days behind" in alert.message


def test_cases_that_cannot_be_read_are_told() -> None:
    unreadable = Cases("sha256:1", 0, 0, (), is_readable=False)
    (alert,) = alerts_of(replace(FINE, cases=unreadable))
    assert alert.kind is AlertKind.POLICY_CASE_FAILS
    assert alert.severity is Severity.WARNING


@pytest.mark.parametrize(
    ("counted", "failed", "left"), [(0, 0, 1.0), (1000, 0, 1.0), (1000, 5, 0.5), (1000, 20, -1.0)]
)
def test_a_budget_is_what_may_fail(counted: int, failed: int, left: float) -> None:
    assert Budget(0.99, counted, failed).left == pytest.approx(left)
