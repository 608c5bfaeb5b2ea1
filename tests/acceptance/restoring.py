"""Runs of which a restored record knows only the beginning, and what is seen of them then."""

from dataclasses import dataclass

from tests.acceptance.drafts import approve
from tests.forking import run_to_end
from tests.processes import ROOT, JsonObject
from tests.world import World, wait_until


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
    refused = run_to_end(world.gateway.serving, cwd=ROOT, env=world.gateway.env)
    assert refused.returncode != 0
    assert "RECORD_RESTORED" in refused.stderr
    assert "Traceback" not in refused.stderr


@dataclass(frozen=True)
class Doubtful:
    """Runs of which a restored record does not know how they went on: with a key of its own, with
    none, with both kinds of steps, and one that did not go on at all."""

    keyed: JsonObject
    unkeyed: JsonObject
    both: JsonObject
    undone: JsonObject


def assert_nothing_is_repeated(a: World, b: World, runs: Doubtful, seconds: float) -> None:
    """After a restore was accepted: nothing that may have happened happens again, unless an
    operator says so. ``a`` and ``b`` may be one gateway, or two of one record."""
    # A key of its own lets the service know what it has done: the run simply goes on.
    approve(b.fiona, "fiona", runs.keyed)
    completed(a, runs.keyed)
    # What knows no key is left to an operator, before anybody is asked to approve it again.
    for run in (runs.unkeyed, runs.undone):
        unresolved(a, run)
    assert b.approvals(runs.undone["executionId"], "PENDING") == []
    approve(a.fiona, "fiona", runs.both)
    unresolved(b, runs.both)
    assert replies(a, "told") == replies(a, "then told") == 1

    for run in (runs.unkeyed, runs.both):
        settle(b, run, "DONE", output={"replyId": "m-1", "status": "SENT"})
        completed(b, run)
    settle(a, runs.undone, "REPEAT")
    pending = (runs.undone["executionId"], "PENDING")
    wait_until(lambda: len(a.approvals(*pending)) == 1, seconds)
    approve(b.fiona, "fiona", runs.undone)
    completed(b, runs.undone)
