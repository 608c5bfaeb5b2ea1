"""A unit in two parts is durable as a whole, or not at all."""

import pytest

from gateway.model.entry import EntryType, NewEntry
from gateway.model.ports import Journal, Tx
from gateway.model.turn_unit import TurnUnit
from tests.contract.test_journal_claims import FAR, enlisted
from tests.contract.test_journal_turns import together

pytestmark = pytest.mark.anyio


async def test_nothing_is_left_of_a_first_part_whose_second_fails(journal: Journal) -> None:
    """Also where the first only records something that no other table shows."""
    story = await enlisted(journal, "a")
    other = await enlisted(journal, "b")
    claim = await journal.write(lambda tx: tx.claim(story.run_id, "me", FAR))
    assert claim is not None
    before = await journal.read(lambda records: records.last_position())
    late = NewEntry(EntryType.STEP_LATE, "acme", {"stepId": "x", "attempt": 1}, story.execution_id)

    def first(tx: Tx) -> None:
        assert tx.fence(story.run_id, claim.epoch, FAR)
        tx.append(late)

    def rest(_: Tx, __: None) -> None:
        raise RuntimeError("a refusal")

    beside = TurnUnit(other.run_id, lambda tx: tx.claim(other.run_id, "me", FAR), lambda _, c: c)
    failed, taken = await together(journal, TurnUnit(story.run_id, first, rest), beside)
    assert str(failed) == "a refusal"
    assert taken.owner == "me"
    entries = await journal.read(lambda records: records.entries_after(before, 10))
    assert [entry.type for entry in entries] == []
