"""Failings known of other systems of this kind, each shown to be impossible here.

docs/known-failings.md lists them all with their tests; those that need a world of their own topic
stand with that topic.
"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.acceptance.drafts import (
    APPROVE,
    START,
    approve,
    ids,
    lookup,
    policies,
    refund,
    step_of,
    verified,
    waiting,
)
from tests.processes import JsonObject
from tests.world import World

SMALL = "type:agent, *, support.refund.issue?, *, amount <= 100, autonomous, -, -, -"
SECRET = "Quokka-4711 wants her money back"
EMAIL = "quokka-4711@burrow.example"


def stored(world: World) -> bytes:
    """Every byte below the data folder, the log included."""
    files = [path for path in world.gateway.folder.rglob("*") if path.is_file()]
    return b"".join(path.read_bytes() for path in files)


def test_replay_decides_again_and_copies_no_stored_verdict(
    own_world: World, tmp_path: Path
) -> None:
    run = own_world.run([refund(50)])
    own_world.wait(run["executionId"], "COMPLETED")
    value = {"executionId": run["executionId"], "mode": "POLICY"}
    selection = (
        "identical recordedPolicyVersion policyVersion differences { path recorded replayed }"
    )
    before = own_world.olga.query("controlPlaneTraceReplay", selection, value)
    own_world.gateway.stop()
    changed = SMALL.replace("autonomous, -, -, -", "assist, approver, 1, 24h")
    own_world.gateway.lead_by(policies(tmp_path / "policies", (SMALL, changed)))
    own_world.gateway.start()
    after = own_world.olga.query("controlPlaneTraceReplay", selection, value)

    assert before["identical"] is True
    assert after["identical"] is False
    assert after["policyVersion"] != after["recordedPolicyVersion"]
    told = [(item["recorded"], item["replayed"]) for item in after["differences"]]
    assert ("autonomous", "assist") in told, told


def test_no_trace_says_completed_before_anything_was_dispatched(world: World) -> None:
    run = world.run([lookup(), refund(50, dependsOn=["order"])])
    world.wait(run["executionId"], "COMPLETED")

    dispatched: set[str] = set()
    completed: set[str] = set()
    for entry in world.trace(run["executionId"]):
        step = entry["metadata"].get("stepId")
        if entry["status"] == "step.dispatched":
            dispatched.add(step)
        elif entry["status"] == "step.completed":
            assert step in dispatched
            completed.add(step)
        elif entry["status"] == "run.ended":
            assert entry["metadata"]["executionStatus"] == "completed"
            assert completed == dispatched
    assert len(completed) == 2


def test_a_run_that_calls_nothing_does_not_say_that_it_dispatched(world: World) -> None:
    run = world.run([refund(50)], mode="DRY_RUN")
    world.wait(run["executionId"], "COMPLETED")

    said = [entry["status"] for entry in world.trace(run["executionId"])]
    assert "step.skipped" in said
    assert not {"step.dispatched", "step.completed"} & set(said)


def test_the_words_of_a_blocked_request_are_stored_nowhere(own_world: World) -> None:
    stranger = own_world.gateway.caller("mallory", "nobody")
    stranger.refused(
        "controlPlaneIntentSubmit", "executionId", {"workspaceId": "acme", "text": SECRET}
    )
    body = {"ticketId": "t-1", "body": SECRET}
    stranger.refused("supportCustomerReply", "messageId", body)
    close = {
        "key": "close",
        "contract": "support.account.close",
        "input": {"accountId": "a-1", "customerEmail": EMAIL, "reason": "ABUSE"},
    }
    own_world.submit(text=SECRET)
    planned = own_world.compile([close])
    assert own_world.verify(planned)["verdict"] == "BLOCKED"
    own_world.gateway.stop()

    found = stored(own_world)
    assert planned["executionId"].encode() in found
    assert SECRET.encode() not in found
    assert EMAIL.encode() not in found


def test_ids_that_would_meet_under_a_separator_stay_apart(world: World) -> None:
    """The key of ("a:b", "c") and of ("a", "b:c") would be one if they were joined."""
    first = world.gateway.caller("x:approve", "user", "approver")
    second = world.gateway.caller("x", "user", "approver")
    value = {"workspaceId": "acme", "text": "one"}
    one = first.mutate("controlPlaneIntentSubmit", "executionId", value, key="y")
    other = second.mutate("controlPlaneIntentSubmit", "executionId", value, key="approve:y")
    again = first.mutate("controlPlaneIntentSubmit", "executionId", value, key="y")

    assert one["executionId"] != other["executionId"]
    assert again == one


def test_step_keys_that_would_meet_under_a_separator_stay_apart(world: World) -> None:
    planned = world.compile(
        [refund(1, key="a-b"), refund(1, key="a", dependsOn=["a-b"]), refund(1, key="b-a")]
    )
    steps = world.plan(planned["executionId"])["steps"]
    assert len({step["stepId"] for step in steps}) == 3


def test_decisions_made_at_the_same_moment_are_all_kept(world: World) -> None:
    """Ids are no timestamps: what happens at once does not overwrite itself."""
    runs = [waiting(world, [refund(300 + number)]) for number in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda run: approve(world.fiona, "fiona", run), runs))
    for run in runs:
        world.wait(run["executionId"], "COMPLETED")
        voted = [e for e in world.trace(run["executionId"]) if e["status"] == "approval.voted"]
        assert len(voted) == 1


def test_of_many_starts_at_once_exactly_one_takes_effect(world: World) -> None:
    """What is read and what is written are one: no update is lost to another."""
    planned = verified(world, [refund(33.21)])

    def start(_: int) -> JsonObject:
        return world.olga._call("mutation", *START, ids(planned), None)  # type: ignore[no-any-return]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(start, range(8)))
    world.wait(planned["executionId"], "COMPLETED")

    assert sum("errors" not in answer for answer in answers) == 1
    said = [entry["status"] for entry in world.trace(planned["executionId"])]
    assert said.count("run.started") == 1
    paid = [e for e in world.service.effects("refund") if e["payload"]["cents"] == 3321]
    assert len(paid) == 1


def test_a_redelivered_decision_decides_once(world: World) -> None:
    run = waiting(world, [refund(410)])
    value = {**step_of(run), "approvedBy": "fiona"}

    def deliver(_: int) -> JsonObject:
        return world.fiona._call("mutation", *APPROVE, value, "the-same-key")  # type: ignore[no-any-return]

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(deliver, range(6)))
    world.wait(run["executionId"], "COMPLETED")

    told = [answer["data"]["controlPlaneExecutionApprove"] for answer in answers]
    assert all(answer == told[0] for answer in told)
    said = [entry["status"] for entry in world.trace(run["executionId"])]
    assert said.count("approval.voted") == 1
    assert len([e for e in world.service.effects("refund") if e["payload"]["cents"] == 41000]) == 1
