"""Following the record: what another process disabled is offered no more."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.model.entry import EntryType, NewEntry
from gateway.model.problem import refuse
from gateway.model.skill import Installation
from gateway.skills.following import follow_skills
from tests.unit.runtime.loop_world import LoopWorld
from tests.unit.skills.test_skill_registry import Shelf, installed, skill

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def record(world: LoopWorld, kind: EntryType, one: Installation) -> None:
    """What another process wrote of an installation."""
    body = {
        "installationId": one.id,
        "skillKey": one.key,
        "version": one.version,
        "publisher": one.publisher,
        "provenance": one.provenance,
        "manifestDigest": one.manifest_digest,
        "artifactDigest": one.artifact_digest,
        "manifest": one.manifest,
        "contracts": one.contracts,
        "trustDigest": one.trust_digest,
    }
    fact = NewEntry(kind, one.workspace, body, actor="olga")
    await world.journal.write(lambda tx: tx.append(fact))


async def test_what_is_disabled_goes_while_an_archive_cannot_be_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await LoopWorld.open(tmp_path)
    (tmp_path / "shelf").mkdir()
    shelf = Shelf(tmp_path / "shelf")
    first = shelf.install(shelf.check(*skill()))
    await record(world, EntryType.SKILL_INSTALLED, first)
    following = follow_skills(world.journal, shelf.skills)
    await following.start()

    def unreachable(digest: str) -> bytes:
        raise refuse("SERVICE_UNAVAILABLE", f"{digest} cannot be read")

    second = replace(installed(shelf.check(*skill("acme.desk", "2.0.0"))), id="skill_2")
    monkeypatch.setattr(shelf.skills.store, "get", unreachable)
    await record(world, EntryType.SKILL_INSTALLED, second)
    await record(world, EntryType.SKILL_DISABLED, first)
    while shelf.live.extended("acme") is not None:  # noqa: ASYNC110 - the registry has no event
        await asyncio.sleep(0.01)
    assert not shelf.live.has_taken_up(second.id)
    await following.stop()
    await world.journal.close()
