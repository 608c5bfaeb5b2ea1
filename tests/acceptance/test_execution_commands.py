"""``gateway execution``, ``approval`` and ``policy explain`` before a running gateway."""

import json
import os
import pty
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import yaml

from gateway.model.principal import PrincipalType
from gateway.model.system import SystemClock
from tests.acceptance.commanding import Commander, cable_to, rest_of
from tests.acceptance.drafts import lookup, refund, reply, verified, waiting
from tests.world import World, end_world, make_world, wait_until

REFUND = [lookup(), refund(250, dependsOn=["order"]), reply("Done.", dependsOn=["refund"])]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = make_world(tmp_path_factory.mktemp("world"))
    yield world
    end_world(world)


@pytest.fixture
def olga(world: World) -> Commander:
    return Commander.of(world.olga)


@pytest.fixture
def fiona(world: World) -> Commander:
    return Commander.of(world.fiona)


@pytest.fixture
def draft(tmp_path: Path) -> str:
    """A refund that needs an approval, as a YAML file."""
    file = tmp_path / "draft.yaml"
    file.write_text(yaml.safe_dump({"steps": REFUND}))
    return str(file)


def test_a_draft_is_started_shown_decided_and_followed_to_its_end(
    world: World, olga: Commander, fiona: Commander, draft: str
) -> None:
    told = olga.ask("execution", "start", draft, "--yes")
    execution = told["executionId"]
    assert told["verification"]["verdict"] == "ASSIST"
    assert told["run"]["status"] == "RUNNING"
    assert told["plan"]["stepCount"] == 3
    world.wait(execution, "WAITING_APPROVAL")

    (asked,) = fiona.ask("approval", "list", "--execution", execution)["items"]
    assert asked["contract"] == "support.refund.issue@1.0.0"
    agreed = fiona.ask("execution", "approve", execution, "--yes", "--note", "seen")
    assert (agreed["stepId"], agreed["status"]) == (asked["stepId"], "APPROVED")

    done = olga.run("execution", "watch", execution)
    assert done.exit_code == 0
    last = {key: status for _, key, status, _ in map(str.split, done.stdout.splitlines())}
    assert last == dict.fromkeys(("-", "order", "refund", "reply"), "COMPLETED")


def test_the_plan_is_drawn_in_ascii_in_a_pipe_and_steps_are_rows_with_tabs(
    world: World, olga: Commander
) -> None:
    run = waiting(world, REFUND)
    shown = olga.run("execution", "show", run["executionId"], "--trace")
    assert shown.exit_code == 0
    assert shown.stdout.isascii()
    assert "\x1b" not in shown.stdout
    lines = shown.stdout.splitlines()
    assert "| [ok] order           |" in shown.stdout
    assert "| [??] refund          |" in shown.stdout
    assert "status\tWAITING_APPROVAL" in lines
    assert "refund\tWAITING_APPROVAL\tASSIST\tHIGH\t0\tsupport.refund.issue@1.0.0" in lines
    assert any(line.endswith("\tAPPROVE\tapproval.requested\trefund\t-") for line in lines)
    assert any(line.startswith("refund waits ") and "=" in line for line in lines)


def test_json_is_what_the_api_gave(world: World, olga: Commander) -> None:
    run = waiting(world, REFUND)
    told = olga.ask("execution", "show", run["executionId"], "--trace")
    assert set(told) == {"execution", "plan", "trace"}
    assert told["execution"]["executionId"] == run["executionId"]
    assert [step["key"] for step in told["plan"]["steps"]] == ["order", "refund", "reply"]
    assert told["trace"]["entries"][0]["status"] == "intent.received"
    listed = olga.ask("execution", "list", "--limit", "1", "--status", "waiting_approval")
    assert [item["executionId"] for item in listed["items"]] == [run["executionId"]]
    assert listed["total"] >= 1


def test_a_list_in_a_pipe_tells_last_who_asked(world: World, olga: Commander) -> None:
    theirs = world.submit(world.agent)["executionId"]
    rows = [
        row.split("\t")
        for row in olga.run("execution", "list", "--limit", "200").stdout.splitlines()
    ]
    assert [row[4] for row in rows if row[0] == theirs] == ["agent-7"]


@pytest.mark.parametrize("what", ["execution", "approval", "skill"])
def test_a_list_offers_as_many_at_once_as_the_gateway_gives(olga: Commander, what: str) -> None:
    assert olga.run(what, "list", "--limit", "200").exit_code == 0
    assert olga.run(what, "list", "--limit", "201").exit_code == 2


def test_an_empty_list_says_so_to_people_and_nothing_to_a_pipe(olga: Commander) -> None:
    assert olga.run("skill", "list").stdout == ""
    assert "0 of 0" in olga.run("skill", "list", "--color", "always").stdout


def test_colour_and_box_characters_come_when_asked_for(world: World, olga: Commander) -> None:
    run = waiting(world, REFUND)
    shown = olga.run("execution", "show", run["executionId"], "--color", "always").stdout
    assert "✓ order" in shown
    assert "╭" in shown
    assert "\x1b[33m" in shown
    assert f"`gateway execution approve {run['executionId']}`" in shown


def test_nothing_starts_without_a_yes_and_can_be_started_later(olga: Commander, draft: str) -> None:
    done = olga.run("execution", "start", draft, given="n\n")
    assert done.exit_code == 1
    assert "Start it (ASSIST)?" in done.stderr
    execution = done.stdout.split()[1]
    assert f"gateway execution start --execution {execution}" in done.stderr
    assert olga.ask("execution", "show", execution)["execution"]["status"] == "VERIFIED"

    later = olga.run("execution", "start", "--execution", execution, given="y\n")
    assert later.exit_code == 0
    assert olga.ask("execution", "show", execution)["execution"]["runId"]


def test_a_draft_may_come_on_standard_input(olga: Commander) -> None:
    steps = json.dumps({"steps": [lookup()]})
    told = olga.ask("execution", "start", "-", "--yes", "--mode", "dry-run", given=steps)
    assert told["verification"]["verdict"] == "AUTONOMOUS"
    assert olga.run("execution", "watch", told["executionId"]).exit_code == 0

    done = olga.run("execution", "start", "-", "--yes", "--watch", given=steps)
    assert done.exit_code == 0
    assert "\torder\tCOMPLETED\t-" in done.stdout
    coloured = olga.run("execution", "watch", told["executionId"], "--color", "always").stdout
    assert "  -  \x1b[32m✓ COMPLETED\x1b[0m" in coloured


def test_a_blocked_plan_ends_with_1_and_says_why(world: World) -> None:
    agent, steps = Commander.of(world.agent), json.dumps({"steps": [refund(20_000)]})
    done = agent.run("execution", "start", "-", "--yes", given=steps)
    assert done.exit_code == 1
    assert "verdict\tBLOCKED" in done.stdout
    assert "blocked: " in done.stdout
    done = agent.run("execution", "start", "-", "--json", given=steps)
    assert done.exit_code == 1
    assert json.loads(done.stdout)["run"] is None


def test_every_fault_of_a_draft_is_told_with_its_place(olga: Commander, tmp_path: Path) -> None:
    steps = json.dumps({"steps": [{**lookup(), "contract": "support.nothing"}]})
    done = olga.run("execution", "start", "-", "--yes", given=steps)
    assert (done.exit_code, done.stdout) == (1, "")
    assert "/draft/steps/0/contract: UNKNOWN_CONTRACT:" in done.stderr

    broken = tmp_path / "draft.yaml"
    broken.write_text("steps: [\n")
    done = olga.run("execution", "start", str(broken))
    assert (done.exit_code, done.stdout) == (1, "")
    assert f"{broken}:2" in done.stderr
    broken.write_text("[]")
    assert "It must hold one object" in olga.refused("execution", "start", str(broken))


def test_an_intent_without_a_plan_says_what_is_missing(olga: Commander) -> None:
    said = olga.refused("execution", "start", "--text", "Please refund o-1001", "--yes")
    assert re.match("gateway: Execution exec_[0-9a-f]+ was begun", said)
    assert "\ngateway: PRECONDITION_FAILED: " in said
    assert "See docs/errors/PRECONDITION_FAILED.md." in said


def test_a_rejection_ends_the_run_and_the_watch_with_1(
    world: World, olga: Commander, fiona: Commander
) -> None:
    run = waiting(world)
    watching = olga.start("execution", "watch", run["executionId"])
    assert watching.stdout is not None
    assert watching.stdout.readline().split("\t")[1:3] == ["-", "WAITING_APPROVAL"]
    fiona.ask("execution", "reject", run["executionId"], "--reason", "Too much.")
    rest, errors = rest_of(watching)
    assert (watching.returncode, errors) == (1, "")
    assert "\t-\tREJECTED\t-" in rest


def test_a_watch_goes_on_after_a_cut_and_tells_each_event_once(
    world: World, olga: Commander, fiona: Commander
) -> None:
    run = waiting(world, [refund(250), reply("One."), refund(251, "more", dependsOn=["refund"])])
    with cable_to(olga.url) as cable:
        watching = replace(olga, url=cable.url).start(
            "execution", "watch", run["executionId"], "--json"
        )
        wait_until(lambda: cable.made >= 2, 30)
        fiona.ask("execution", "approve", run["executionId"], "--yes")
        assert watching.stdout is not None
        first = watching.stdout.readline()
        cable.cut()
        world.wait(run["executionId"], "WAITING_APPROVAL")
        wait_until(lambda: bool(fiona.ask("approval", "list", "--mine")["items"]), 10)
        fiona.ask("execution", "approve", run["executionId"], "--yes")
        rest, errors = rest_of(watching)
    assert (watching.returncode, errors) == (0, "")
    *events, last = [json.loads(line) for line in [first, *rest.splitlines()]]
    told = [one["event"] for one in events]
    listed = world.olga.query(
        "controlPlaneEventList",
        "items { cursor }",
        {"filter": {"executionId": run["executionId"]}, "after": told[0]["cursor"]},
    )
    assert [event["cursor"] for event in told[1:]] == [one["cursor"] for one in listed["items"]]
    assert told[-1]["type"] == "controlPlane.execution.completed"
    assert last["execution"]["status"] == "COMPLETED"


def test_a_terminal_shows_the_plan_as_it_changes(
    world: World, olga: Commander, fiona: Commander
) -> None:
    run = waiting(world, REFUND)
    near, far = pty.openpty()
    more = {"TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8", "COLUMNS": "100"}
    watching = replace(olga, more=more).start(
        "execution", "watch", run["executionId"], stdout=far, stdin=far
    )
    os.close(far)
    seen = bytearray()
    reader = threading.Thread(target=_read_all, args=(near, seen))
    reader.start()
    wait_until(lambda: "? refund" in seen.decode(errors="ignore"), 30)
    fiona.ask("execution", "approve", run["executionId"], "--yes")
    assert watching.wait(30) == 0
    reader.join(10)
    os.close(near)
    text = seen.decode()
    assert text.index("? refund") < text.index("✓ refund")
    assert "╭" in text
    assert watching.stderr is not None
    assert watching.stderr.read() == ""
    watching.stderr.close()


def _read_all(terminal: int, seen: bytearray) -> None:
    """Take what a terminal is sent, until whoever writes has ended."""
    try:
        while part := os.read(terminal, 65_536):
            seen.extend(part)
    except OSError:
        return


def test_what_may_be_decided_is_shown_and_asked(
    world: World, fiona: Commander, olga: Commander
) -> None:
    run = waiting(world)
    done = fiona.run("execution", "approve", run["executionId"], given="n\n")
    assert done.exit_code == 1
    assert "contract\tsupport.refund.issue@1.0.0" in done.stdout
    assert "  amount\t250" in done.stdout
    assert "Nothing was decided." in done.stderr
    said = fiona.refused("execution", "approve", run["executionId"], "--step", "step_0")
    assert "NOT_FOUND" in said
    several = waiting_twice(world)
    done = fiona.run("execution", "approve", several, "--yes")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "Several steps wait. Name one with --step" in done.stderr


def waiting_twice(world: World) -> str:
    """An execution of which two steps wait."""
    execution = world.run([refund(250), refund(251, "other")])["executionId"]
    wait_until(lambda: len(world.approvals(execution, "PENDING")) == 2, 20)
    return str(execution)


def test_operators_steer_a_run(world: World, olga: Commander) -> None:
    execution = waiting(world)["executionId"]
    assert olga.ask("execution", "pause", execution, "--reason", "Wait.")["status"] == "PAUSED"
    assert olga.run("execution", "resume", execution).stdout.splitlines()[1].startswith("status\t")
    assert olga.ask("execution", "cancel", execution)["status"] == "CANCELLED"
    said = olga.refused("execution", "pause", execution)
    assert said.startswith("gateway: CONFLICT: ")
    for verb, status in (("abort", "ABORTED"), ("shutdown", "CANCELLED")):
        execution = waiting(world)["executionId"]
        assert olga.ask("execution", verb, execution)["status"] == status


def test_what_was_not_started_has_no_run_to_steer(world: World, olga: Commander) -> None:
    execution = verified(world, [lookup()])["executionId"]
    said = olga.refused("execution", "pause", execution)
    assert "is VERIFIED and has no run yet" in said
    assert olga.ask("execution", "cancel", execution)["status"] == "CANCELLED"


def test_a_step_in_doubt_is_reconciled_and_a_failed_run_tried_again(
    world: World, olga: Commander, tmp_path: Path
) -> None:
    world.service.fault("/tickets/*/replies", "500", after_effect=True)
    execution = world.run([reply("In doubt.")])["executionId"]
    world.wait(execution, "UNRESOLVED")
    world.service.clear_faults()
    settled = olga.ask("execution", "reconcile", execution, "reply", "failed", "--note", "Looked.")
    assert settled["status"] == "FAILED"
    world.wait(execution, "FAILED")
    assert olga.run("execution", "watch", execution).exit_code == 1
    assert olga.ask("execution", "retry", execution)["status"] == "RUNNING"
    world.wait(execution, "COMPLETED")
    said = olga.refused("execution", "reconcile", execution, "none", "done", "--note", "Looked.")
    assert "has no step 'none'" in said


def test_completed_steps_are_compensated(world: World, olga: Commander) -> None:
    run = world.run([refund(50), refund(251, "more", dependsOn=["refund"])])
    world.wait(run["executionId"], "WAITING_APPROVAL")
    olga.ask("execution", "cancel", run["executionId"])
    undone = olga.ask("execution", "compensate", run["executionId"], "--reason", "Undo.")
    assert undone["stepCount"] == 1
    assert undone["compensationExecutionId"] != run["executionId"]


def test_a_replay_that_is_identical_ends_with_0(world: World, olga: Commander) -> None:
    run = world.run([lookup()])
    world.wait(run["executionId"], "COMPLETED")
    done = olga.run("execution", "replay", run["executionId"], "--mode", "policy")
    assert done.exit_code == 0
    assert done.stdout.startswith("replay\tidentical\n")


def test_a_token_that_is_over_is_told_as_such(world: World, olga: Commander) -> None:
    late = world.gateway.issuer(PastClock()).issue(
        subject="olga", type=PrincipalType.HUMAN, roles=("admin",), workspace="acme", ttl=60
    )
    said = replace(olga, token=late).refused("execution", "list")
    assert said.startswith("gateway: UNAUTHENTICATED: ")
    assert "TOKEN_EXPIRED: The token has expired. Get a new one." in said
    assert late not in said
    said = replace(olga, token="opaque").refused("execution", "pause", "exec_0")
    assert "UNAUTHENTICATED" in said


class PastClock(SystemClock):
    """The clock of an hour ago."""

    def now(self) -> datetime:
        return super().now() - timedelta(hours=1)


def test_who_asked_for_it_sees_it_without_the_rights_of_an_operator(world: World) -> None:
    agent = Commander.of(world.agent)
    run = waiting(world, REFUND)
    assert "FORBIDDEN" in agent.refused("execution", "list")
    told = agent.ask("execution", "show", run["executionId"], "--mine")
    assert [step["key"] for step in told["execution"]["steps"]] == ["order", "refund", "reply"]
    assert run["executionId"] in agent.run("execution", "list", "--mine", "--limit", "200").stdout
    shown = agent.run("execution", "show", run["executionId"], "--mine").stdout
    assert "[??] refund  support.refund.issue@1.0.0" in shown
    assert "NOT_FOUND" in agent.refused("execution", "show", "exec_0", "--mine")


def test_a_verifier_sees_the_execution_without_its_plan(world: World) -> None:
    run = waiting(world)
    vera = Commander.of(world.gateway.caller("vera", "user", "verifier"))
    told = vera.ask("execution", "show", run["executionId"])
    assert told["plan"] is None
    shown = vera.run("execution", "show", run["executionId"]).stdout
    assert "The plan is not shown to you" in shown


def test_policy_says_why_somebody_may_call_something(olga: Commander, tmp_path: Path) -> None:
    about = ["policy", "explain", "support.refund.issue", "--subject", "bot", "--type", "agent"]
    arguments = tmp_path / "arguments.json"
    arguments.write_text(json.dumps({"orderId": "o-1", "amount": 250, "currency": "EUR"}))
    told = olga.ask(*about, "--role", "user", "--arguments", str(arguments))
    assert (told["decision"], told["verdict"]) == ("ALLOW", "ASSIST")
    denied = olga.run(*about)
    assert denied.exit_code == 0
    assert denied.stdout.startswith("decision\tDENY\n")
    shown = olga.run(*about, "--arguments", str(arguments)).stdout
    assert "access\tallow\tthe role user" in shown
    assert "the role user; the approval of one person with the role approver\n" in shown
    shown = olga.run(*about, "--role", "user", "--arguments", str(arguments)).stdout
    assert "it is for principals of the type tool alone; amount <= 100 does not hold" in shown
    lonely = olga.run("policy", "explain", "support.refund.issue", "--role", "user")
    assert lonely.exit_code == 2
