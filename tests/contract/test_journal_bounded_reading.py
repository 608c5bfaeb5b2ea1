"""Queries that may read so much of the record for their answer, and no more, for every journal."""

import pytest

from gateway.model.ports import ExecutionFilter, Journal, Page, Records
from gateway.model.problem import ProblemError
from tests.contract.journal_story import WORKSPACE, Story
from tests.contract.test_journal_records import tell

pytestmark = pytest.mark.anyio

TEXT = "x" * 1000


async def submitted(journal: Journal, *names: str) -> None:
    await tell(journal, *(Story(name).received(text=TEXT) for name in names))


def listed(records: Records) -> int:
    which = ExecutionFilter(WORKSPACE)
    found, total = records.executions(which, Page(100))
    assert len(found) == total
    return total


def found(records: Records) -> int:
    for name in "abc":
        records.execution(WORKSPACE, f"exec_{name}")
    return 3


def told(records: Records) -> int:
    return sum(len(records.entries(f"exec_{name}")) for name in "abc")


@pytest.mark.parametrize("query", [listed, found, told])
async def test_a_query_is_refused_once_it_has_read_too_much(journal: Journal, query) -> None:
    await submitted(journal, "a", "b", "c")
    assert await journal.read(query) == 3
    assert await journal.read(query, 10_000) == 3
    with pytest.raises(ProblemError) as caught:
        await journal.read(query, 3000)
    refused = caught.value.problem
    assert (refused.code, refused.status) == ("ANSWER_LIMIT_EXCEEDED", 422)
    assert refused.extra == {"maximum": 3000}


async def test_each_query_has_as_much_as_any_other(journal: Journal) -> None:
    await submitted(journal, "a", "b")
    for _ in range(5):
        assert await journal.read(listed, 4000) == 2
    with pytest.raises(ProblemError):
        await journal.read(lambda records: listed(records) + listed(records), 4000)
    assert await journal.read(listed, 4000) == 2


async def test_what_rows_hold_beside_json_does_not_count(journal: Journal) -> None:
    await submitted(journal, "a")
    assert await journal.read(lambda records: records.last_position(), 0) > 0
