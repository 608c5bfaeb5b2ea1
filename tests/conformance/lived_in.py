"""A gateway that has been used for a while: what the console shows in its tests and pictures."""

from tests.acceptance.drafts import approve, cancel_subscription, ids, lookup, refund, reply
from tests.acceptance.policy_people import People, add
from tests.processes import Caller, JsonObject
from tests.world import World

AFTER_LOOKUP = {"dependsOn": ["order"]}


def live_in(world: World) -> dict[str, JsonObject]:
    """Have runs in most states, by name, and a change of policy that waits."""
    runs = {
        "done": played(world, "Refund 25 EUR of order o-1004: one cup arrived broken", [
            lookup(order="o-1004"), refund(25, **AFTER_LOOKUP),
        ]),
        "waiting": played(world, "Refund the lamp of order o-1004 and tell the customer", [
            lookup(order="o-1004"), refund(250, **AFTER_LOOKUP),
            reply("Your money is on its way.", dependsOn=["refund"]),
        ]),
        "leaving": played(world, "The customer of s-1 wants to leave", [cancel_subscription()]),
        "large": played(world, "Refund 4,000 EUR: the whole delivery was wet", [
            lookup(order="o-1004"), refund(4_000, **AFTER_LOOKUP),
        ]),
        "rejected": played(world, "Refund 900 EUR as a courtesy", [refund(900)]),
        "unknown": played(world, "Look up an order that nobody made", [lookup(order="o-9999")]),
    }  # fmt: skip
    for name in ("waiting", "leaving", "large", "rejected"):
        world.wait(runs[name]["executionId"], "WAITING_APPROVAL")
    (asked,) = world.approvals(runs["rejected"]["executionId"])
    step = {"executionId": asked["executionId"], "stepId": asked["stepId"]}
    world.fiona.mutate(
        "controlPlaneExecutionReject", "status",
        {**step, "rejectedBy": "fiona", "reason": "There was no complaint."},
    )  # fmt: skip
    world.wait(runs["done"]["executionId"], "COMPLETED")
    world.wait(runs["unknown"]["executionId"], "FAILED")
    draft(People(world))
    return runs


def draft(people: People) -> JsonObject:
    """Propose that two people decide on what one agent refunds above 20."""
    what = "acme, support.refund.issue?, *, amount > 20, assist, approver, 2, 8h, -"
    row = f"p, 150, user:agent-7, {what}"
    return people.draft(
        people.wanda,
        add(row, "verdict.csv"),
        title="Two people for what agent-7 refunds above 20",
        reason="Three refunds of spring went to the wrong customers.",
    )


def played(world: World, text: str, steps: list[JsonObject]) -> JsonObject:
    """Submit, compile, verify and start; returns the ids."""
    intent = world.submit(text=text)
    named = {"executionId": intent["executionId"], "intentId": intent["intentId"]}
    planned = world.agent.mutate(
        "controlPlanePlanCompile", "planId", {**named, "draft": {"steps": steps}}
    )
    run = {**named, **planned}
    world.verify(run)
    world.olga.mutate("controlPlaneExecutionStart", "runId", ids(run))
    return run


def approved(world: World, run: JsonObject) -> None:
    """Approve the one step that a run waits for."""
    (asked,) = world.approvals(run["executionId"], "PENDING")
    approve(world.fiona, "fiona", {**run, "stepId": asked["stepId"]})


PAGES = (
    "inbox", "decided", "executions", "execution", "completed", "failed", "replay",
    "rules", "roles", "assignments", "access", "explain", "changes", "change", "history",
    "contracts", "contract", "health",
)  # fmt: skip
"""The pages of the console, by names of their own."""


ASKED = {
    "access": "?subject=alice&type=HUMAN&roles=user,approver",
    "explain": "?contract=support.refund.issue&type=AGENT&id=agent-7&roles=user",
}
"""What is asked on the pages that answer something."""


def place_of(name: str, world: World, runs: dict[str, JsonObject]) -> tuple[Caller, str]:
    """Who looks at a page, and where it is."""
    if name in ("inbox", "decided"):
        return world.fiona, f"/console/inbox{'?show=decided' if name == 'decided' else ''}"
    if name in ("execution", "completed", "failed", "replay"):
        run = runs[{"execution": "waiting", "failed": "unknown"}.get(name, "done")]
        more = "/replay" if name == "replay" else ""
        return world.olga, f"/console/executions/{run['executionId']}{more}"
    if name == "change":
        found = People(world).wanda.query(
            "policyChangesetList", "items { changesetId }", {"limit": 1}
        )
        return People(world).will, f"/console/policies/changes/{found['items'][0]['changesetId']}"
    if name == "contract":
        return world.olga, "/console/contracts/support.refund.issue@1.0.0"
    if name in ("executions", "contracts", "health"):
        return world.olga, f"/console/{name}"
    return (
        world.olga,
        f"/console/policies{'' if name == 'rules' else f'/{name}'}{ASKED.get(name, '')}",
    )
