"""Standing grants over HTTP: who issues them, what they let go, and what is left in the record."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.acceptance.drafts import ended, policies, refund, refunds
from tests.processes import Caller, JsonObject
from tests.world import World

ISSUE = ("controlPlaneGrantIssue", "grantId contract maxUses expiresAt issuedAt")
REVOKE = ("controlPlaneGrantRevoke", "grantId status revokedAt")
LIST = "controlPlaneGrantList"
ITEM = (
    "grantId contract requester requesterType arguments maxUses uses remaining status reason "
    "issuedBy issuedAt expiresAt revokedAt revokedBy revokeReason"
)
OVER_LIMIT = "support.refund.issue?, *, amount > 100, assist, approver, 1, 24h, -"
ANY = {"$any": True}


def soon(**ahead: float) -> str:
    return (datetime.now(UTC) + timedelta(**(ahead or {"hours": 1}))).isoformat()


def terms(amount: object, **more: object) -> JsonObject:
    """What is granted: refunds of one order up to an amount, or of exactly it."""
    pattern = {"orderId": "o-1004", "amount": amount, "currency": "EUR", "customerEmail": None}
    return {
        "contract": "support.refund.issue",
        "requester": "agent-7",
        "arguments": pattern,
        "maxUses": 2,
        "expiresAt": soon(),
        "reason": "Weekly corrections.",
        "issuedBy": "fiona",
        **more,
    }


def issued(world: World, amount: object, **more: object) -> str:
    return str(world.fiona.mutate(*ISSUE, terms(amount, **more))["grantId"])


def listed(who: Caller, **filters: object) -> dict[str, JsonObject]:
    found = who.query(LIST, f"total items {{ {ITEM} }}", {"limit": 200, **filters})
    assert found["total"] == len(found["items"])
    return {item["grantId"]: item for item in found["items"]}


def went(world: World, amount: float) -> str:
    """Where a run of a refund stands once it moves no more by itself."""
    run = world.run([refund(amount)])
    over = ("COMPLETED", "WAITING_APPROVAL", "FAILED")
    return str(world.wait(run["executionId"], *over)["status"])


def test_a_grant_lets_runs_go_until_it_is_used_up(world: World) -> None:
    grant_id = issued(world, 301.01)
    runs = [world.run([refund(301.01)]) for _ in range(2)]
    assert [ended(world, run) for run in runs] == ["COMPLETED", "COMPLETED"]
    assert went(world, 301.01) == "WAITING_APPROVAL"
    assert len(refunds(world, 30101)) == 2
    (used,) = [e for e in world.trace(runs[0]["executionId"]) if e["status"] == "grant.used"]
    assert used["stage"] == "APPROVE"
    assert used["metadata"]["grantId"] == grant_id
    sent = [e for e in world.trace(runs[0]["executionId"]) if e["status"] == "step.dispatched"]
    assert sent[0]["metadata"]["grantId"] == grant_id
    item = listed(world.fiona)[grant_id]
    assert (item["status"], item["uses"], item["remaining"]) == ("USED_UP", 2, 0)
    assert (item["issuedBy"], item["requester"]) == ("fiona", "agent-7")
    assert item["contract"] == "support.refund.issue@1.0.0"
    assert grant_id in listed(world.fiona, active=False)
    assert grant_id not in listed(world.fiona, active=True)


def test_a_direct_call_goes_under_a_grant_too(world: World) -> None:
    issued(world, 302.02, maxUses=1)
    value = {"orderId": "o-1004", "amount": 302.02, "currency": "EUR"}
    call = ("supportRefundIssue", "refundId status", value)
    assert world.agent.mutate(*call)["status"] == "PAID"
    assert world.agent.refused(*call)["code"] == "APPROVAL_REQUIRED"


def test_what_the_pattern_does_not_name_is_asked_for(world: World) -> None:
    issued(world, {"$max": 303}, maxUses=9)
    assert went(world, 303.01) == "WAITING_APPROVAL"
    assert went(world, 303) == "COMPLETED"


def test_many_runs_at_once_cannot_overuse_a_grant(world: World) -> None:
    grant_id = issued(world, 304.04, maxUses=3)
    with ThreadPoolExecutor(6) as pool:
        ends = list(pool.map(lambda _: went(world, 304.04), range(6)))
    assert sorted(ends) == ["COMPLETED"] * 3 + ["WAITING_APPROVAL"] * 3
    assert listed(world.fiona)[grant_id]["remaining"] == 0
    assert len(refunds(world, 30404)) == 3


def test_a_revoked_grant_lets_nothing_go(world: World) -> None:
    grant_id = issued(world, 305.05)
    assert went(world, 305.05) == "COMPLETED"
    value = {"grantId": grant_id, "revokedBy": "fiona", "reason": "Doubts."}
    assert world.fiona.mutate(*REVOKE, value)["status"] == "REVOKED"
    assert went(world, 305.05) == "WAITING_APPROVAL"
    item = listed(world.fiona, active=False)[grant_id]
    assert (item["status"], item["revokedBy"], item["revokeReason"]) == (
        *("REVOKED", "fiona"),
        "Doubts.",
    )
    again = world.fiona.refused(*REVOKE, value)
    assert (again["code"], again["problem"]["currentStatus"]) == ("CONFLICT", "REVOKED")


def test_who_may_issue_list_and_revoke(world: World) -> None:
    grant_id = issued(world, 306.06)
    revoke = {"grantId": grant_id}
    ursula = world.gateway.caller("ursula", "user")
    bot = world.gateway.caller("bot", "user", "approver", kind="agent")
    for name, who in (("ursula", ursula), ("bot", bot)):
        assert who.refused(*ISSUE, terms(1, issuedBy=name))["code"] == "FORBIDDEN"
    assert ursula.refused(*REVOKE, {**revoke, "revokedBy": "ursula"})["code"] == "FORBIDDEN"
    assert ursula.refused(LIST, "total", {}, kind="query")["code"] == "FORBIDDEN"
    assert world.fiona.refused(*ISSUE, terms(1, issuedBy="olga"))["code"] == "FORBIDDEN"
    assert world.fiona.refused(*REVOKE, {**revoke, "revokedBy": "olga"})["code"] == "FORBIDDEN"
    nobody = world.gateway.anonymous()
    assert nobody.refused(*ISSUE, terms(1))["code"] == "UNAUTHENTICATED"
    assert listed(world.fiona)[grant_id]["status"] == "ACTIVE"


def test_grants_of_another_workspace_are_not_there(world: World) -> None:
    grant_id = issued(world, 307.07)
    other = world.gateway.caller("fiona", "user", "approver", workspace="beta")
    assert listed(other) == {}
    value = {"grantId": grant_id, "revokedBy": "fiona"}
    assert other.refused(*REVOKE, value)["code"] == "NOT_FOUND"
    other.mutate(*ISSUE, terms(308.08))
    assert went(world, 308.08) == "WAITING_APPROVAL"


@pytest.mark.parametrize(
    ("change", "place", "code"),
    [
        ({"contract": "support.refund.isue"}, "/input/contract", "UNKNOWN_CONTRACT"),
        ({"contract": "controlPlane.grant.issue"}, "/input/contract", "NOT_PLANNABLE"),
        ({"requester": None}, "/input/requester", "REQUIRED"),
        ({"maxUses": 0}, "/input/maxUses", "OUT_OF_RANGE"),
        ({"maxUses": 1001}, "/input/maxUses", "OUT_OF_RANGE"),
        ({"expiresAt": soon(seconds=-1)}, "/input/expiresAt", "OUT_OF_RANGE"),
        ({"expiresAt": soon(days=30, hours=1)}, "/input/expiresAt", "OUT_OF_RANGE"),
        ({"expiresAt": "9999-12-31T23:59:59-14:00"}, "/input/expiresAt", "OUT_OF_RANGE"),
        ({"reason": "  "}, "/input/reason", "REQUIRED"),
        ({"reason": "\u200b"}, "/input/reason", "REQUIRED"),
    ],
)
def test_malformed_terms_are_refused(
    world: World, change: JsonObject, place: str, code: str
) -> None:
    told = world.fiona.refused(*ISSUE, {**terms(1), **change})
    assert told["code"] == "VALIDATION_FAILED"
    found = [(issue["path"], issue["code"]) for issue in told["problem"]["issues"]]
    assert found == [(place, code)]


def test_all_that_is_wrong_with_a_pattern_is_told_with_its_place(world: World) -> None:
    pattern = {"orderId": {"$max": 5}, "amount": "much", "currency": "eur", "colour": "red"}
    told = world.fiona.refused(*ISSUE, terms(1, arguments=pattern, maxUses=0))
    found = {(issue["path"], issue["code"]) for issue in told["problem"]["issues"]}
    assert found == {
        ("/input/maxUses", "OUT_OF_RANGE"),
        ("/input/arguments/orderId", "NOT_ALLOWED"),
        ("/input/arguments/amount", "WRONG_TYPE"),
        ("/input/arguments/currency", "INVALID_FORMAT"),
        ("/input/arguments/customerEmail", "REQUIRED"),
        ("/input/arguments/colour", "UNKNOWN_FIELD"),
    }


def test_one_key_issues_one_grant(world: World) -> None:
    value = terms(309.09)
    first = world.fiona.mutate(*ISSUE, value, key="once")
    assert world.fiona.mutate(*ISSUE, value, key="once") == first
    found = [item for item in listed(world.fiona).values() if item["arguments"]["amount"] == 309.09]
    assert len(found) == 1


def test_pii_of_a_pattern_is_sealed_at_rest_and_masked_for_the_reader(own_world: World) -> None:
    email = "quentin.quokka@example.com"
    pattern = {"orderId": ANY, "amount": ANY, "currency": ANY, "customerEmail": email}
    grant_id = issued(own_world, 1, arguments=pattern)
    shown = listed(own_world.fiona)[grant_id]["arguments"]
    assert shown == {**pattern, "customerEmail": "q•••@•••"}
    reader = own_world.gateway.caller("rita", "approver", "pii.reader")
    assert listed(reader)[grant_id]["arguments"] == pattern
    own_world.gateway.stop()
    files = [path for path in own_world.gateway.folder.rglob("*") if path.is_file()]
    assert not [path for path in files if email.encode() in path.read_bytes()]


def test_a_grant_outlives_a_restart_and_ends_with_the_policy_that_named_its_issuer(
    own_world: World, tmp_path: Path
) -> None:
    grant_id = issued(own_world, 310.1, maxUses=5)
    own_world.gateway.stop()
    own_world.gateway.start()
    assert went(own_world, 310.1) == "COMPLETED"
    own_world.gateway.stop()
    other = OVER_LIMIT.replace("approver, 1", "finance-lead, 1")
    own_world.gateway.lead_by(policies(tmp_path / "policies", (OVER_LIMIT, other)))
    own_world.gateway.start()
    assert went(own_world, 310.1) == "WAITING_APPROVAL"
    assert listed(own_world.fiona)[grant_id]["uses"] == 1
    own_world.gateway.stop()
    verified = own_world.gateway.command("audit", "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
