"""A gateway whose policies speak of two workspaces, and who reads them there."""

import shutil
from pathlib import Path

from tests.processes import ROOT, Caller, JsonObject
from tests.world import World, make_world

ACCESS = """
# Two workspaces with rules of their own.
g, user:alice, planner, acme
g, team-lead, operator, acme
g, user:tina, team-lead, acme
g, user:gina, approver, globex
p, user:gus, globex, controlPlane.execution.pause, call, allow
p, type:agent, acme, controlPlane.execution.pause, call, deny
p, refunder, acme, controlPlane.plan.compile, call, allow
p, explainer, acme, controlPlane.policy.explain, call, allow
p, clerk, acme, support.refund.issue?, call, allow
p, frozen, *, support.order.lookup, *, deny
"""
VERDICT = """
p, 50, type:human, globex, support.refund.issue?, *, amount > 7, blocked, -, -, -, -
p, 50, service-desk, acme, support.refund.issue?, *, amount <= 500, autonomous, -, -, -, -
p, 60, type:service, acme, support.refund.issue?, *, amount > 5000, blocked, -, -, -, -
p, 70, type:tool, acme, support.refund.issue?, *, amount > 20 && amount < 30, blocked, -, -, -, -
"""


def reading_world(folder: Path) -> World:
    """Start it; administrators of the workspace ``ops`` see every rule."""
    policies = folder / "policies"
    shutil.copytree(ROOT / "policies", policies)
    for name, more in (("access.csv", ACCESS), ("verdict.csv", VERDICT)):
        with (policies / name).open("a") as file:
            file.write(more)
    return make_world(folder, GATEWAY_POLICY_DIR=str(policies), GATEWAY_POLICY_WORKSPACES="ops")


def auditor(world: World, workspace: str = "acme") -> Caller:
    return world.gateway.caller("ada", "user", "auditor", workspace=workspace)


def everything(who: Caller, field: str, selection: str, value: JsonObject) -> list[JsonObject]:
    """All items of a list, page by page, held to its total and to one revision."""
    found: list[JsonObject] = []
    versions = set()
    while True:
        page = {**value, "limit": 40, "offset": len(found)}
        answer = who.query(field, f"total policyVersion items {{ {selection} }}", page)
        found += answer["items"]
        versions.add(answer["policyVersion"])
        if not answer["items"] or len(found) >= answer["total"]:
            assert len(found) == answer["total"]
            assert len(versions) == 1
            return found
