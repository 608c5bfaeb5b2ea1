"""Operators over HTTP: each command happy, denied, in a wrong state, elsewhere and malformed."""

import signal
import threading
from collections.abc import Callable, Iterator

import pytest

from tests.acceptance.drafts import (
    approve,
    cancel_subscription,
    ended,
    lookup,
    refund,
    refunds,
    replies,
    reply,
    waiting,
)
from tests.processes import Caller, JsonObject
from tests.world import World, wait_until

Make = Callable[[World], JsonObject]

COMMANDS = {
    "pause": ("controlPlaneExecutionPause", "runId status pausedAt", "pausedBy"),
    "resume": ("controlPlaneExecutionResume", "runId status resumedAt", "resumedBy"),
    "shutdown": ("controlPlaneExecutionShutdown", "runId status shutdownAt", "shutdownBy"),
    "abort": ("controlPlaneExecutionAbort", "runId status abortedAt", "abortedBy"),
    "retry": ("controlPlaneExecutionRetry", "runId status phase retriedAt", "retriedBy"),
    "cancel": ("controlPlaneExecutionCancel", "executionId status cancelledAt", "cancelledBy"),
    "compensate": (
        "controlPlaneExecutionCompensate",
        "runId compensationExecutionId compensationRunId status stepCount startedAt",
        "compensatedBy",
    ),
    "reconcile": (
        "controlPlaneStepReconcile",
        "runId stepId status executionStatus reconciledAt",
        "reconciledBy",
    ),
}
FIELDS = {name: (field, selection) for name, (field, selection, _) in COMMANDS.items()}
UNKNOWN_ORDER = "o-none"


@pytest.fixture(scope="module")
def world(each_world: World) -> World:
    """Each test here holds on every database."""
    return each_world


@pytest.fixture(autouse=True)
def _no_faults_left(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "world" in request.fixturenames:
        request.getfixturevalue("world").service.clear_faults()


def otto(world: World) -> Caller:
    """Somebody with the role operator, and no more than that and user."""
    return world.gateway.caller("otto", "user", "operator")


def value(command: str, run: JsonObject, by: str = "otto", **more: object) -> JsonObject:
    """The input of a command for this run."""
    named: JsonObject = {"runId": run["runId"], COMMANDS[command][2]: by, **more}
    if command == "cancel":
        named = {"executionId": run["executionId"], "cancelledBy": by, **more}
    if command == "reconcile":
        told = {"stepId": run.get("stepId", "step_none"), "attempt": 1, "outcome": "FAILED"}
        named = {**told, "note": "I looked.", **named}
    return named


def give(world: World, command: str, run: JsonObject, **more: object) -> JsonObject:
    return otto(world).mutate(*FIELDS[command], value(command, run, **more))


def refused(world: World, command: str, run: JsonObject, **more: object) -> JsonObject:
    return otto(world).refused(*FIELDS[command], value(command, run, **more))


def steps(world: World, run: JsonObject) -> dict[str, str]:
    return {step["key"]: step["status"] for step in world.plan(run["executionId"])["steps"]}


def completed(world: World) -> JsonObject:
    run = world.run([lookup()])
    assert ended(world, run) == "COMPLETED"
    return run


def failed(world: World) -> JsonObject:
    run = world.run([refund(1.01), lookup(order=UNKNOWN_ORDER, dependsOn=["refund"])])
    assert ended(world, run) == "FAILED"
    return run


def paused(world: World) -> JsonObject:
    run = waiting(world)
    give(world, "pause", run)
    return run


def unresolved(world: World, body: str = "lost") -> JsonObject:
    world.service.fault("/tickets/*/replies", "cut", after_effect=True)
    run = world.run([reply(body), lookup(dependsOn=["reply"])])
    assert ended(world, run) == "UNRESOLVED"
    return {**run, "stepId": world.step(run["executionId"], "reply")["stepId"]}


HAPPY: dict[str, tuple[Make, str]] = {
    "pause": (waiting, "PAUSED"),
    "resume": (paused, "RUNNING"),
    "shutdown": (waiting, "CANCELLED"),
    "abort": (waiting, "ABORTED"),
    "retry": (failed, "RUNNING"),
    "cancel": (waiting, "CANCELLED"),
    "compensate": (failed, "RUNNING"),
    "reconcile": (unresolved, "FAILED"),
}
EVERY = pytest.mark.parametrize("command", COMMANDS)


@EVERY
def test_an_operator_gives_the_command_and_the_trace_names_them(world: World, command: str) -> None:
    make, status = HAPPY[command]
    run = make(world)
    answer = give(world, command, run)
    assert answer["status"] == status
    assert answer.get("phase", "RUN") == "RUN"
    assert "otto" in [entry.get("actorId") for entry in world.trace(run["executionId"])]


@EVERY
def test_whoever_lacks_the_role_is_denied(world: World, command: str) -> None:
    run = HAPPY[command][0](world)
    before = world.execution(run["executionId"])["status"]
    for name, *roles in (("ursula", "user"), ("fiona", "user", "approver"), ("agent-7", "user")):
        caller = world.gateway.caller(name, *roles)
        assert caller.refused(*FIELDS[command], value(command, run, name))["code"] == "FORBIDDEN"
    code = world.gateway.anonymous().refused(*FIELDS[command], value(command, run, "x"))["code"]
    assert code == "UNAUTHENTICATED"
    assert world.execution(run["executionId"])["status"] == before


@EVERY
def test_nobody_acts_in_the_name_of_somebody_else(world: World, command: str) -> None:
    run = HAPPY[command][0](world)
    told = refused(world, command, run, by="olga")
    assert told["code"] == "FORBIDDEN"
    assert told["problem"]["issues"][0]["path"] == f"/input/{COMMANDS[command][2]}"


@EVERY
def test_a_state_without_an_effect_is_a_conflict_that_names_it(world: World, command: str) -> None:
    run = completed(world)
    told = refused(world, command, run)
    assert (told["code"], told["problem"]["currentStatus"]) == ("CONFLICT", "COMPLETED")
    assert world.execution(run["executionId"])["status"] == "COMPLETED"


@EVERY
def test_a_run_of_another_workspace_is_not_there(world: World, command: str) -> None:
    run = HAPPY[command][0](world)
    before = world.execution(run["executionId"])["status"]
    stranger = world.gateway.caller("otto", "user", "operator", workspace="globex")
    told = stranger.refused(*FIELDS[command], value(command, run))
    nowhere = {"runId": "run_none", "executionId": "exec_none"}
    other = refused(world, command, nowhere)
    assert (told["code"], other["code"]) == ("NOT_FOUND", "NOT_FOUND")
    assert world.execution(run["executionId"])["status"] == before


@EVERY
def test_malformed_input_is_refused_with_every_place(world: World, command: str) -> None:
    run = {"runId": "run_none", "executionId": "exec_none"}
    empty: JsonObject = {}
    body = otto(world)._call("mutation", *FIELDS[command], empty, None)
    assert body["errors"][0]["extensions"]["code"] in (
        "GRAPHQL_VALIDATION_FAILED",
        "BAD_REQUEST",
        "VALIDATION_FAILED",
    )
    more = {**value(command, run), "surprise": 1}
    body = otto(world)._call("mutation", *FIELDS[command], more, None)
    assert "surprise" in str(body["errors"])


@EVERY
def test_a_command_with_an_idempotency_key_is_performed_once(world: World, command: str) -> None:
    run = HAPPY[command][0](world)
    key = f"{command}-{run['runId']}"
    first = otto(world).mutate(*FIELDS[command], value(command, run), key)
    assert otto(world).mutate(*FIELDS[command], value(command, run), key) == first
    acts = [entry for entry in world.trace(run["executionId"]) if entry.get("actorId") == "otto"]
    assert len([entry for entry in acts if entry["status"] == acts[-1]["status"]]) == 1


# --- attempts on their way


def slowly(world: World, body: str) -> JsonObject:
    """A run whose reply has had its effect; its answer comes with ``clear_faults``."""
    world.service.fault("/tickets/*/replies", "hold", after_effect=True)
    run = world.run([reply(body), lookup(dependsOn=["reply"])])
    wait_until(lambda: replies(world, body) == 1, 20)
    return run


def test_a_pause_lets_the_step_on_its_way_finish_and_begins_no_other(world: World) -> None:
    run = slowly(world, "paused meanwhile")
    assert give(world, "pause", run)["status"] == "PAUSED"
    world.service.clear_faults()
    wait_until(lambda: steps(world, run)["reply"] == "COMPLETED", 20)
    assert steps(world, run)["order"] == "PLANNED"
    assert world.execution(run["executionId"])["status"] == "PAUSED"
    give(world, "resume", run)
    assert ended(world, run) == "COMPLETED"
    assert replies(world, "paused meanwhile") == 1


def test_a_shutdown_finishes_what_is_on_its_way_and_then_cancels(world: World) -> None:
    run = slowly(world, "shut down meanwhile")
    assert give(world, "shutdown", run)["status"] == "RUNNING"
    assert refused(world, "shutdown", run)["code"] == "CONFLICT"
    assert "being shut down" in refused(world, "pause", run)["problem"]["detail"]
    world.service.clear_faults()
    assert ended(world, run) == "CANCELLED"
    assert steps(world, run) == {"reply": "COMPLETED", "order": "CANCELLED"}


def test_an_abort_ends_at_once_and_a_late_answer_is_recorded_truthfully(world: World) -> None:
    run = slowly(world, "aborted meanwhile")
    assert give(world, "abort", run)["status"] == "ABORTED"
    assert steps(world, run) == {"reply": "UNRESOLVED", "order": "CANCELLED"}
    world.service.clear_faults()
    wait_until(lambda: steps(world, run)["reply"] == "COMPLETED", 20)
    assert world.execution(run["executionId"])["status"] == "ABORTED"
    (attempt,) = world.step(run["executionId"], "reply")["attempts"]
    assert (attempt["status"], attempt["problem"]) == ("completed", None)
    for command in ("resume", "retry"):
        assert refused(world, command, run)["problem"]["currentStatus"] == "ABORTED"


def test_a_late_answer_overwrites_nothing_that_an_operator_settled(world: World) -> None:
    run = slowly(world, "settled meanwhile")
    give(world, "abort", run)
    step_id = world.step(run["executionId"], "reply")["stepId"]
    give(world, "reconcile", {**run, "stepId": step_id})
    world.service.clear_faults()
    kinds = lambda: [entry["status"] for entry in world.trace(run["executionId"])]  # noqa: E731 - read anew
    wait_until(lambda: "step.late" in kinds(), 20)
    assert steps(world, run)["reply"] == "FAILED"


def test_many_operators_at_once_leave_one_consistent_history(world: World) -> None:
    run = slowly(world, "many hands")
    answers: list[JsonObject] = []

    def act(command: str) -> None:
        body = otto(world)._call("mutation", *FIELDS[command], value(command, run), None)
        answers.append(body)

    names = ["pause", "resume", "pause", "shutdown", "resume", "abort", "cancel"] * 3
    hands = [threading.Thread(target=act, args=(name,)) for name in names]
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join()
    world.service.clear_faults()
    codes = {body["errors"][0]["extensions"]["code"] for body in answers if "errors" in body}
    assert codes == {"CONFLICT"}
    status = world.wait(run["executionId"], "ABORTED", "CANCELLED")["status"]
    kinds = [entry["status"] for entry in world.trace(run["executionId"])]
    assert kinds.count("run.ended") == 1
    assert status in ("ABORTED", "CANCELLED")
    assert 0 <= kinds.count("run.paused") - kinds.count("run.resumed") <= 1


# --- retry, reconcile, compensate


def test_a_retry_keeps_what_is_completed_and_sends_the_rest_anew(world: World) -> None:
    world.service.fault("/tickets/*/replies", "503", times=4)
    run = world.run([refund(1.02), reply("after the retry", dependsOn=["refund"])])
    status = world.wait(run["executionId"], "FAILED", "UNRESOLVED", seconds=30)["status"]
    world.service.clear_faults()
    if status == "UNRESOLVED":  # an undeclared 5xx may have had its effect
        assert replies(world, "after the retry") == 0
    assert give(world, "retry", run)["phase"] == "RUN"
    assert ended(world, run) == "COMPLETED"
    assert (replies(world, "after the retry"), len(refunds(world, 102))) == (1, 1)


def test_a_reconciled_run_goes_on_with_the_output(world: World) -> None:
    run = unresolved(world, "done by hand")
    output = {"replyId": "m-1", "status": "SENT"}
    wrong = refused(world, "reconcile", run, outcome="DONE", output={"status": "LOST"})
    paths = [issue["path"] for issue in wrong["problem"]["issues"]]
    assert (wrong["code"], sorted(paths)) == (
        "VALIDATION_FAILED", ["/input/output/replyId", "/input/output/status"],
    )  # fmt: skip
    for blank in ("", "  ", "\u200b"):
        (issue,) = refused(world, "reconcile", run, note=blank)["problem"]["issues"]
        assert (issue["path"], issue["code"]) == ("/input/note", "REQUIRED")
    late = refused(world, "reconcile", run, attempt=2)
    assert "UNRESOLVED at attempt 1" in late["problem"]["detail"]
    answer = give(world, "reconcile", run, outcome="DONE", output=output)
    assert (answer["status"], answer["executionStatus"]) == ("COMPLETED", "RUNNING")
    assert ended(world, run) == "COMPLETED"
    assert replies(world, "done by hand") == 1


def test_a_step_that_is_repeated_is_sent_once_more(world: World) -> None:
    run = unresolved(world, "sent twice on purpose")
    assert give(world, "reconcile", run, outcome="REPEAT")["status"] == "READY"
    assert ended(world, run) == "COMPLETED"
    assert replies(world, "sent twice on purpose") == 2


def test_a_compensation_undoes_the_last_first_under_the_rules_of_any_run(world: World) -> None:
    plan = [
        refund(1.03),
        cancel_subscription(dependsOn=["refund"]),
        lookup(order=UNKNOWN_ORDER, dependsOn=["cancel"]),
    ]
    run = world.run(plan)
    world.wait(run["executionId"], "WAITING_APPROVAL")
    (asked,) = world.approvals(run["executionId"], "PENDING")
    approve(world.fiona, "fiona", {**run, "stepId": asked["stepId"]})
    assert ended(world, run) == "FAILED"
    before = len(world.service.effects())
    answer = give(world, "compensate", run, reason="wrong customer")
    undo = {"executionId": answer["compensationExecutionId"], "runId": answer["compensationRunId"]}
    assert answer["stepCount"] == 2
    while world.wait(undo["executionId"], "COMPLETED", "WAITING_APPROVAL")["status"] != "COMPLETED":
        for one in world.approvals(undo["executionId"], "PENDING"):
            approve(world.fiona, "fiona", {**undo, "stepId": one["stepId"]})
    kinds = [effect["kind"] for effect in world.service.effects()[before:]]
    assert kinds == ["reactivation", "reversal"]
    assert steps(world, run) == {
        "refund": "COMPENSATED", "cancel": "COMPENSATED", "order": "FAILED",
    }  # fmt: skip
    told = [entry["status"] for entry in world.trace(run["executionId"])]
    assert told[-3:] == ["compensation.started", "step.compensated", "step.compensated"]
    for command in ("compensate", "retry"):
        assert "compensation began" in refused(world, command, run)["problem"]["detail"]


def test_where_there_is_nothing_to_undo_it_says_so(world: World) -> None:
    run = world.run([lookup(order=UNKNOWN_ORDER)])
    assert ended(world, run) == "FAILED"
    assert refused(world, "compensate", run)["code"] == "PRECONDITION_FAILED"


def test_a_draft_may_ask_to_be_undone_when_it_fails(world: World) -> None:
    steps_of = [refund(1.04), lookup(order=UNKNOWN_ORDER, dependsOn=["refund"])]
    intent = world.submit()
    named = {"executionId": intent["executionId"]}
    plan = world.agent.mutate(
        "controlPlanePlanCompile",
        "planId",
        {**named, "intentId": intent["intentId"],
         "draft": {"steps": steps_of, "onFailure": "compensate"}},
    )  # fmt: skip
    world.verify({**named, **plan})
    run = {**named, **world.olga.mutate("controlPlaneExecutionStart", "runId", {**named, **plan})}
    assert ended(world, run) == "FAILED"
    (begun,) = (
        entry["metadata"]
        for entry in world.trace(run["executionId"])
        if entry["status"] == "compensation.started"
    )
    undo = begun["compensationId"]
    world.wait(undo, "WAITING_APPROVAL")  # the requester is the agent who submitted the intent
    (asked,) = world.approvals(undo)
    assert asked["requestedBy"] == "agent-7"
    approve(world.fiona, "fiona", {"executionId": undo, "stepId": asked["stepId"]})
    wait_until(lambda: steps(world, run)["refund"] == "COMPENSATED", 20)


# --- restarts


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_paused_run_stays_paused_over_a_restart(own_world: World, how: signal.Signals) -> None:
    run = waiting(own_world, [lookup(), refund(250, dependsOn=["order"])])
    give(own_world, "pause", run)
    own_world.gateway.stop(how)
    own_world.gateway.start()
    assert own_world.execution(run["executionId"])["status"] == "PAUSED"
    approve(own_world.fiona, "fiona", run)
    assert own_world.execution(run["executionId"])["status"] == "PAUSED"
    assert own_world.service.effects("refund") == []
    give(own_world, "resume", run)
    assert ended(own_world, run) == "COMPLETED"


def test_a_run_that_is_being_shut_down_ends_cancelled_after_a_crash(own_world: World) -> None:
    run = slowly(own_world, "stopped and cut off")
    give(own_world, "shutdown", run)
    own_world.gateway.stop(signal.SIGKILL)
    own_world.gateway.start()
    assert ended(own_world, run) == "CANCELLED"
    assert steps(own_world, run) == {"reply": "UNRESOLVED", "order": "CANCELLED"}
    assert replies(own_world, "stopped and cut off") == 1
    assert own_world.gateway.stop() == 0
    assert own_world.gateway.command("audit", "verify").returncode == 0
