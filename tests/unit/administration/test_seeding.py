"""Which policies are in force after a start: the files' first, then the store's."""

import logging
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from gateway.administration import Seeded, put_in_force
from gateway.contracts import Registry
from gateway.journal import SqliteJournal
from gateway.journal.migrations import migrate_sqlite
from gateway.model.entry import EntryType, NewEntry
from gateway.model.policy import Activation
from gateway.model.ports import Page
from gateway.model.problem import ProblemError
from gateway.policy import PolicyContent, build_revision, read_content
from gateway.policy.contents.history import content_of
from tests.contract.journal_story import SteppingClock
from tests.loaded import load_contracts

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[3]
ROW = "p, clerk, acme, controlPlane.execution.get, call, allow"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def registry() -> Registry:
    folders = [path for path in sorted((ROOT / "schema").iterdir()) if path.is_dir()]
    return load_contracts([path for path in folders if not path.name.startswith("_")])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "policies"
    shutil.copytree(ROOT / "policies", made)
    return made


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[SqliteJournal]:
    path = tmp_path / "data" / "gateway.db"
    opened = await SqliteJournal.open(path, clock=SteppingClock(), writer="w")
    yield opened
    await opened.close()


def with_row(folder: Path, row: str = ROW) -> str:
    """Adds a rule to the files; returns where it stands."""
    path = folder / "access.csv"
    path.write_text(path.read_text() + f"{row}\n")
    return f"access.csv:{path.read_text().count(chr(10))}"


async def activations(journal: SqliteJournal) -> list[Activation]:
    found, _ = await journal.read(lambda records: records.policy_activations(Page(99)))
    return list(reversed(found))


async def stored(journal: SqliteJournal, seeded: Seeded) -> PolicyContent:
    return await journal.read(lambda records: content_of(records, seeded.revision.revision))


async def test_the_files_seed_the_first_revision(
    journal: SqliteJournal, folder: Path, registry: Registry
) -> None:
    seeded = await put_in_force(journal, "store", folder, registry)
    assert seeded.is_new
    assert seeded.revision.content == read_content(folder)
    assert await stored(journal, seeded) == read_content(folder)
    (first,) = await activations(journal)
    assert (first.number, first.source, first.by) == (1, "files", "")
    assert (first.revision, first.previous) == (seeded.revision.revision, None)
    assert await journal.read(lambda records: records.policy_head()) == first.revision


async def test_afterwards_the_store_leads_and_files_that_differ_are_told(
    journal: SqliteJournal, folder: Path, registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    first = await put_in_force(journal, "store", folder, registry)
    place = with_row(folder)
    (folder / "cases" / "more.yaml").write_text("cases: []\n")
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        second = await put_in_force(journal, "store", folder, registry)
    assert not second.is_new
    assert second.revision.revision == first.revision.revision
    assert len(await activations(journal)) == 1
    (told,) = [record.getMessage() for record in caplog.records]
    assert place not in told
    assert ROW not in told
    assert "1 row of 2 files" in told
    assert "gateway policy diff" in told
    assert first.revision.revision in told


async def test_files_that_are_the_same_are_not_worth_a_word(
    journal: SqliteJournal, folder: Path, registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    await put_in_force(journal, "store", folder, registry)
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        await put_in_force(journal, "store", folder, registry)
    assert caplog.records == []


async def test_faulty_files_do_not_stop_a_store_that_leads(
    journal: SqliteJournal, folder: Path, registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    first = await put_in_force(journal, "store", folder, registry)
    with_row(folder, "p, nonsense")
    again = await put_in_force(journal, "store", folder, registry)
    assert again.revision.revision == first.revision.revision
    (folder / "access.csv").write_bytes(b"\xff")
    caplog.clear()
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        await put_in_force(journal, "store", folder, registry)
    assert "cannot be read" in caplog.text
    shutil.rmtree(folder)
    assert not (await put_in_force(journal, "store", folder, registry)).is_new


@pytest.mark.parametrize("source", ["store", "files"])
async def test_faulty_files_that_seed_stop_the_start(
    journal: SqliteJournal, folder: Path, registry: Registry, source
) -> None:
    place = with_row(folder, "p, nonsense")
    with pytest.raises(ProblemError, match="POLICIES_INVALID") as caught:
        await put_in_force(journal, source, folder, registry)
    assert any(place in issue.path for issue in caught.value.problem.issues)
    assert await activations(journal) == []


async def test_where_the_files_lead_each_start_puts_them_in_force(
    journal: SqliteJournal, folder: Path, registry: Registry
) -> None:
    first = await put_in_force(journal, "files", folder, registry)
    assert not (await put_in_force(journal, "files", folder, registry)).is_new
    before = (folder / "access.csv").read_text()
    with_row(folder)
    second = await put_in_force(journal, "files", folder, registry)
    assert second.is_new
    (folder / "access.csv").write_text(before)
    third = await put_in_force(journal, "files", folder, registry)
    assert third.is_new
    names = [one.revision.revision for one in (first, second, third)]
    assert names[0] == names[2] != names[1]
    assert [(one.revision, one.source) for one in await activations(journal)] == [
        (name, "files") for name in names
    ]
    assert await stored(journal, second) != await stored(journal, first)
    recorded = await journal.read(lambda records: records.policy_revision(names[1]))
    assert recorded is not None
    assert (recorded.parent, [edit.add for edit in recorded.edits]) == (names[0], [ROW])
    with_row(folder, "p, nonsense")
    with pytest.raises(ProblemError, match="POLICIES_INVALID"):
        await put_in_force(journal, "files", folder, registry)


async def test_what_the_files_put_in_force_the_store_goes_on_with(
    journal: SqliteJournal, folder: Path, registry: Registry
) -> None:
    await put_in_force(journal, "store", folder, registry)
    with_row(folder)
    led = await put_in_force(journal, "files", folder, registry)
    again = await put_in_force(journal, "store", folder, registry)
    assert again.revision.revision == led.revision.revision
    assert not again.is_new


@pytest.mark.parametrize("same", [True, False])
async def test_a_record_of_an_earlier_release_is_seeded_by_the_files(
    journal: SqliteJournal, folder: Path, registry: Registry, same: bool
) -> None:
    content = read_content(folder)
    old = content.revision if same else f"sha256:{'0' * 64}"
    entry = NewEntry(EntryType.POLICY_ACTIVATED, "", {"revision": old, "source": "files"})
    await journal.write(lambda tx: tx.append(entry))
    seeded = await put_in_force(journal, "store", folder, registry)
    assert await stored(journal, seeded) == content
    assert [(one.number, one.revision, one.previous) for one in await activations(journal)] == [
        (1, old, None),
        (2, content.revision, old),
    ]


async def test_a_record_with_tables_of_an_earlier_version_is_seeded(
    tmp_path: Path, folder: Path, registry: Registry
) -> None:
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((ROOT / "tests" / "golden" / "journal-v2.sql").read_text())
    migrate_sqlite(path)
    journal = await SqliteJournal.open(path, clock=SteppingClock(), writer="w")
    try:
        seeded = await put_in_force(journal, "store", folder, registry)
        assert seeded.is_new
        assert await stored(journal, seeded) == read_content(folder)
    finally:
        await journal.close()


async def test_a_stored_revision_that_does_not_fit_the_contracts_stops_the_start(
    journal: SqliteJournal, folder: Path, registry: Registry
) -> None:
    seeded = await put_in_force(journal, "store", folder, registry)
    gone = "controlPlane.execution.get"
    fewer = Registry(
        [one for one in registry.operations.values() if one.key != gone],
        registry.events.values(),
        registry.capabilities.values(),
    )
    with pytest.raises(ProblemError) as caught:
        await put_in_force(journal, "store", folder, fewer)
    told = caught.value.problem
    assert told.code == "POLICIES_INVALID"
    assert "POLICY_CONTRACT_UNKNOWN" in {issue.code for issue in told.issues}
    assert any(issue.path.startswith("access.csv:") for issue in told.issues)
    assert told.issues[-1].code == "POLICY_STORE"
    assert seeded.revision.revision in told.issues[-1].path
    assert "GATEWAY_POLICY_SOURCE=files" in told.issues[-1].message


async def test_a_tampered_store_stops_the_start(
    journal: SqliteJournal, folder: Path, registry: Registry
) -> None:
    seeded = await put_in_force(journal, "store", folder, registry)
    await journal.close()
    with closing(sqlite3.connect(journal.path)) as connection, connection:
        connection.execute(
            "UPDATE policy_revision SET edits = replace(edits, 'controlPlane.intent.submit', '*')"
        )
    again = await SqliteJournal.open(journal.path, clock=SteppingClock(), writer="w")
    try:
        with pytest.raises(ProblemError, match="POLICY_HISTORY_DAMAGED"):
            await put_in_force(again, "store", folder, registry)
        assert (await put_in_force_by_files(again, folder, registry)) == seeded.revision.revision
    finally:
        await again.close()


async def put_in_force_by_files(journal: SqliteJournal, folder: Path, registry: Registry) -> str:
    return (await put_in_force(journal, "files", folder, registry)).revision.revision


async def test_a_change_between_reading_and_recording_is_looked_at_again(
    journal: SqliteJournal, folder: Path, registry: Registry
) -> None:
    content = read_content(folder)
    body = {
        "revision": content.revision,
        "source": "changeset",
        "edits": [{"file": name, "text": text} for name, text in content.files.items()],
    }

    class Racing:
        """Another process is quicker, once."""

        raced = False

        async def read(self, query):
            return await journal.read(query)

        async def write(self, unit):
            if not self.raced:
                self.raced = True
                entry = NewEntry(EntryType.POLICY_ACTIVATED, "", body)
                await journal.write(lambda tx: tx.append(entry))
            return await journal.write(unit)

    seeded = await put_in_force(Racing(), "store", folder, registry)  # type: ignore[arg-type]  # the methods it needs
    assert not seeded.is_new
    assert build_revision(content, registry, folder).revision == seeded.revision.revision
    assert len(await activations(journal)) == 1
