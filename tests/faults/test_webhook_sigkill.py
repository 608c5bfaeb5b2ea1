"""SIGKILL at random moments while events flow: every event arrives, each under one id.

The gateway is killed while it queues, sends and settles, and while its receiver fails half of the
time. What must arrive is what the journal holds at the end.
"""

import os
import random
import signal
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from gateway.model.delivery import delivery_id
from tests.processes import Caller
from tests.webhook_receiver import SECRET, Answer, Message, Receiver
from tests.world import World, end_world, make_world, wait_until

pytestmark = [pytest.mark.fault, pytest.mark.timeout(240)]

KILLS = 12
CONFIG = """
- id: hook
  workspace: acme
  url: {url}
  secret: ${{secret:HOOK_SECRET}}
  types: ["*"]
"""


class Flaky:
    """A receiver that takes its time, and fails half of the first attempts."""

    def __init__(self, moments: random.Random) -> None:
        self._moments = moments
        self._seen: set[str] = set()

    def __call__(self, message: Message) -> Answer:
        known = message.id in self._seen
        self._seen.add(message.id)
        time.sleep(self._moments.uniform(0.0, 0.03))
        return (204 if known or self._moments.random() < 0.5 else 500), {}


def submit_until(world: World, done: threading.Event, client: int) -> int:
    """Submit intents, however often the server dies meanwhile; returns how many."""
    count = 0
    while not done.wait(0.01):
        value = {"workspaceId": "acme", "text": f"{client} {count}"}
        insist(world.agent, value, f"{client}-{count}", done)
        count += 1
    return count


def insist(caller: Caller, value: dict[str, str], key: str, done: threading.Event) -> None:
    while not done.is_set():
        try:
            caller.mutate("controlPlaneIntentSubmit", "executionId", value, key)
        except (httpx.TransportError, ValueError):
            time.sleep(0.02)
        else:
            return


def expected(world: World) -> set[str]:
    """The executions whose reception the journal holds: each of them is an event."""
    with closing(sqlite3.connect(world.gateway.data_dir / "gateway.db")) as database:
        rows = database.execute("SELECT execution_id FROM entry WHERE type = 'intent.received'")
        return {row[0] for row in rows}


def test_kills_lose_no_event_and_make_no_second_message(tmp_path: Path) -> None:
    seed = int(os.environ.get("SIGKILL_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
    print(f"SIGKILL_SEED={seed}")  # noqa: T201 - to repeat a failure
    moments = random.Random(seed)  # noqa: S311 - moments to be repeated, not secrets
    receiver = Receiver(Flaky(random.Random(seed))).start()  # noqa: S311 - same
    file = tmp_path / "webhooks.yaml"
    file.write_text(CONFIG.format(url=receiver.url))
    world = make_world(
        tmp_path,
        GATEWAY_WEBHOOKS=str(file),
        GATEWAY_WEBHOOK_HOSTS="127.0.0.1:*",
        GATEWAY_WEBHOOK_RETRY_SCALE="0.0001",
        HOOK_SECRET=SECRET,
    )
    done = threading.Event()
    try:
        with ThreadPoolExecutor(3) as clients:
            played = [clients.submit(submit_until, world, done, client) for client in range(3)]
            try:
                for _ in range(KILLS):
                    time.sleep(moments.uniform(0.05, 0.5))
                    world.gateway.stop(signal.SIGKILL)
                    world.gateway.start()
            finally:
                done.set()
            assert sum(one.result(timeout=60) for one in played) > KILLS

        wanted = expected(world)
        wait_until(
            lambda: {event["subject"] for event in receiver.events()} >= wanted,
            60,
            lambda: f"{len(wanted)} wanted, {len(receiver.ids())} arrived",
        )
    finally:
        end_world(world)
        receiver.stop()

    events = receiver.events("controlPlane.intent.received")
    by_execution = {event["subject"]: event["id"] for event in events}
    assert len(wanted) > KILLS
    assert set(by_execution) == wanted
    # However often a message came, it was this one: same webhook-id, same event, same body.
    assert {message.id for message in receiver.messages} == {
        delivery_id("acme", "hook", event) for event in by_execution.values()
    }
    assert len({message.body for message in receiver.messages}) == len(wanted)
    assert all(message.signed_by(SECRET) for message in receiver.messages)
    repeated = [own for own, count in receiver.ids().items() if count > 1]
    print(f"{len(wanted)} events, {len(repeated)} of them more than once")  # noqa: T201 - what the kills met

    verified = world.gateway.command("audit", "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
