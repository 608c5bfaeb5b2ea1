"""Anchors and witnesses in trouble: they are down, slow, lie or see another history, and the
gateway is killed between a checkpoint and its anchors. No checkpoint is lost, and nothing waits."""

import json
import os
import random
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from gateway.transparency import Verifier, open_note
from tests.acceptance.test_checkpoints import LIST, get, sign
from tests.answering import Answering, Reply
from tests.processes import Caller, JsonObject
from tests.webhook_receiver import SECRET, Answer, Message, Receiver
from tests.witness_process import NAME, WitnessProcess, log_key
from tests.world import World, end_world, make_world, wait_until

pytestmark = [pytest.mark.fault, pytest.mark.timeout(240)]

KILLS = 8
CONFIG = """
hosts: ["127.0.0.1:*"]
retryScale: 0.001
anchors:
  - {{id: vault, kind: file, path: {folder}/vault.jsonl}}
  - {{id: partner, kind: webhook, url: "{partner}", secret: "${{secret:PARTNER}}"}}
witnesses:
  - {{url: "{witness}", key: "{key}"}}
quorum: 1
"""


@dataclass
class Troubled:
    """A gateway whose anchors and witness are troubled."""

    world: World
    folder: Path
    partner: Receiver
    witness: WitnessProcess
    key: str
    auditor: Caller

    def configure(self, witness_url: str = "") -> None:
        """Have the gateway serve with its anchors; its witness may be somebody who lies."""
        self.world.gateway.stop()
        (self.folder / "anchors.yaml").write_text(
            CONFIG.format(
                folder=self.folder, partner=self.partner.url, key=self.key,
                witness=witness_url or self.witness.url,
            )
        )  # fmt: skip
        self.world.gateway.env |= {
            "GATEWAY_ANCHORS": str(self.folder / "anchors.yaml"),
            "PARTNER": SECRET,
        }
        self.world.gateway.start()

    def target(self, own: str) -> JsonObject:
        """How an anchor or witness is doing."""
        targets = self.auditor.query("auditCheckpointList", LIST, {"limit": 1})["targets"]
        found: JsonObject = next(one for one in targets if one["id"] == own)
        return found

    def wait(self, own: str, reached: Callable[[JsonObject], bool]) -> JsonObject:
        """Wait until a target is as asked."""
        wait_until(lambda: reached(self.target(own)), 40, lambda: f"{self.target(own)}")
        return self.target(own)


@pytest.fixture
def troubled(tmp_path: Path) -> Iterator[Troubled]:
    world = make_world(tmp_path)
    partner = Receiver().start()
    auditor = world.gateway.caller("aude", "auditor")
    origin = sign(auditor)["checkpoint"]["origin"]
    witness = WitnessProcess(tmp_path / "witness", log_key(world.gateway, origin))
    witness.start()
    try:
        yield Troubled(world, tmp_path, partner, witness, witness.key(), auditor)
    finally:
        end_world(world)
        witness.stop()
        partner.stop()


def test_a_witness_that_is_down_holds_up_nothing_and_catches_up(troubled: Troubled) -> None:
    troubled.configure()
    troubled.wait(NAME, lambda one: one["behind"] == 0)
    troubled.witness.stop(signal.SIGKILL)
    numbers = [sign(troubled.auditor)["checkpoint"]["number"] for _ in range(4)]
    down = troubled.wait(NAME, lambda one: one["attempts"] > 1)
    assert "connection failed" in down["lastError"]
    assert down["behind"] == 4
    troubled.wait("vault", lambda one: one["behind"] == 0)
    status = troubled.world.gateway.command("audit", "status")
    assert status.returncode == 1
    assert "CHECKPOINTS LACK COSIGNATURES (1 are wanted)" in status.stdout
    troubled.witness.start()
    well = troubled.wait(NAME, lambda one: one["behind"] == 0)
    assert (well["attempts"], well.get("lastError")) == (0, None)
    keys = [troubled.witness.log, Verifier.parse(troubled.key)]
    for number in numbers:
        assert len(open_note(get(troubled.auditor, number)["note"], keys).signed_by) == 2


def test_a_witness_that_lies_is_believed_nothing(troubled: Troubled) -> None:
    replies = [Reply(200, b"OK"), Reply(200, b"\xff" * 100), Reply(409, b"x"), Reply(500)]
    sizes = iter(range(10**6))
    liar = Answering(lambda _: replies[next(sizes) % len(replies)]).start()
    troubled.configure(liar.url)
    number = sign(troubled.auditor)["checkpoint"]["number"]
    troubled.wait(NAME, lambda one: one["attempts"] > 4)
    found = get(troubled.auditor, number)
    assert (found["cosignatures"], found["cosigned"]) == ([], False)
    assert troubled.wait("vault", lambda one: one["behind"] == 0)
    assert "Traceback" not in troubled.world.gateway.log()
    liar.stop()


def test_a_record_that_was_put_back_and_told_otherwise_is_found_out(troubled: Troubled) -> None:
    """Whoever restores an old copy of the record, or forks it, cannot hide it outside."""
    gateway = troubled.world.gateway
    troubled.configure()
    troubled.wait(NAME, lambda one: one["behind"] == 0)
    gateway.stop()
    shutil.copytree(gateway.data_dir, troubled.folder / "copy")
    gateway.start()
    for _ in range(3):
        troubled.world.submit()
        sign(troubled.auditor)
    troubled.wait(NAME, lambda one: one["behind"] == 0)
    troubled.wait("vault", lambda one: one["behind"] == 0)
    gateway.stop()
    held = (troubled.folder / "vault.jsonl").read_bytes()
    shutil.rmtree(gateway.data_dir)
    shutil.copytree(troubled.folder / "copy", gateway.data_dir)
    gateway.accept_restore()
    gateway.start()
    troubled.world.submit()
    sign(troubled.auditor)
    vault = troubled.wait("vault", lambda one: one["attempts"] > 0)
    witness = troubled.wait(NAME, lambda one: one["attempts"] > 0)
    assert "entries were lost" in vault["lastError"] or "history" in vault["lastError"]
    assert "the record has fewer" in witness["lastError"] or "tree" in witness["lastError"]
    for _ in range(25):  # grown beyond what was seen: now it is a fork
        troubled.world.submit()
    number = sign(troubled.auditor)["checkpoint"]["number"]
    vault = troubled.wait("vault", lambda one: "another history" in one["lastError"])
    witness = troubled.wait(NAME, lambda one: "another tree" in (one["lastError"] or ""))
    assert (troubled.folder / "vault.jsonl").read_bytes() == held
    assert get(troubled.auditor, number)["cosigned"] is False
    assert "another tree" in gateway.log()
    assert "proves no way" in troubled.witness.told()


def test_an_anchor_that_is_slow_holds_up_nobody(troubled: Troubled) -> None:
    def slow(_: Message) -> Answer:
        time.sleep(3)
        return 204, {}

    troubled.partner.answer = slow
    troubled.configure()
    begun = time.monotonic()
    for _ in range(3):
        troubled.world.submit()
        sign(troubled.auditor)
    troubled.wait("vault", lambda one: one["behind"] == 0)
    troubled.wait(NAME, lambda one: one["behind"] == 0)
    assert time.monotonic() - begun < 20
    assert troubled.target("partner")["behind"] > 0
    assert troubled.world.gateway.stop() == 0


def test_kills_between_checkpoint_and_anchor_lose_nothing(troubled: Troubled) -> None:
    seed = int(os.environ.get("SIGKILL_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
    print(f"SIGKILL_SEED={seed}")  # noqa: T201 - to repeat a failure
    moments = random.Random(seed)  # noqa: S311 - moments to be repeated, not secrets

    def answer(_: Message) -> Answer:
        time.sleep(moments.uniform(0.0, 0.05))
        return (204 if moments.random() < 0.7 else 500), {}

    troubled.partner.answer = answer
    troubled.configure()
    first = troubled.target("vault")["number"]
    for _ in range(KILLS):
        deadline = time.monotonic() + moments.uniform(0.1, 0.8)
        while time.monotonic() < deadline:
            try:
                sign(troubled.auditor)
                time.sleep(0.05)
            except httpx.TransportError:
                break
        troubled.world.gateway.stop(signal.SIGKILL)
        troubled.world.gateway.start()
    last = sign(troubled.auditor)["checkpoint"]["number"]
    assert last > first + KILLS
    for own in ("vault", "partner", NAME):
        troubled.wait(own, lambda one: one["behind"] == 0)

    vault = [
        json.loads(line) for line in (troubled.folder / "vault.jsonl").read_text().splitlines()
    ]
    numbers = [one["number"] for one in vault]
    assert numbers == list(range(numbers[0], last + 1))
    told = {message.id: json.loads(message.body) for message in troubled.partner.messages}
    assert len({message.body for message in troubled.partner.messages}) == len(told)
    assert sorted(one["data"]["number"] for one in told.values()) == numbers
    keys = [troubled.witness.log, Verifier.parse(troubled.key)]
    for number in numbers:
        found = get(troubled.auditor, number)
        assert len(open_note(found["note"], keys).signed_by) == 2, found
    verified = troubled.world.gateway.command("audit", "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
