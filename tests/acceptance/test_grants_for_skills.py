"""Standing grants for actions that a skill brings: of one's own workspace, and of no other."""

from pathlib import Path

from tests.acceptance.test_grants import ANY, ISSUE, issued, listed, soon
from tests.acceptance.test_skills import disable, install, make, stop
from tests.processes import JsonObject
from tests.world import end_world


def terms(contract: str) -> JsonObject:
    return {
        "contract": contract,
        "requester": "agent-7",
        "arguments": {"subscriptionId": "s-1", "planted": ANY},
        "maxUses": 2,
        "expiresAt": soon(),
        "reason": "Every Friday.",
        "issuedBy": "fiona",
    }


def test_an_action_of_a_skill_is_granted_where_it_is_installed_and_nowhere_else(
    tmp_path: Path,
) -> None:
    world = make(tmp_path)
    try:
        install(world, "acme.granted")
        other = world.gateway.caller("fiona", "user", "approver", workspace="beta")
        for name in ("granted.plan.stop", "granted.plan.stop@1.0.0"):
            told = other.refused(*ISSUE, terms(name))["problem"]["issues"]
            assert [(one["path"], one["code"]) for one in told] == [
                ("/input/contract", "UNKNOWN_CONTRACT")
            ]
            told = world.fiona.refused(*ISSUE, terms(name))["problem"]["issues"]
            assert [one["code"] for one in told] == ["UNKNOWN_FIELD"]
        named = {"contract": "granted.plan.stop", "arguments": {"subscriptionId": "s-1"}}
        grant_id = issued(world, 1, **named)
        run = world.run([stop("granted")])
        world.wait(run["executionId"], "COMPLETED", "WAITING_APPROVAL")
        assert listed(world.fiona)[grant_id]["uses"] == 1
        assert world.execution(run["executionId"])["status"] == "COMPLETED"
        disable(world, "acme.granted")
        told = world.fiona.refused(*ISSUE, terms("granted.plan.stop@1.0.0"))["problem"]["issues"]
        assert [one["code"] for one in told] == ["UNKNOWN_CONTRACT"]
    finally:
        end_world(world)
