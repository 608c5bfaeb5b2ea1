"""Two gateways on one PostgreSQL database, over HTTP: what one does is so for the other."""

import json
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.acceptance.drafts import approve, lookup, refund, with_verdict_rule
from tests.acceptance.policy_people import (
    ACTIVATE,
    APPROVE,
    People,
    activation,
    add,
    allow,
    consent,
)
from tests.acceptance.privacy_world import Officers, everything
from tests.acceptance.test_evidence import export, fetch
from tests.acceptance.test_policy_activation import decides_within, may_list
from tests.acceptance.test_rate_limits import LOOK, contract, through
from tests.acceptance.test_skills import KEY, disable, install
from tests.acceptance.two_gateways import Pair, start_all, two_gateways
from tests.postgres import Postgres
from tests.processes import ROOT, Caller
from tests.unit.skills.skill_kit import write_trust
from tests.webhook_receiver import SECRET, Receiver
from tests.world import World, wait_until

RPM = 6
SOON = 1.0
"""Seconds within which one gateway does what was decided at the other."""


ANCHORS = """
anchors:
  - {{id: vault, kind: file, path: {path}}}
"""
WEBHOOKS = """
- id: all
  workspace: acme
  url: {url}/all
  secret: ${{secret:HOOK_SECRET}}
  types: [controlPlane.execution.completed]
"""


def anchored(folder: Path) -> Path:
    """Where checkpoints are anchored."""
    return folder / "vault.jsonl"


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("two")


@pytest.fixture(scope="module")
def pair(folder: Path, receiver: Receiver, postgres: Postgres) -> Iterator[Pair]:
    (folder / "schema").mkdir()
    (folder / "schema" / "look.yaml").write_text(contract("look.both", LOOK, "user", rpm=RPM))
    opened = "p, 800, *, *, limits.look.both, low, true, autonomous, -, -, -, -"
    rules = with_verdict_rule(folder / "policies", opened)
    write_trust(folder / "policies", KEY)
    (folder / "anchors.yaml").write_text(ANCHORS.format(path=anchored(folder)))
    (folder / "webhooks.yaml").write_text(WEBHOOKS.format(url=receiver.url))
    settings = {
        "GATEWAY_ANCHORS": str(folder / "anchors.yaml"),
        "GATEWAY_WEBHOOKS": str(folder / "webhooks.yaml"),
        "GATEWAY_WEBHOOK_HOSTS": "127.0.0.1:*",
        "HOOK_SECRET": SECRET,
        "GATEWAY_SCHEMA_DIR": f"{ROOT / 'schema'}:{folder / 'schema'}",
        "GATEWAY_POLICY_DIR": rules,
        "GATEWAY_POLICY_WORKSPACES": "platform",
    }
    with two_gateways(folder, postgres, **settings) as pair:
        yield pair


def at(world: World, who: Caller) -> Caller:
    """The same person before another gateway."""
    return Caller(world.gateway, who.token)


def seconds_until(reached: object) -> float:
    began = time.monotonic()
    wait_until(reached, 20)  # type: ignore[arg-type]
    return time.monotonic() - began


def test_a_policy_that_one_activates_decides_at_the_other(pair: Pair) -> None:
    people = People(pair.a)
    uma = pair.a.gateway.caller("uma", "user")
    assert not may_list(uma)
    assert not may_list(at(pair.b, uma))
    drafted = people.draft(people.paula, add(allow("uma")))
    analyzed(people.paula, drafted["changesetId"])
    peter_at_b = at(pair.b, people.peter)
    peter_at_b.mutate(*APPROVE, consent(drafted, people.peter))
    people.peter.mutate(*ACTIVATE, activation(drafted, people.peter))
    assert may_list(uma)
    decides_within(SOON, lambda: may_list(at(pair.b, uma)))


def analyzed(who: Caller, changeset_id: str) -> None:
    """Have a changeset analyzed, by a process that opens the shared record and keys."""
    value = {"changesetId": changeset_id}
    who.mutate("policyChangesetAnalyze", "analysis", value)
    found: dict[str, object] = {}

    def is_done() -> bool:
        found.update(who.query("policyChangesetAnalysisGet", "analysis problem", value))
        assert found["analysis"] != "FAILED", found
        return found["analysis"] == "DONE"

    wait_until(is_done, 60, lambda: str(found))


def test_a_skill_that_one_installs_is_called_at_the_other(pair: Pair) -> None:
    assert install(pair.a, "acme.hello")["status"] == "INSTALLED"
    value = {"input": {"subscriptionId": "s-1"}}
    call = "mutation ($input: HelloPlanStopInput!) { helloPlanStop(input: $input) { status } }"

    def is_offered(world: World) -> bool:
        answer = at(world, pair.a.olga).send(call, value).json()
        if "errors" not in answer:
            return bool(answer["data"]["helloPlanStop"]["status"] == "CANCELLED")
        # The latter for a call that is under way while the skill goes.
        gone = ("GRAPHQL_VALIDATION_FAILED", "PRECONDITION_FAILED")
        assert answer["errors"][0]["extensions"]["code"] in gone, answer
        return False

    assert is_offered(pair.a)
    decides_within(3 * SOON, lambda: is_offered(pair.b))
    disable(pair.b, "acme.hello")
    assert not is_offered(pair.b)
    decides_within(3 * SOON, lambda: not is_offered(pair.a))


def test_evidence_that_one_exported_is_downloaded_from_the_other(pair: Pair) -> None:
    run = pair.a.run([lookup()])
    pair.b.wait(run["executionId"], "COMPLETED")
    export(pair.a.olga, "olga", run["runId"])
    from_a, from_b = (fetch(at(world, pair.a.olga), run["runId"]) for world in pair.both)
    assert (from_a.status_code, from_b.status_code) == (200, 200)
    assert from_a.content == from_b.content


def test_a_limit_counts_the_calls_at_both(pair: Pair) -> None:
    ulla = pair.a.gateway.caller("ulla", "user")
    with ThreadPoolExecutor(2) as pool:
        done = pool.map(lambda world: through(at(world, ulla), "look.both", RPM), pair.both)
    assert sum(done) == RPM
    assert through(at(pair.b, ulla), "look.both", 1) == 0


@pytest.mark.parametrize("approved_at", ["a", "b"])
def test_what_is_erased_is_erased_at_both_at_once(pair: Pair, approved_at: str) -> None:
    here = Officers(getattr(pair, approved_at))
    there = next(world for world in pair.both if world is not here.world)
    name = f"erin.{approved_at}@example.com"
    run = here.serve(name, "Erincanary asks", "Bodycanary for Erin")
    assert "canary" in everything(there, run).lower()  # which opens and remembers the keys
    erasure_id = here.ask(subjectId=name)
    asked = time.monotonic()
    here.approve(erasure_id)
    here.wait(erasure_id, "ERASED")
    shown = everything(there, run)
    assert time.monotonic() - asked < 10, "the leader was told late: it swept at its interval"
    assert "canary" not in shown.lower()
    assert "erased" in shown


def signed(world: World, who: Caller) -> int:
    """The number of a checkpoint that is signed at a gateway, or of the newest one."""
    asked = "mutation { auditCheckpointCreate { checkpoint { number } } }"
    answer = at(world, who).send(asked).json()
    assert "errors" not in answer, answer
    return int(answer["data"]["auditCheckpointCreate"]["checkpoint"]["number"])


def test_checkpoints_are_signed_at_both_without_a_gap(pair: Pair) -> None:
    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(lambda world: signed(world, pair.a.olga), pair.both * 8))
    stored = [number for (number,) in pair.rows("SELECT number FROM checkpoint ORDER BY number")]
    assert stored == list(range(1, len(stored) + 1))
    assert max(numbers) <= len(stored)


@pytest.mark.parametrize("signer", ["a", "b"])
def test_a_checkpoint_of_either_is_anchored_by_whoever_leads(
    pair: Pair, folder: Path, signer: str
) -> None:
    world = getattr(pair, signer)
    world.submit()
    number = signed(world, pair.a.olga)

    def is_anchored() -> bool:
        lines = anchored(folder).read_text().splitlines() if anchored(folder).exists() else []
        return number in [json.loads(line)["number"] for line in lines]

    wait_until(is_anchored, 10)


def test_an_event_of_either_is_sent_once(pair: Pair, receiver: Receiver) -> None:
    runs = [world.run([lookup()])["executionId"] for world in pair.both]

    def told() -> list[str]:
        found = [message.event["data"]["executionId"] for message in receiver.messages]
        return [one for one in found if one in runs]

    wait_until(lambda: len(told()) >= len(runs), 20)
    assert sorted(told()) == sorted(runs)


def test_an_approval_at_one_moves_a_run_of_the_other(pair: Pair) -> None:
    started = pair.a.run([lookup(), refund(311.0, dependsOn=["order"])])
    pair.b.wait(started["executionId"], "WAITING_APPROVAL")
    (request,) = pair.b.approvals(started["executionId"])
    approve(at(pair.b, pair.a.fiona), "fiona", request)
    assert pair.a.wait(started["executionId"], "COMPLETED", "FAILED")["status"] == "COMPLETED"


def test_the_record_of_both_verifies(pair: Pair) -> None:
    assert "the record verifies" in pair.command("audit", "verify")


def test_a_leader_that_is_killed_is_followed_by_the_other(pair: Pair) -> None:
    wait_until(lambda: pair.leader() is not None, 20)
    killed = pair.leader()
    assert killed is not None
    (other,) = (world for world in pair.both if world is not killed)
    killed.gateway.stop(signal.SIGKILL)
    assert seconds_until(lambda: pair.leader() is other) < 8
    # It has the duties, not the lock alone: it carries out what is approved.
    officers = Officers(other)
    run = officers.serve("late@example.com", "Latecanary asks", "Bodycanary")
    officers.erase(subjectId="late@example.com")
    assert "canary" not in everything(other, run).lower()
    start_all([killed.gateway])
    assert pair.leader() is other
    assert "the record verifies" in pair.command("audit", "verify")
