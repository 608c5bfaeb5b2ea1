"""Stored bundles: sealed at rest, published once recorded, swept after a crash."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.evidence import exporter
from gateway.evidence.build import Bundle, Snapshot
from gateway.model.json import decode
from gateway.model.pii import ErasedError, envelopes_in, execution_owner
from tests.unit.evidence.bundle_world import EMAIL, BundleWorld, files_of, raw

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[BundleWorld]:
    made = await BundleWorld.open(tmp_path)
    await made.play()
    yield made
    await made.journal.close()


def names(world: BundleWorld) -> list[str]:
    return sorted(path.name for path in (world.folder / "evidence").iterdir())


async def test_a_recorded_bundle_is_read_back(world: BundleWorld) -> None:
    made = await world.export(raw)
    world.exporter.publish(made, await world.record(made))
    assert names(world) == ["run_one-1.zip.sealed"]
    assert world.exporter.store.read("acme", "run_one", 1) == made.bundle.content
    assert hashlib.sha256(made.bundle.content).hexdigest() == made.bundle.digest
    assert world.exporter.store.read("acme", "run_one", 2) is None


async def test_stored_bundles_are_sealed_and_for_their_owner_alone(world: BundleWorld) -> None:
    made = await world.export(raw)
    (file,) = (world.folder / "evidence").iterdir()
    assert file.stat().st_mode & 0o077 == 0
    assert file.parent.stat().st_mode & 0o077 == 0
    stored = file.read_bytes()
    assert made.bundle.content[:200] not in stored
    assert EMAIL.encode() not in stored


async def test_what_is_erased_while_a_bundle_is_built_is_erased_in_it(
    world: BundleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The keys of the person fall after their data was opened for the bundle."""
    build = exporter.build_bundle

    def build_and_erase(snapshot: Snapshot, *given: Any) -> Bundle:
        bundle = build(snapshot, *given)
        keys = envelopes_in([decode(entry.body) for entry in snapshot.entries])
        world.keyring.data.destroy("acme", list(keys), "asked for")
        return bundle

    monkeypatch.setattr(exporter, "build_bundle", build_and_erase)
    made = await world.export(raw)
    assert any(EMAIL.encode() in one for one in files_of(made.bundle.content).values())
    with pytest.raises(ErasedError):
        world.exporter.store.read("acme", "run_one", 1, made.bundle.digest)


async def test_a_stored_bundle_that_was_altered_or_moved_is_not_given(world: BundleWorld) -> None:
    made = await world.export(raw)
    world.exporter.publish(made, 1)
    with pytest.raises(ValueError, match="key"):
        world.exporter.store.read("rival", "run_one", 1)
    (file,) = (world.folder / "evidence").iterdir()
    stored = bytearray(file.read_bytes())
    stored[-10] = ord("B" if stored[-10] == ord("A") else "A")
    file.write_bytes(stored)
    with pytest.raises(ValueError, match="altered"):
        world.exporter.store.read("acme", "run_one", 1)


@pytest.mark.parametrize(
    "first", [b'{"sharez":', b'{"shares":[],"x":', b'{"shares":null,"x":', b"null\n", b"[]\n"]
)
async def test_a_stored_bundle_whose_shares_were_altered_is_not_given(
    world: BundleWorld, first: bytes
) -> None:
    made = await world.export(raw)
    world.exporter.publish(made, 1)
    (file,) = (world.folder / "evidence").iterdir()
    file.write_bytes(file.read_bytes().replace(b'{"shares":', first, 1))
    with pytest.raises(ValueError, match="altered"):
        world.exporter.store.read("acme", "run_one", 1)


async def test_a_draft_that_nothing_records_goes_away_by_itself(
    world: BundleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporter, "_GRACE", 0.01)
    await world.export()
    await asyncio.sleep(0.1)
    assert names(world) == []


async def test_a_published_bundle_stays(
    world: BundleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporter, "_GRACE", 0.05)
    made = await world.export()
    world.exporter.publish(made, 1)
    await asyncio.sleep(0.1)
    assert names(world) == ["run_one-1.zip.sealed"]


async def test_after_a_crash_recorded_drafts_are_kept_and_others_removed(
    world: BundleWorld,
) -> None:
    await world.export()
    recorded = await world.export()
    assert len(names(world)) == 2
    await world.record(recorded)
    (world.folder / "evidence" / f"run_gone-{'0' * 64}.part").write_bytes(b"{}")
    await world.exporter.sweep()
    assert names(world) == ["run_one-1.zip.sealed"]
    assert world.exporter.store.read("acme", "run_one", 1) == recorded.bundle.content
    await world.exporter.sweep()
    assert names(world) == ["run_one-1.zip.sealed"]


async def test_a_write_that_fails_leaves_nothing(world: BundleWorld) -> None:
    class Full(bytes):
        """A content of which no piece can be written any more."""

        def __getitem__(self, _: object) -> bytes:  # type: ignore[override] # in-test fake
            raise OSError("no space left")

    store = world.exporter.store
    key = store.new_key(execution_owner("acme", "exec_one"))
    with pytest.raises(OSError, match="no space"):
        store.write(key, "run_one", "0" * 64, Full(b"content"))
    assert names(world) == []


async def test_a_run_id_is_never_a_path(world: BundleWorld) -> None:
    with pytest.raises(ValueError, match="run"):
        world.exporter.store.read("acme", "../run_one", 1)
