"""The live store and the files, with real processes: who leads, and commands beside a server."""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.drafts import refund
from tests.acceptance.policy_people import APPROVE, People, add, allow, consent
from tests.acceptance.test_subscriptions import following, next_event
from tests.processes import ROOT, Caller, JsonObject
from tests.world import World, end_world, make_world

WHY = ("--title", "Let uma list", "--reason", "It is needed.", "--author", "ann")


@pytest.fixture
def people(tmp_path: Path) -> Iterator[People]:
    """A gateway on policy files of its own, where ``platform`` administers all policies."""
    files = tmp_path / "policies"
    shutil.copytree(ROOT / "policies", files)
    world = make_world(
        tmp_path, GATEWAY_POLICY_WORKSPACES="platform", GATEWAY_POLICY_DIR=str(files)
    )
    yield People(world)
    end_world(world)


def files_of(world: World) -> Path:
    return Path(world.gateway.env["GATEWAY_POLICY_DIR"])


def with_row(world: World, row: str) -> str:
    """Adds a rule to the files; returns where it stands."""
    path = files_of(world) / "access.csv"
    path.write_text(path.read_text() + f"{row}\n")
    return f"access.csv:{path.read_text().count(chr(10))}"


def command(world: World, *arguments: str) -> str:
    done = world.gateway.command("policy", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def may(who: Caller) -> bool:
    answer: JsonObject = who.send(
        "query { controlPlaneExecutionList(input: {limit: 1}) { total } }"
    ).json()
    return "errors" not in answer


def verified(world: World) -> subprocess.CompletedProcess[str]:
    done = world.gateway.command("audit", "verify")
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def test_policy_goes_from_files_into_force_beside_a_running_server(people: People) -> None:
    world, uma = people.world, people.uma
    assert not may(uma)
    with_row(world, allow("uma"))
    told = json.loads(command(world, "import", str(files_of(world)), *WHY, "--json"))
    assert not may(uma)
    people.analyze(told)
    people.peter.mutate(*APPROVE, consent(told, people.peter))
    with following(world, world.olga) as socket:
        command(world, "activate", told["changesetId"], "--by", "ops")
        began = asked = time.monotonic()
        while not may(uma):
            assert asked - began < 1.0, "not in force within a second"
            time.sleep(0.02)
            asked = time.monotonic()
        run = world.run([refund(50)])
        world.wait(run["executionId"], "COMPLETED")
        assert next_event(socket)["executionId"] == run["executionId"]
    (newest, _) = people.revisions()
    assert (newest["revision"], newest["by"]) == (told["revision"], "ops")
    assert (newest["source"], newest["changesetId"]) == ("CHANGESET", told["changesetId"])
    assert command(world, "diff") == f"no difference: both are {told['revision']}\n"
    verified(world)
    world.gateway.stop()
    assert "0 came later" in verified(world).stdout


def test_once_seeded_files_that_differ_are_told_and_not_applied(people: People) -> None:
    world = people.world
    head = people.head()
    world.gateway.stop()
    place = with_row(world, allow("uma"))
    world.gateway.start()
    assert people.head() == head
    assert not may(world.gateway.caller("uma", "user"))
    log = world.gateway.log()
    assert "which is in force, in 1 row of 1 file; they are not applied" in log
    assert "gateway policy diff" in log
    assert allow("uma") not in log  # rows name people
    assert f"+ {place}  {allow('uma')}" in world.gateway.command("policy", "diff").stdout

    world.gateway.stop()
    world.gateway.lead_by(str(files_of(world)))
    world.gateway.start()
    assert may(world.gateway.caller("uma", "user"))
    assert people.head() != head
    refused = world.gateway.command("policy", "activate", "chg_1")
    assert "PRECONDITION_FAILED" in refused.stderr


def test_what_was_activated_is_in_force_after_a_restart_and_can_be_exported(
    people: People, tmp_path: Path
) -> None:
    world = people.world
    changed = people.activated(people.paula, people.peter, add(allow("uma")))
    world.gateway.stop()
    shutil.rmtree(files_of(world) / "cases")
    world.gateway.start()
    assert people.head() == changed["revision"]
    assert may(people.uma)
    out = tmp_path / "out"
    command(world, "export", str(out))
    assert (out / "access.csv").read_text().endswith(f"{allow('uma')}\n")
    assert command(world, "diff", str(out)).startswith("no difference")
    (first, second) = command(world, "log").splitlines()
    assert first.split()[0] == "2"
    assert changed["changesetId"] in first
    assert second.split()[0] == "1"
    assert " 0 failed" in command(world, "test", "--store")


def test_a_store_that_does_not_fit_the_contracts_stops_the_start(people: People) -> None:
    world = people.world
    row = allow("uma", contract="support.order.lookup")
    head = people.activated(people.paula, people.peter, add(row))["revision"]
    world.gateway.stop()
    schema = world.gateway.folder / "schema"
    shutil.copytree(ROOT / "schema" / "support", schema)
    (schema / "order.lookup.yaml").rename(schema / "order.lookup.bak")
    world.gateway.env["GATEWAY_SCHEMA_DIR"] = str(schema)
    refused = world.gateway.command("serve", "--port", "0")
    assert refused.returncode == 2
    assert "POLICY_CONTRACT_UNKNOWN" in refused.stderr
    assert f"{head}: POLICY_STORE: " in refused.stderr
    assert "Traceback" not in refused.stderr
