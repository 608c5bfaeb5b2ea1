"""What was archived is still erased, and an export says that it is there."""

import gzip

import pytest

from gateway.journal import (
    Archiving,
    Checkpointer,
    Returning,
    Until,
    verify_record,
)
from gateway.model.entry import EntryType
from gateway.model.json import decode
from gateway.model.pii import each_envelope
from gateway.rights.exporting import ARCHIVED, document_of
from tests.unit.rights.rights_world import RightsWorld, done

pytestmark = pytest.mark.anyio


async def archive(rights: RightsWorld) -> int:
    """Archive whatever may go; returns how many executions went."""
    signer = rights.keyring.signer
    await Checkpointer(rights.journal, signer).checkpoint()
    await rights.stop()
    path = rights.data / "gateway.db"
    archiving = Archiving(path, rights.folder / "archive", signer, rights.clock)
    gone = archiving.run(Until(through=1_000_000)).executions
    await rights.start()
    return gone


def archived_texts(rights: RightsWorld) -> list[str]:
    """Every value of the archive that can still be read."""
    files = sorted((rights.folder / "archive").iterdir())
    lines = [line for file in files for line in gzip.decompress(file.read_bytes()).splitlines()[1:]]
    found = [one for line in lines for one in each_envelope(decode(decode(line)[9]))]
    return [str(rights.sealer.unseal("acme", one)) for one in found if rights.is_readable(one)]


async def test_a_person_is_erased_in_the_archive_too(rights: RightsWorld) -> None:
    await rights.mail("ada@x.org", "bob@x.org")
    await rights.mail("cy@x.org")
    assert await archive(rights) == 2
    assert any("ada" in text for text in archived_texts(rights))

    erasure = await rights.erase(rights.named("ada@x.org"))

    assert done(erasure)
    left = archived_texts(rights)
    assert not [text for text in left if "ada" in text]
    # What stood in the same execution under nobody's key fell too, as it does without an archive.
    assert {"Dear bob@x.org", "Dear cy@x.org"} <= set(left)
    assert rights.matches() == []


async def test_an_export_says_what_is_archived(rights: RightsWorld) -> None:
    await rights.mail("ada@x.org")
    named = rights.named("ada@x.org")
    before = rights.rights.exporting.holdings(named.subject, 0, 100)
    await archive(rights)

    holdings = rights.rights.exporting.holdings(named.subject, 0, 100)

    assert holdings.total == before.total == len(holdings.items)
    assert {item.value for item in holdings.items} == {ARCHIVED}
    assert "gateway journal restore" in document_of("ada", holdings, "now")


async def test_what_was_erased_stays_erased_when_it_is_put_back(rights: RightsWorld) -> None:
    await rights.mail("ada@x.org")
    await archive(rights)
    assert done(await rights.erase(rights.named("ada@x.org")))
    await rights.stop()
    path = rights.data / "gateway.db"
    files = sorted((rights.folder / "archive").iterdir())
    assert Returning(path, rights.keyring.signer, rights.clock).run(files).entries > 0
    await rights.start()

    assert not [text for text in await rights.texts() if "ada" in text]
    report = verify_record(path, [rights.keyring.signer.public_key_pem])
    assert report.findings == ()
    assert rights.matches() == []


async def test_an_execution_whose_erasure_is_recorded_on_it_stays(rights: RightsWorld) -> None:
    execution_id = await rights.mail("ada@x.org")
    assert done(await rights.erase(rights.rights.desk.execution("acme", execution_id)))

    assert await archive(rights) == 0
    entries = await rights.journal.read(lambda records: records.entries(execution_id))
    assert EntryType.SUBJECT_ERASED in {entry.type for entry in entries}
