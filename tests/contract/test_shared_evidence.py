"""Evidence that one process exports and another gives, from blobs that both share."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest

from gateway.blobs import BLOB_TABLES
from gateway.blobs.postgres import PostgresBlobs
from gateway.evidence import EXPORT, BundleStore
from gateway.privacy import KeyringSealer
from tests.unit.evidence.bundle_world import BundleWorld, raw

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world(tmp_path: Path, database_url: str) -> AsyncIterator[BundleWorld]:
    with psycopg.connect(database_url, autocommit=True) as session:
        session.execute(BLOB_TABLES)
    blobs = PostgresBlobs(database_url, "evidence")
    made = await BundleWorld.open(tmp_path, blobs)
    await made.play()
    yield made
    await made.journal.close()
    blobs.close()


@pytest.fixture
def elsewhere(world: BundleWorld, database_url: str) -> Iterator[BundleStore]:
    """The store of another process."""
    blobs = PostgresBlobs(database_url, "evidence")
    yield BundleStore(blobs, KeyringSealer(world.keyring), EXPORT)
    blobs.close()


def names(store: BundleStore) -> list[str]:
    return [one.name for one in store.blobs.names()]


async def test_a_recorded_bundle_is_given_elsewhere_before_and_after_it_has_its_name(
    world: BundleWorld, elsewhere: BundleStore
) -> None:
    made = await world.export(raw)
    number, digest = await world.record(made), made.bundle.digest
    assert elsewhere.read("acme", "run_one", number, digest) == made.bundle.content
    world.exporter.publish(made, number)
    async with asyncio.timeout(25):
        while names(elsewhere) != ["run_one-1.zip.sealed"]:  # noqa: ASYNC110 a thread does it
            await asyncio.sleep(0.01)
    assert elsewhere.read("acme", "run_one", number, digest) == made.bundle.content
    assert elsewhere.read("acme", "run_one", 2, "0" * 64) is None


async def test_a_process_that_starts_leaves_what_others_are_about_to_record(
    world: BundleWorld, elsewhere: BundleStore, database_url: str
) -> None:
    made, recorded = await world.export(), await world.export()
    await world.record(recorded)
    await world.exporter.sweep()
    assert sorted(names(elsewhere)) == sorted([made.draft.name, "run_one-1.zip.sealed"])
    with psycopg.connect(database_url, autocommit=True) as session:
        session.execute("UPDATE blob SET created_at = created_at - interval '3 minutes'")
    await world.exporter.sweep()
    assert names(elsewhere) == ["run_one-1.zip.sealed"]
