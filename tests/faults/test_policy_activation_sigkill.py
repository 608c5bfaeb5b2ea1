"""SIGKILL while policy is activated: afterwards one revision is in force, and it is what decides.

A server or the command beside it is killed between the approval and the answer, each time at
another moment. Whatever the record says then is whole: the head, its content, the changesets and
the decisions agree, and what did not come into force can be activated again.
"""

import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import pairwise
from pathlib import Path

import httpx
import pytest

from gateway.journal import read_record
from gateway.model.policy import ChangesetStatus
from gateway.model.ports import Page, Records
from gateway.policy.contents.history import content_of
from tests.acceptance.policy_people import ACTIVATE, People, activation, add, allow
from tests.processes import GATEWAY, ROOT, Caller, JsonObject
from tests.world import World, end_world, make_world, wait_until

pytestmark = [pytest.mark.fault, pytest.mark.timeout(240)]

KILLS = 14
LATEST = 0.1  # seconds: activations are answered by then
COMMAND_LATEST = 1.6  # the command starts first


def head_in(world: World) -> str:
    """The one revision in force, after holding all that the record says of it together."""
    return read_record(world.gateway.data_dir / "gateway.db", _head)


def _head(records: Records) -> str:
    activations, _ = records.policy_activations(Page(1_000))
    head = records.policy_head()
    assert head is not None
    assert head == activations[0].revision == content_of(records, head).revision
    for later, earlier in pairwise(activations):
        assert later.previous == earlier.revision
    for one in activations:
        if one.changeset_id is not None:
            changeset = records.changeset(one.changeset_id)
            assert changeset is not None
            assert changeset.status is ChangesetStatus.ACTIVATED
    assert len({one.changeset_id for one in activations}) == len(activations)
    return head


def is_ready(world: World, revision: str) -> bool:
    """Whether the server says that it decides, and under this revision."""
    told = httpx.get(f"{world.gateway.url}/readyz").json()
    return bool(told == {"status": "ready", "policyVersion": revision})


def may_list(who: Caller) -> bool:
    answer = who.send("query { controlPlaneExecutionList(input: {limit: 1}) { total } }").json()
    if "errors" in answer:
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN", answer
    return "errors" not in answer


def kill_server(people: People, approved: JsonObject, after: float) -> None:
    """Activate over HTTP, and kill the server meanwhile."""

    def activate() -> None:
        with suppress(httpx.TransportError, ValueError):
            people.will.send(*_sent(approved, people.will))

    caller = threading.Thread(target=activate)
    caller.start()
    time.sleep(after * LATEST)
    people.world.gateway.stop(signal.SIGKILL)
    caller.join(30)
    assert not caller.is_alive()
    people.world.gateway.start()


def _sent(approved: JsonObject, who: Caller) -> tuple[str, JsonObject]:
    name, selection = ACTIVATE
    query = (
        f"mutation ($input: PolicyChangesetActivateInput!) "
        f"{{ {name}(input: $input) {{ {selection} }} }}"
    )
    return query, {"input": activation(approved, who)}


def kill_command(people: People, approved: JsonObject, after: float) -> None:
    """Activate by the command, and kill that; the server follows the record within a second."""
    server = people.world.gateway
    process = subprocess.Popen(
        [*GATEWAY, *("policy", "activate", approved["changesetId"], "--data-dir"), server.data_dir],
        cwd=ROOT, env=server.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    time.sleep(after * COMMAND_LATEST)
    process.kill()
    process.wait(30)
    time.sleep(1.0)


def test_kills_leave_one_revision_in_force_which_decides(tmp_path: Path) -> None:
    seed = int(os.environ.get("SIGKILL_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
    print(f"SIGKILL_SEED={seed}")  # noqa: T201 - to repeat a failure
    moments = random.Random(seed)  # noqa: S311 - moments to be repeated, not secrets
    world = make_world(tmp_path)
    people = People(world)
    came = 0
    try:
        for round_ in range(KILLS):
            kill: Callable[[People, JsonObject, float], None]
            kill = kill_command if round_ % 3 == 2 else kill_server
            who = world.gateway.caller(f"u{round_}", "user")
            approved = people.approved(people.wanda, people.will, add(allow(f"u{round_}")))
            kill(people, approved, moments.random())
            in_force = head_in(world)
            assert in_force in (approved["base"], approved["revision"])
            # What it said of that a moment ago is said again, and a busy machine takes longer.
            wait_until(partial(is_ready, world, in_force), 20)
            assert may_list(who) is (in_force == approved["revision"])
            if in_force == approved["revision"]:
                came += 1
                assert people.will.refused(*ACTIVATE, activation(approved, people.will))[
                    "code"
                ] == ("CONFLICT")
            else:
                people.will.mutate(*ACTIVATE, activation(approved, people.will))
                assert may_list(who) is True
                assert head_in(world) == approved["revision"]
        print(f"{came} of {KILLS} came into force before the kill")  # noqa: T201 - what the kills met
    finally:
        end_world(world)

    before = head_in(world)
    for command in (("audit", "verify"), ("journal", "rebuild"), ("audit", "verify")):
        done = world.gateway.command(*command)
        assert done.returncode == 0, done.stdout + done.stderr
    assert head_in(world) == before
