"""Runs of which a restored record knows only the beginning, and what is seen of them then."""

import subprocess

from tests.processes import ROOT, JsonObject
from tests.world import World


def asked(world: World, steps: list[JsonObject]) -> JsonObject:
    """A run in assist mode that waits for the approval of its first step."""
    run = world.run(steps, mode="ASSIST")
    world.wait(run["executionId"], "WAITING_APPROVAL")
    [request] = world.approvals(run["executionId"], "PENDING")
    return {**run, "stepId": request["stepId"]}


def completed(world: World, run: JsonObject) -> None:
    assert world.wait(run["executionId"], "COMPLETED", "FAILED", "UNRESOLVED")["status"] == (
        "COMPLETED"
    )


def replies(world: World, body: str) -> int:
    return [one["payload"]["body"] for one in world.service.effects("reply")].count(body)


def settle(world: World, run: JsonObject, outcome: str, **more: object) -> JsonObject:
    step = world.step(run["executionId"], "reply")
    value = {"runId": run["runId"], "stepId": step["stepId"], "attempt": step["attempt"]}
    told = {"outcome": outcome, "note": "I looked.", "reconciledBy": "olga"}
    return world.olga.mutate(
        "controlPlaneStepReconcile", "status executionStatus", {**value, **told, **more}
    )


def unresolved(world: World, run: JsonObject) -> None:
    world.wait(run["executionId"], "UNRESOLVED")
    step = world.step(run["executionId"], "reply")
    assert (step["status"], step["problem"]["code"]) == ("UNRESOLVED", "OUTCOME_UNKNOWN")
    assert "restored from a backup" in step["problem"]["detail"]


def refuses_to_serve(world: World) -> None:
    refused = subprocess.run(
        world.gateway.serving,
        cwd=ROOT, env=world.gateway.env, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert refused.returncode != 0
    assert "RECORD_RESTORED" in refused.stderr
    assert "Traceback" not in refused.stderr
