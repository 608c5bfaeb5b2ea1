"""People who decide at the same instant, over HTTP: one of them comes first, and that stands."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier

from tests.acceptance.drafts import (
    APPROVE,
    CANCEL,
    REJECT,
    cancel_subscription,
    policies,
    refund,
    refunds,
    step_of,
    waiting,
)
from tests.processes import Caller, JsonObject
from tests.world import World, end_world, make_world

GLASS = ("controlPlaneExecutionBreakGlass", "status")
DECIDE = ("controlPlaneApprovalDecide", "results { decided status problem }")
ABORT = ("controlPlaneExecutionAbort", "status")
PAUSE = ("controlPlaneExecutionPause", "status")
FIRE = "The customer is in distress and nobody answers."
OVER = ("COMPLETED", "FAILED", "REJECTED", "EXPIRED", "CANCELLED", "ABORTED")
MEDIUM = "p, 900, type:agent, *, *, medium, true, assist, approver, 1, 24h, -"


def at_once(*acts: Callable[[], JsonObject]) -> list[str]:
    """Do all of it at the same instant; returns OK or the code of the refusal of each."""
    gate = Barrier(len(acts))

    def act(one: Callable[[], JsonObject]) -> str:
        gate.wait()
        answer = one()
        if "errors" in answer:
            return str(answer["errors"][0]["extensions"]["code"])
        (output,) = answer["data"].values()
        (result,) = output.get("results", [{"decided": True}])
        return "OK" if result["decided"] else str(result["problem"]["code"])

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(act, acts))


def call(who: Caller, operation: tuple[str, str], value: JsonObject) -> Callable[[], JsonObject]:
    return lambda: who._call("mutation", *operation, value, None)  # type: ignore[no-any-return]


def decisions(world: World, run: JsonObject) -> list[str]:
    """What the trace says that people decided."""
    kinds = ("approval.voted", "approval.rejected", "approval.overridden")
    entries = world.trace(run["executionId"])
    return [entry["status"] for entry in entries if entry["status"] in kinds]


def test_of_all_who_decide_at_the_same_instant_one_does(world: World) -> None:
    gus, betty = world.gateway.caller("gus", "admin"), world.gateway.caller("betty", "break-glass")
    for number in range(8):
        run = waiting(world, [refund(600 + number)])
        step = step_of(run)
        bulk = {"decisions": [{**step, "approve": True}], "decidedBy": "gus"}
        answers = at_once(
            call(world.fiona, APPROVE, {**step, "approvedBy": "fiona"}),
            call(gus, REJECT, {**step, "rejectedBy": "gus", "reason": "no"}),
            call(gus, DECIDE, bulk),
            call(betty, GLASS, {**step, "invokedBy": "betty", "reason": FIRE}),
        )
        assert sorted(answers) == ["CONFLICT", "CONFLICT", "CONFLICT", "OK"]
        status = world.wait(run["executionId"], *OVER)["status"]
        (decided,) = decisions(world, run)
        assert status == ("REJECTED" if decided == "approval.rejected" else "COMPLETED")
        assert len(refunds(world, (600 + number) * 100)) == (status == "COMPLETED")


def test_a_decision_and_an_end_at_the_same_instant_leave_one_outcome(world: World) -> None:
    for number, (operation, more) in enumerate([
        (CANCEL, {"cancelledBy": "olga"}), (ABORT, {"abortedBy": "olga"}),
        (CANCEL, {"cancelledBy": "olga"}), (ABORT, {"abortedBy": "olga"}),
    ]):  # fmt: skip
        run = waiting(world, [refund(620 + number)])
        name = "executionId" if operation is CANCEL else "runId"
        answers = at_once(
            call(world.fiona, APPROVE, {**step_of(run), "approvedBy": "fiona"}),
            call(world.olga, operation, {name: run[name], **more}),
        )
        status = world.wait(run["executionId"], *OVER)["status"]
        said = [entry["status"] for entry in world.trace(run["executionId"])]
        assert said.count("run.ended") == 1
        sent = "step.dispatched" in said
        # Whoever came second after the end got a CONFLICT; nothing was sent after it.
        assert not sent or said.index("step.dispatched") < said.index("run.ended")
        # An attempt that has begun is held back where the run ends before it is sent.
        happened = len(refunds(world, (620 + number) * 100))
        assert (status == "COMPLETED") <= happened <= sent
        assert "OK" in answers
        assert (status == "COMPLETED") <= (answers == ["OK", "CONFLICT"])


def test_an_approval_around_its_expiry_counts_before_it_and_never_after(tmp_path: Path) -> None:
    """Many people press the button while the request runs out."""
    edited = policies(tmp_path / "policies", (MEDIUM, MEDIUM.replace("24h", "4s")))
    world = make_world(tmp_path, GATEWAY_POLICY_DIR=edited)
    bot = world.gateway.caller("bot", "admin", kind="service")

    def press(run: JsonObject) -> None:
        (asked,) = world.approvals(run["executionId"])
        expiry = datetime.fromisoformat(asked["expiresAt"])
        world.olga.mutate(*PAUSE, {"runId": run["runId"], "pausedBy": "olga"})
        refused = 0
        while datetime.now(UTC) < expiry or refused < 3:
            # A machine asks in vain until the last moment, a person right after it.
            late = datetime.now(UTC) >= expiry
            who, name = (world.fiona, "fiona") if late else (bot, "bot")
            code = who.refused(*APPROVE, {**step_of(run), "approvedBy": name})["code"]
            assert code == ("CONFLICT" if late else code)
            refused += late
        assert world.wait(run["executionId"], *OVER)["status"] == "EXPIRED"
        assert decisions(world, run) == []

    try:
        with ThreadPoolExecutor(3) as pool:  # all of them in the time of one
            list(pool.map(lambda _: press(waiting(world, [cancel_subscription()])), range(3)))
    finally:
        end_world(world)


def test_each_of_two_people_is_counted_once(own_world: World) -> None:
    """A quorum of two is reached by two, however often each of them asks at once."""
    world = own_world
    world.gateway.stop()
    rule = "support.refund.issue?, *, amount > 100, assist, approver, 1, 24h, -"
    folder = world.gateway.folder / "policies"
    edited = policies(folder, (rule, rule.replace("approver, 1", "approver, 2")))
    world.gateway.lead_by(edited)
    world.gateway.start()
    run = waiting(world, [refund(630)])
    gus = world.gateway.caller("gus", "admin")
    press = call(world.fiona, APPROVE, {**step_of(run), "approvedBy": "fiona"})
    assert sorted(at_once(*[press] * 4)) == ["CONFLICT"] * 3 + ["OK"]
    assert world.execution(run["executionId"])["status"] == "WAITING_APPROVAL"
    more = call(gus, APPROVE, {**step_of(run), "approvedBy": "gus"})
    assert sorted(at_once(press, more, more)) == ["CONFLICT"] * 2 + ["OK"]
    assert world.wait(run["executionId"], *OVER)["status"] == "COMPLETED"
    assert decisions(world, run) == ["approval.voted"] * 2
