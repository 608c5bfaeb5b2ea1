"""Commands about keys that two gateways share in PostgreSQL: tokens, tombstones and rotations."""

import asyncio
import base64
import json
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.journal import endorse_in, open_journal
from gateway.model.system import SystemClock
from gateway.privacy import open_vault
from tests.acceptance.privacy_world import Officers, everything
from tests.acceptance.two_gateways import ROOT_KEY, Pair, start_all, two_gateways
from tests.postgres import Postgres
from tests.processes import Caller
from tests.world import wait_until

OTHER_ROOT = "TWO_GATEWAYS_OTHER_ROOT"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres) -> Iterator[Pair]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(OTHER_ROOT, base64.b64encode(secrets.token_bytes(32)).decode())
        with two_gateways(tmp_path_factory.mktemp("commands"), postgres) as made:
            yield made


def stop_both(pair: Pair) -> None:
    assert [world.gateway.stop() for world in pair.both] == [0, 0]


def named(file: Path) -> list[str]:
    return [json.loads(line)["keyId"] for line in file.read_text().splitlines()]


def test_both_believe_a_token_of_the_command(pair: Pair) -> None:
    asked = ("token", "issue", "--subject", "olga", "--role", "admin", "--workspace", "acme")
    token = pair.command(*asked).strip()
    for world in pair.both:
        value = {"limit": 1}
        Caller(world.gateway, token).query("controlPlaneExecutionList", "total", value)


@pytest.mark.parametrize(
    "arguments",
    [("keys", "rotate", "data"), ("keys", "rotate", "root"), ("audit", "rotate-key")],
)
def test_nothing_is_rotated_beside_a_gateway(pair: Pair, arguments: tuple[str, ...]) -> None:
    done = pair.a.gateway.command(*arguments)
    assert done.returncode == 1
    assert "KEYS_UNUSABLE" in done.stderr
    assert "Stop every gateway and worker" in done.stderr


def test_tombstones_are_copied_out_and_destroy_again(pair: Pair, tmp_path: Path) -> None:
    kept, foreign = tmp_path / "kept.jsonl", tmp_path / "foreign.jsonl"
    pair.command("keys", "tombstones", "write", str(kept))
    assert named(kept) == []
    officers = Officers(pair.a)
    officers.serve("tom@example.com", "Tomcanary asks", "Bodycanary for Tom")
    officers.erase(subjectId="tom@example.com")
    pair.command("keys", "tombstones", "write", str(kept))
    erased = named(kept)
    assert erased
    assert "0 tombstones added" in pair.command("keys", "tombstones", "write", str(kept))
    assert named(kept) == erased

    # A key that lives, and was destroyed in another life of the store.
    run = officers.serve("tim@example.com", "Timcanary asks", "Bodycanary for Tim")
    assert "bodycanary" in everything(pair.b, run).lower()
    owned = "SELECT id FROM gateway_keys.data_key WHERE subject IS NOT NULL AND wrapped IS NOT NULL"
    living = [key_id for (key_id,) in pair.rows(owned)]
    lines = [
        {"keyId": key_id, "workspace": "acme", "at": "2026-01-01T00:00:00Z", "reason": "before"}
        for key_id in living
    ]
    foreign.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    told = pair.command("keys", "tombstones", "read", str(foreign))
    assert f"{len(living)} keys destroyed again" in told
    assert "bodycanary" not in everything(pair.b, run).lower()
    assert "0 keys destroyed again" in pair.command("keys", "tombstones", "read", str(foreign))
    # Both start at once, and one of them records what the record did not know.
    stop_both(pair)
    start_all([world.gateway for world in pair.both])
    restated = "SELECT count(*) FROM entry WHERE type = 'privacy.keys.restated'"
    assert pair.rows(restated) == [(1,)]


def test_every_layer_of_keys_is_rotated(pair: Pair) -> None:
    officers = Officers(pair.a)
    run = officers.serve("rob@example.com", "Robcanary asks", "Bodycanary for Rob")
    stop_both(pair)
    assert "endorsed key" in pair.command("audit", "rotate-key")
    assert "acme: " in pair.command("keys", "rotate", "workspace")
    assert "acme: " in pair.command("keys", "rotate", "data")
    told = pair.command("keys", "rotate", "root", "--to", f"env:{OTHER_ROOT}")
    assert f"set GATEWAY_ROOT_KEY to env:{OTHER_ROOT}" in told
    before = pair.a.gateway.command("keys", "rotate", "data")
    assert "was made with another root key" in before.stderr
    for world in pair.both:
        world.gateway.env["GATEWAY_ROOT_KEY"] = f"env:{OTHER_ROOT}"
    start_all([world.gateway for world in pair.both])
    # Tokens are signed with the key of before, which was only wrapped anew.
    assert "bodycanary" in everything(pair.b, run).lower()
    officers.serve("rob@example.com", "Robcanary asks again", "More for Rob")
    assert pair.command("audit", "key").count("BEGIN PUBLIC KEY") == 2
    stop_both(pair)
    assert "the record verifies" in pair.command("audit", "verify")


def test_a_rotation_that_broke_off_is_ended_by_whoever_starts(pair: Pair, tmp_path: Path) -> None:
    for world in pair.both:
        if world.gateway.process is not None and world.gateway.process.poll() is None:
            world.gateway.stop()
    root = pair.a.gateway.env["GATEWAY_ROOT_KEY"]
    after = asyncio.run(endorsed(pair.url, root, tmp_path))
    start_all([world.gateway for world in pair.both])
    named = "SELECT id FROM gateway_keys.signing_key WHERE (purpose, role) = "
    assert pair.rows(f"{named}('checkpoint', 'current')") == [(after,)]
    count = "SELECT count(*) FROM checkpoint"
    signed = pair.rows(count)
    pair.a.submit()
    stop_both(pair)
    wait_until(lambda: pair.rows(count) > signed, 20)
    assert "the record verifies" in pair.command("audit", "verify")


async def endorsed(url: str, root: str, folder: Path) -> str:
    """Endorse the next key and break off before it signs; returns its id."""
    assert os.environ[ROOT_KEY]
    vault = open_vault(folder, root, SystemClock(), url, alone=True)
    journal = await open_journal(url, folder, clock=SystemClock())
    try:
        after = vault.checkpoint.next()
        await endorse_in(journal, vault.checkpoint.current(), after.public_key_pem)
        return after.key_id
    finally:
        await journal.close()
        vault.store.close()
