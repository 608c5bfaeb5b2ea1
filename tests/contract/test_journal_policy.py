"""Policy administration in the record, for every journal: changesets, revisions, activations."""

from typing import Any

import pytest

from gateway.model.entry import EntryType, NewEntry
from gateway.model.policy import (
    Activation,
    Changeset,
    ChangesetFilter,
    ChangesetStatus,
    Edit,
    RecordedRevision,
)
from gateway.model.ports import Journal, Page, Tx
from tests.contract.journal_story import WORKSPACE
from tests.contract.policy_story import (
    ADD,
    WHOLE,
    activated,
    analyzed,
    approved,
    drafted,
    revised,
    told,
)

pytestmark = pytest.mark.anyio


async def tell(journal: Journal, *entries: NewEntry) -> str:
    def unit(tx: Tx) -> str:
        for entry in entries:
            tx.append(entry)
        return tx.now

    return await journal.write(unit)


async def changeset(journal: Journal, changeset_id: str = "cs_1") -> Changeset:
    found = await journal.read(lambda records: records.changeset(changeset_id))
    assert found is not None
    return found


async def test_a_changeset_is_read_back_as_it_was_drafted(journal: Journal) -> None:
    at = await tell(journal, drafted())
    found = await changeset(journal)
    assert (found.workspace, found.status) == (WORKSPACE, ChangesetStatus.CHECKED)
    assert (found.title, found.reason) == ("Let x call a", "asked for")
    assert (found.base, found.revision, found.restores) == ("sha256:1", "sha256:2", None)
    assert (found.edits, found.authors) == ((Edit.from_json(ADD),), ("ann",))
    assert found.findings == ({"code": "POLICY_SHADOWED", "path": "access.csv:3:1"},)
    assert found.cases["passed"] == 3
    assert (found.impact, found.shadowing, found.approver) == (None, False, None)
    assert (found.created_at, found.updated_at, found.decided_at) == (at, at, None)
    assert await journal.read(lambda records: records.changeset("cs_2")) is None


async def test_it_is_analyzed_then_approved(journal: Journal) -> None:
    await tell(journal, drafted(), analyzed())
    found = await changeset(journal)
    assert found.status is ChangesetStatus.ANALYZED
    assert found.impact == {"head": "sha256:1", "flips": 2}

    at = await tell(journal, approved())
    found = await changeset(journal)
    assert found.status is ChangesetStatus.APPROVED
    assert (found.decided_by, found.decided_at, found.note) == ("ben", at, "fine")
    assert found.approver == {"type": "human", "id": "ben"}


@pytest.mark.parametrize("status", ["draft", "checked"])
async def test_who_revises_it_becomes_an_author_and_drops_what_was_decided(
    journal: Journal, status: str
) -> None:
    shadowed = told(EntryType.POLICY_SHADOWED, on=True)
    at = await tell(journal, drafted(), shadowed, analyzed(), approved())
    again = revised(
        by="cyd", title="Better", base="sha256:9", revision="sha256:8", edits=[], status=status
    )
    later = await tell(journal, again, revised(by="ann", title="Best", status=status))
    found = await changeset(journal)
    assert (found.title, found.status) == ("Best", ChangesetStatus(status))
    assert (found.base, found.edits) == ("sha256:1", (Edit.from_json(ADD),))
    assert found.authors == ("ann", "cyd")
    assert (found.impact, found.decided_by, found.note, found.approver) == (None, None, None, None)
    assert found.shadowing is False
    assert (found.created_at, found.updated_at) == (at, later)


async def test_another_analysis_drops_the_approval(journal: Journal) -> None:
    await tell(journal, drafted(), analyzed(), approved(), analyzed())
    found = await changeset(journal)
    assert (found.status, found.decided_by) == (ChangesetStatus.ANALYZED, None)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (EntryType.POLICY_REJECTED, ChangesetStatus.REJECTED),
        (EntryType.POLICY_WITHDRAWN, ChangesetStatus.WITHDRAWN),
    ],
)
async def test_what_has_ended_never_moves_again(
    journal: Journal, kind: EntryType, status: ChangesetStatus
) -> None:
    await tell(journal, drafted(), told(EntryType.POLICY_SHADOWED, on=True))
    await tell(journal, told(kind, reason="no"))
    found = await changeset(journal)
    assert (found.status, found.decided_by, found.note) == (status, "ben", "no")
    assert found.shadowing is False
    for late in (
        *(analyzed(), approved(), revised(), told(kind, reason="no")),
        told(EntryType.POLICY_SHADOWED, on=True),
        activated("sha256:2", changesetId="cs_1", source="changeset"),
    ):
        with pytest.raises(ValueError, match=rf"{late.type.value}"):
            await tell(journal, late)
    await tell(journal, told(EntryType.POLICY_SHADOWED, on=False, report={"differing": 2}))
    assert await changeset(journal) == found


async def test_the_shadows_are_those_that_are_on(journal: Journal) -> None:
    def on(changeset_id: str, on: bool) -> NewEntry:
        return told(EntryType.POLICY_SHADOWED, changeset_id=changeset_id, on=on)

    await tell(journal, drafted("cs_1"), drafted("cs_2"), on("cs_1", True), on("cs_2", True))
    await tell(journal, on("cs_1", False))
    shadows = await journal.read(lambda records: records.shadowing_changesets())
    assert [shadow.id for shadow in shadows] == ["cs_2"]


async def test_changesets_are_listed_newest_first(journal: Journal) -> None:
    await tell(journal, drafted("cs_1"), drafted("cs_2", status="draft"))
    await tell(journal, drafted("cs_3"), drafted("cs_4", where="beta"))

    async def listed(page: Page, **by: Any) -> tuple[list[str], int]:
        found, total = await journal.read(
            lambda records: records.changesets(ChangesetFilter(**by), page)
        )
        return [item.id for item in found], total

    checked = ChangesetStatus.CHECKED
    assert await listed(Page(2)) == (["cs_4", "cs_3"], 4)
    assert await listed(Page(9, 2)) == (["cs_2", "cs_1"], 4)
    assert await listed(Page(9), workspace=WORKSPACE) == (["cs_3", "cs_2", "cs_1"], 3)
    assert await listed(Page(9), status=checked) == (["cs_4", "cs_3", "cs_1"], 3)
    assert await listed(Page(9), workspace="beta", status=ChangesetStatus.DRAFT) == ([], 0)


async def test_an_activation_moves_the_head_and_is_kept(journal: Journal) -> None:
    first = await tell(journal, activated("sha256:1", parent=None, edits=[WHOLE]))
    await tell(journal, drafted(), analyzed(), approved())
    body = {"source": "changeset", "changesetId": "cs_1", "previous": "sha256:1"}
    second = await tell(
        journal, activated("sha256:2", "ben", parent="sha256:1", edits=[ADD], **body)
    )

    assert await journal.read(lambda records: records.policy_head()) == "sha256:2"
    found, total = await journal.read(lambda records: records.policy_activations(Page(9)))
    assert found == [
        Activation(2, "sha256:2", "sha256:1", "changeset", "cs_1", "ben", second),
        Activation(1, "sha256:1", None, "files", None, "", first),
    ]
    assert total == 2
    assert (await changeset(journal)).status is ChangesetStatus.ACTIVATED
    recorded = await journal.read(lambda records: records.policy_revision("sha256:2"))
    assert recorded == RecordedRevision("sha256:2", "sha256:1", (Edit.from_json(ADD),), second)
    listed, _ = await journal.read(lambda records: records.policy_activations(Page(1, 1)))
    assert [one.number for one in listed] == [1]


async def test_a_revision_that_comes_back_keeps_its_first_content(journal: Journal) -> None:
    at = await tell(journal, activated("sha256:1", parent=None, edits=[WHOLE]))
    await tell(journal, activated("sha256:2", parent="sha256:1", edits=[ADD]))
    await tell(journal, activated("sha256:1", parent="sha256:2", edits=[]))
    await tell(journal, activated("sha256:2"))

    recorded = await journal.read(lambda records: records.policy_revision("sha256:1"))
    assert recorded == RecordedRevision("sha256:1", None, (Edit.from_json(WHOLE),), at)
    found, _ = await journal.read(lambda records: records.policy_activations(Page(9)))
    assert [(one.number, one.revision, one.previous) for one in reversed(found)] == [
        (1, "sha256:1", None),
        (2, "sha256:2", "sha256:1"),
        (3, "sha256:1", "sha256:2"),
        (4, "sha256:2", "sha256:1"),
    ]


async def test_an_activation_of_an_earlier_release_has_no_content(journal: Journal) -> None:
    body = {"revision": "sha256:1", "source": "files"}
    await tell(journal, NewEntry(EntryType.POLICY_ACTIVATED, "", body))
    assert await journal.read(lambda records: records.policy_head()) == "sha256:1"
    assert await journal.read(lambda records: records.policy_revision("sha256:1")) is None
    found, _ = await journal.read(lambda records: records.policy_activations(Page(9)))
    assert [(one.number, one.previous, one.source) for one in found] == [(1, None, "files")]
