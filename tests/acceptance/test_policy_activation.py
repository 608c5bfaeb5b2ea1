"""Activation over HTTP: what is in force everywhere at once, and what happens where it is not."""

import asyncio
import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from gateway.model.entry import EntryType, NewEntry
from gateway.model.json import JsonObject
from gateway.model.policy import Edit
from gateway.model.ports import Tx
from gateway.model.problem import ProblemError
from gateway.policy.contents.content import apply_edits
from gateway.policy.contents.history import content_of
from gateway.policy.policies import CERTAINTY
from tests.acceptance.console import Browser, text_of
from tests.acceptance.drafts import APPROVE as APPROVE_STEP
from tests.acceptance.drafts import START, ids, refund, step_of, verified, waiting
from tests.acceptance.policy_people import (
    ACTIVATE,
    APPROVE,
    LIST,
    RESTORE,
    People,
    activation,
    add,
    allow,
    beside,
    consent,
    remove,
)
from tests.acceptance.test_grants import issued, listed, went
from tests.acceptance.test_subscriptions import following, hear, next_event, refusal
from tests.processes import HTTP, Caller
from tests.world import end_world, make_world, wait_until

BLOCK = "p, 150, user:agent-7, acme, support.refund.issue?, *, true, blocked, -, -, -, -"
LARGE = "p, 210, type:agent, *, support.refund.issue?, *, amount > 100, assist, approver, 1, 24h, -"
OTHERS_APPROVE = BLOCK.replace("true, blocked, -, -, -", "amount > 100, assist, admin, 1, 24h")
_numbers = count(1)


def may_list(who: Caller) -> bool:
    """Whether somebody may list executions, which users may not."""
    answer = who.send("query { controlPlaneExecutionList(input: {limit: 1}) { total } }").json()
    if "errors" not in answer:
        return True
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN", answer
    return False


def somebody(people: People) -> tuple[Caller, str]:
    """A user whom no rule names yet, and the row that would."""
    name = f"user{next(_numbers)}"
    return people.world.gateway.caller(name, "user"), allow(name)


def exchange(file: str, before: str, after: str) -> JsonObject:
    return {"file": file, "remove": before, "add": after}


@contextlib.contextmanager
def changed(people: People, *edits: JsonObject) -> Iterator[JsonObject]:
    """A change that is in force meanwhile, and undone afterwards as people undo one."""
    with in_force(people, people.approved(people.paula, people.peter, *edits)) as done:
        yield done


@contextlib.contextmanager
def in_force(people: People, approved: JsonObject) -> Iterator[JsonObject]:
    """The same for a change that people have approved before."""
    done = people.peter.mutate(*ACTIVATE, activation(approved, people.peter))
    try:
        yield done
    finally:
        value = {"revision": approved["base"], "reason": "Enough.", "restoredBy": "paula"}
        back = people.paula.mutate(*RESTORE, value)
        people.analyze(back)
        people.peter.mutate(*APPROVE, consent(back, people.peter))
        people.peter.mutate(*ACTIVATE, activation(back, people.peter))


# --- at once, here


def test_a_rule_decides_from_the_answer_on(people: People) -> None:
    who, row = somebody(people)
    assert may_list(who) is False
    approved = people.approved(people.wanda, people.will, add(row))
    started = time.monotonic()
    people.will.mutate(*ACTIVATE, activation(approved, people.will))
    assert may_list(who) is True
    assert time.monotonic() - started < 10
    people.activated(people.wanda, people.will, remove(row))
    assert may_list(who) is False


def test_no_call_that_begins_after_the_answer_is_decided_by_the_old_rule(people: People) -> None:
    who, row = somebody(people)
    expected = False
    stop, wrong = threading.Event(), []

    def ask() -> None:
        while not stop.is_set():
            wanted = known["allowed"]
            found = may_list(who)
            if wanted is not None and known["allowed"] is wanted and found is not wanted:
                wrong.append((wanted, found))

    known: dict[str, bool | None] = {"allowed": False}
    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(6):
        expected = not expected
        edit = add(row) if expected else remove(row)
        approved = people.approved(people.wanda, people.will, edit)
        known["allowed"] = None  # under way: either rule may decide
        people.will.mutate(*ACTIVATE, activation(approved, people.will))
        known["allowed"] = expected
        for _ in range(3):
            assert may_list(who) is expected
    stop.set()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_of_two_activations_at_once_one_comes_first(people: People) -> None:
    rows = [somebody(people) for _ in range(2)]
    approved = [people.approved(people.wanda, people.will, add(row)) for _, row in rows]
    answers: list[JsonObject] = []

    def activate(changeset: JsonObject) -> None:
        answers.append(
            people.will._call("mutation", *ACTIVATE, activation(changeset, people.will), None)
        )

    threads = [threading.Thread(target=activate, args=(one,)) for one in approved]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    codes = sorted(
        answer["errors"][0]["extensions"]["code"] if "errors" in answer else ""
        for answer in answers
    )
    assert codes == ["", "CONFLICT"]
    assert sorted(may_list(who) for who, _ in rows) == [False, True]


def test_the_record_names_the_revision_that_decided(people: People) -> None:
    who, row = somebody(people)
    done = people.activated(people.wanda, people.will, add(row))
    assert may_list(who) is True
    run = people.world.run([refund(10)])
    people.world.wait(run["executionId"], "COMPLETED")
    entries = people.world.trace(run["executionId"])
    named = [e["metadata"]["revision"] for e in entries if "revision" in e["metadata"]]
    assert set(named) == {done["revision"]}
    verified_at = [e for e in entries if e["status"] == "plan.verified"]
    assert verified_at[0]["metadata"]["revision"] == done["revision"]


def test_ready_says_which_policy_decides(people: People) -> None:
    answer = HTTP.get(f"{people.world.gateway.url}/readyz")
    assert (answer.status_code, answer.json()["policyVersion"]) == (200, people.head())


# --- runs, plans, approvals, grants


def test_a_pending_request_outlives_a_change_of_other_rules(people: People) -> None:
    world = people.world
    run = waiting(world, [refund(261)])
    _, row = somebody(people)
    people.activated(people.wanda, people.will, add(row))
    world.fiona.mutate(*APPROVE_STEP, {**step_of(run), "approvedBy": "fiona"})
    world.wait(run["executionId"], "COMPLETED")
    told = [entry["status"] for entry in world.trace(run["executionId"])]
    assert "approval.voided" not in told


def test_a_change_of_its_rule_voids_a_pending_request_at_once(people: People) -> None:
    world = people.world
    run = waiting(world, [refund(262)])
    (asked,) = world.approvals(run["executionId"])
    with changed(people, exchange("verdict.csv", LARGE, LARGE.replace("> 100", "> 99"))):
        told = lambda: [e["status"] for e in world.trace(run["executionId"])]  # noqa: E731 - asked often
        wait_until(lambda: "approval.voided" in told(), 20)
        world.wait(run["executionId"], "WAITING_APPROVAL")
        (again,) = world.approvals(run["executionId"])
        assert again["approvalId"] != asked["approvalId"]
        world.fiona.mutate(*APPROVE_STEP, {**step_of(again), "approvedBy": "fiona"})
        world.wait(run["executionId"], "COMPLETED")


@pytest.fixture
def fiona(people: People) -> Iterator[Browser]:
    """The browser of an approver."""
    with Browser(people.world.gateway.url) as browser:
        browser.cookies["gateway_session"] = people.world.fiona.token or ""
        yield browser


def test_a_request_that_was_asked_anew_is_not_decided_by_a_form_made_before(
    people: People, fiona: Browser
) -> None:
    world = people.world
    run = waiting(world, [refund(263)])
    named = f"{run['executionId']}.{run['stepId']}"
    before, chosen = (fiona.get("/console/inbox") for _ in range(2))
    review = fiona.send(chosen, "/console/inbox/review", request=named)
    (read,) = world.approvals(run["executionId"])

    def asks_anew() -> bool:
        found = world.approvals(run["executionId"])
        return bool(found) and found[0]["approvalId"] != read["approvalId"]

    with changed(people, exchange("verdict.csv", LARGE, LARGE.replace("> 100", "> 98"))):
        wait_until(asks_anew, 20)
        for page, place, action in (
            (before, "", "approve"), (before, "", "reject"), (review, "/console/inbox", "approve"),
        ):  # fmt: skip
            form = fiona.form(page, place, request=named)
            late = fiona.post("/console/inbox", {**form, "action": action, "note": "Fine."})
            assert "which is to be read first" in text_of(late)
            assert asks_anew()
        now = fiona.form(late, "", request=named, action="approve")
        assert "Approved; the run goes on." in fiona.post("/console/inbox", now).text
        world.wait(run["executionId"], "COMPLETED")


def test_a_rule_that_blocks_stops_what_waits_at_once(people: People) -> None:
    world = people.world
    run = waiting(world, [refund(263)])
    with changed(people, add(BLOCK, "verdict.csv")):
        assert world.wait(run["executionId"], "FAILED")
        assert world.step(run["executionId"], "refund")["problem"]["code"] == "FORBIDDEN"


def test_a_verified_plan_is_decided_again_at_its_start(people: People) -> None:
    world = people.world
    planned = verified(world, [refund(51)])
    with changed(people, add(BLOCK, "verdict.csv")):
        assert world.olga.refused(*START, ids(planned))["code"] == "FORBIDDEN"
    assert world.execution(planned["executionId"])["status"] == "BLOCKED"


def test_an_attempt_under_way_is_finished_and_the_next_step_decided_anew(people: People) -> None:
    world = people.world
    # Approved before: an attempt is given up after five seconds, and repeated.
    blocking = people.approved(people.paula, people.peter, add(BLOCK, "verdict.csv"))
    world.service.fault("/orders/o-1004/refunds", "hold")
    try:
        steps = [refund(11, "first"), refund(12, "second", dependsOn=["first"])]
        run = world.run(steps)
        wait_until(lambda: world.step(run["executionId"], "first")["status"] == "DISPATCHED", 10)
        with in_force(people, blocking):
            world.service.clear_faults()
            world.wait(run["executionId"], "FAILED")
    finally:
        world.service.clear_faults()
    assert world.step(run["executionId"], "first")["status"] == "COMPLETED"
    assert world.step(run["executionId"], "second")["problem"]["code"] == "FORBIDDEN"


def test_a_grant_outlives_a_change_of_other_rules_and_not_one_of_its_own(people: People) -> None:
    """What it rests on is decided anew at each use: whom the rule in force asks for approval."""
    world = people.world
    grant_id = issued(world, 366.06, maxUses=5)
    _, row = somebody(people)
    people.activated(people.wanda, people.will, add(row))
    assert went(world, 366.06) == "COMPLETED"
    with changed(people, add(OTHERS_APPROVE, "verdict.csv")):
        assert went(world, 366.06) == "WAITING_APPROVAL"
        assert listed(world.fiona)[grant_id]["uses"] == 1
    # With the rule undone, the run that waited goes under the grant too.
    wait_until(lambda: listed(world.fiona)[grant_id]["uses"] == 2, 30)


# --- subscriptions


def test_a_subscription_ends_within_a_second_of_losing_its_right(people: People) -> None:
    world = people.world
    watcher = world.gateway.caller("walter", "user")
    row = "p, user:walter, acme, controlPlane.event.list, call, allow"
    deny = "p, user:walter, acme, controlPlane.execution.mine, call, deny"
    people.activated(people.wanda, people.will, add(row), add(deny))
    with following(world, watcher) as socket:
        time.sleep(0.2)
        run = world.run([refund(13)])
        assert next_event(socket)["executionId"] == run["executionId"]
        world.wait(run["executionId"], "COMPLETED")
        _, unrelated = somebody(people)
        people.activated(people.wanda, people.will, add(unrelated))
        approved = people.approved(people.wanda, people.will, remove(row))
        started = time.monotonic()
        people.will.mutate(*ACTIVATE, activation(approved, people.will))
        while True:
            message = hear(socket)
            if message["type"] == "error":
                break
        assert message["payload"][0]["extensions"]["code"] == "FORBIDDEN"
        assert time.monotonic() - started < 10


# --- other processes


def decides_within(seconds: float, reached: Callable[[], bool]) -> None:
    """Every call decides by what was just made durable that begins so many seconds later,
    however long its answer takes."""
    committed = asked = time.monotonic()
    while not reached():
        assert asked - committed < seconds
        time.sleep(0.02)
        asked = time.monotonic()


def elsewhere(people: People, unit: object) -> None:
    """What another process writes into the record."""
    asyncio.run(beside(people.world, unit))


def activate_elsewhere(tx: Tx, edits: list[Edit]) -> None:
    """Put the revision in force that edits make of the present one."""
    head = tx.policy_head()
    assert head is not None
    after = apply_edits(content_of(tx, head), edits).content
    body = {
        "revision": after.revision,
        "previous": head,
        "source": "files",
        "parent": head,
        "edits": [edit.to_json() for edit in edits],
    }
    tx.append(NewEntry(EntryType.POLICY_ACTIVATED, "", body))


def put_back(tx: Tx, revision: str) -> None:
    body = {"revision": revision, "previous": tx.policy_head(), "source": "files"}
    tx.append(NewEntry(EntryType.POLICY_ACTIVATED, "", body))


def test_what_another_process_activates_is_in_force_within_a_second(people: People) -> None:
    who, row = somebody(people)
    world = people.world
    assert may_list(who) is False
    run = waiting(world, [refund(264)])
    edits = [Edit("access.csv", add=row), Edit("verdict.csv", add=BLOCK)]
    before = people.head()
    elsewhere(people, partial(activate_elsewhere, edits=edits))
    decides_within(1, lambda: may_list(who))
    assert world.wait(run["executionId"], "FAILED", seconds=30)
    assert people.revisions()[0]["source"] == "FILES"
    elsewhere(people, partial(put_back, revision=before))
    decides_within(1, lambda: not may_list(who))


def test_the_command_activates_beside_a_server_that_adopts_it(people: People) -> None:
    who, row = somebody(people)
    approved = people.approved(people.wanda, people.will, add(row))
    done = people.world.gateway.command("policy", "activate", approved["changesetId"])
    assert done.returncode == 0, done.stderr
    decides_within(1, lambda: may_list(who))
    assert people.revisions()[0]["changesetId"] == approved["changesetId"]


def test_a_subscription_follows_what_another_process_activates(people: People) -> None:
    watcher = people.world.gateway.caller("wolf", "user")
    row = "p, user:wolf, acme, controlPlane.event.list, call, allow"
    deny = "p, user:wolf, acme, controlPlane.execution.mine, call, deny"
    people.activated(people.wanda, people.will, add(row), add(deny))
    with following(people.world, watcher) as socket:
        time.sleep(0.2)
        elsewhere(people, partial(activate_elsewhere, edits=[Edit("access.csv", remove=row)]))
        committed = time.monotonic()
        assert refusal(socket) == "FORBIDDEN"
        assert time.monotonic() - committed < 10


def stand_still_during(pid: int, change: Callable[[], object]) -> None:
    """Stop a process and change the record, at a moment when the process does not hold it."""
    for _ in range(5):
        os.kill(pid, signal.SIGSTOP)
        with contextlib.suppress(ProblemError):
            change()
            return
        os.kill(pid, signal.SIGCONT)
        time.sleep(0.3)
    raise AssertionError("the process holds the record all the time")


def test_a_process_that_stood_still_decides_nothing_under_what_was_in_force(people: People) -> None:
    """Calls that waited for it, and those that come as it goes on, see what was activated
    meanwhile."""
    who, row = somebody(people)
    people.activated(people.wanda, people.will, add(row))
    assert may_list(who) is True
    process = people.world.gateway.process
    assert process is not None
    without = partial(activate_elsewhere, edits=[Edit("access.csv", remove=row)])
    try:
        stand_still_during(process.pid, lambda: elsewhere(people, without))
        with ThreadPoolExecutor(4) as pool:
            waiting_calls = [pool.submit(may_list, who) for _ in range(4)]
            time.sleep(CERTAINTY + 0.2)
            os.kill(process.pid, signal.SIGCONT)
            assert [call.result(timeout=20) for call in waiting_calls] == [False] * 4
    finally:
        os.kill(process.pid, signal.SIGCONT)


def test_nothing_is_decided_under_a_policy_that_cannot_be_had(people: People) -> None:
    """The record names a revision whose content nobody has: fail closed, and heal by itself."""
    who, row = somebody(people)
    people.activated(people.wanda, people.will, add(row))
    before = people.head()
    assert may_list(who) is True
    unknown = "sha256:" + "ab" * 32
    url = people.world.gateway.url
    elsewhere(people, partial(put_back, revision=unknown))
    ask = partial(who._call, "query", "controlPlaneExecutionList", "total", {"limit": 1}, None)

    def refused() -> bool:
        answer = ask()
        return "errors" in answer and answer["errors"][0]["extensions"]["code"] == (
            "SERVICE_UNAVAILABLE"
        )

    decides_within(1.2, refused)
    ready = HTTP.get(f"{url}/readyz")
    told = ready.json()
    assert (ready.status_code, told["status"]) == (503, "not ready")
    assert (told["policyVersion"], told["decidesUnder"]) == (unknown, before)
    assert HTTP.get(f"{url}/healthz").status_code == 200
    with following(people.world, people.world.olga) as socket:
        assert refusal(socket) == "SERVICE_UNAVAILABLE"
    direct = people.world.agent.refused(
        "supportRefundIssue", "refundId", {"orderId": "o-1004", "amount": 14, "currency": "EUR"}
    )
    assert direct["code"] == "SERVICE_UNAVAILABLE"
    assert people.world.service.effects("refund") == [
        effect for effect in people.world.service.effects("refund") if effect.get("amount") != 14
    ]
    elsewhere(people, partial(put_back, revision=before))
    wait_until(lambda: not refused(), 30)
    assert may_list(who) is True
    # An answer of readiness is given again for a moment (readiness.FRESH).
    wait_until(lambda: HTTP.get(f"{url}/readyz").status_code == 200, 30)
    log = people.world.gateway.log()
    assert log.count("the policy in force cannot be followed: POLICY_HISTORY_DAMAGED") == 1
    assert "decides here again" in log


def test_where_the_files_lead_nothing_is_activated_over_graphql(tmp_path: Path) -> None:
    world = make_world(tmp_path, GATEWAY_POLICY_SOURCE="files")
    try:
        people = People(world)
        approved = people.approved(people.wanda, people.will, add(allow("uma")))
        refused = people.will.refused(*ACTIVATE, activation(approved, people.will))
        assert refused["code"] == "PRECONDITION_FAILED"
        assert "GATEWAY_POLICY_SOURCE" in refused["problem"]["detail"]
        for offered in (
            people.get(people.will, approved)["allowedActions"],
            people.will.query(*LIST, {})["items"][0]["allowedActions"],
        ):
            assert "policy.changeset.reject" in offered
            assert "policy.changeset.activate" not in offered
        assert may_list(people.uma) is False
    finally:
        end_world(world)


def test_what_was_activated_is_in_force_after_a_restart(tmp_path: Path) -> None:
    world = make_world(tmp_path)
    try:
        people = People(world)
        people.activated(people.wanda, people.will, add(allow("uma")))
        world.gateway.stop()
        world.gateway.start()
        assert may_list(people.uma) is True
        assert "differ from revision" in world.gateway.log()
    finally:
        end_world(world)
