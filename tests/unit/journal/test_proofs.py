"""Proofs over the record, as whoever holds a checkpoint asks for them."""

from functools import partial

import pytest

from gateway.journal import Checkpointer, SqliteJournal
from gateway.journal.checkpoint_lines import origin_of, parsed_line
from gateway.journal.database import open_reader
from gateway.journal.records import SqlRecords
from gateway.journal.sqlite_session import SqliteSession
from gateway.transparency import Frontier, leaf_hash, verify_consistency, verify_inclusion
from tests.contract.journal_story import call

pytestmark = pytest.mark.anyio

SIZES = (3, 255, 256, 700)


@pytest.fixture
async def records(record) -> SqlRecords:
    async def fill(journal: SqliteJournal, checkpointer: Checkpointer) -> None:
        done = 0
        for size in SIZES:
            await journal.write(partial(_add, count=size - done))
            await checkpointer.checkpoint()
            done = size

    await record.session(fill)
    return SqlRecords(SqliteSession(open_reader(record.path).cursor()))


def _add(tx, count: int) -> None:
    for _ in range(count):
        tx.append(call(None))


async def test_every_entry_is_proven_to_be_in_every_later_checkpoint(records) -> None:
    leaves = [
        leaf_hash(bytes.fromhex(entry.hash)) for entry in records.entries_after(0, limit=1_000)
    ]
    signed = [parsed_line(records.checkpoint_of(number)).checkpoint for number in (1, 2, 3, 4)]

    assert [checkpoint.size for checkpoint in signed] == list(SIZES)
    assert records.last_checkpoint() == records.checkpoint_of(4)
    assert records.checkpoint_of(5) is None
    assert records.tree_size() == 700
    assert records.origin() == signed[0].origin == origin_of(leaves[0])
    for checkpoint in signed:
        assert records.tree_root(checkpoint.size) == checkpoint.root
        for position in {1, 2, 255, 256, 257, 699, checkpoint.size}:
            if position > checkpoint.size:
                continue
            path = records.inclusion_proof(position, checkpoint.size)
            place = position - 1, checkpoint.size
            assert verify_inclusion(leaves[position - 1], *place, path, checkpoint.root)


async def test_every_checkpoint_is_proven_to_go_on_from_every_earlier_one(records) -> None:
    signed = [parsed_line(records.checkpoint_of(number)).checkpoint for number in (1, 2, 3, 4)]

    for old in signed:
        for new in signed[signed.index(old) :]:
            proof = records.consistency_proof(old.size, new.size)
            assert verify_consistency(old.size, new.size, old.root, new.root, proof)
    assert records.consistency_proof(0, 700) == []
    assert records.tree_root(0) == Frontier().root()


async def test_what_the_tree_does_not_cover_is_refused(records) -> None:
    for position, size in ((1, 701), (0, 700), (701, 700), (4, 3), (1, -1)):
        with pytest.raises(ValueError, match=r"covers|no leaf"):
            records.inclusion_proof(position, size)
    for old, new in ((701, 702), (5, 3), (-1, 3)):
        with pytest.raises(ValueError, match=r"covers|cannot go on"):
            records.consistency_proof(old, new)


async def test_a_proof_reads_a_few_tiles(records) -> None:
    asked: list[str] = []
    records._session._cursor.connection.set_trace_callback(asked.append)
    records.inclusion_proof(300, 700)

    assert len(asked) <= 5


async def test_an_empty_record_has_an_empty_tree(record) -> None:
    await (await record.opened()).close()
    records = SqlRecords(SqliteSession(open_reader(record.path).cursor()))

    assert (records.tree_size(), records.origin(), records.last_checkpoint()) == (0, None, None)
