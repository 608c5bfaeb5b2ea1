"""Standing grants in the record, for every journal: issued, used, revoked, and never overused."""

from typing import Any

import pytest

from gateway.model.entry import EntryType, NewEntry
from gateway.model.grant import Grant, GrantFilter, GrantStatus
from gateway.model.ports import Journal, Page
from gateway.model.principal import PrincipalType
from tests.contract.journal_story import ALICE, WORKSPACE, Story

pytestmark = pytest.mark.anyio

NOW = "2026-03-01T10:00:00.000000Z"
LATER = "2026-03-02T10:00:00.000000Z"
CONTRACT = "support.refund.issue@1.0.0"


def issued(grant_id: str, workspace: str = WORKSPACE, **more: Any) -> NewEntry:
    body = {
        "grantId": grant_id,
        "contract": CONTRACT,
        "contractDigest": "c" * 64,
        "requester": "agent-7",
        "requesterType": "agent",
        "arguments": {"amount": {"$max": 5}},
        "maxUses": 2,
        "expiresAt": LATER,
        "issuer": ALICE.to_json(),
        "reason": "often",
    }
    return NewEntry(EntryType.GRANT_ISSUED, workspace, body | more, None, "alice")


def used(story: Story, key: str, grant_id: str, attempt: int = 1) -> NewEntry:
    return story.step(EntryType.GRANT_USED, key, grantId=grant_id, attempt=attempt, uses=1)


def revoked(grant_id: str) -> NewEntry:
    body = {"grantId": grant_id, "by": "bob", "reason": "doubts"}
    return NewEntry(EntryType.GRANT_REVOKED, WORKSPACE, body, None, "bob")


async def tell(journal: Journal, *entries: NewEntry) -> str:
    def unit(tx):
        for entry in entries:
            tx.append(entry)
        return tx.now

    return await journal.write(unit)


async def grant(journal: Journal, grant_id: str = "grant_1") -> Grant:
    found = await journal.read(lambda records: records.grant(WORKSPACE, grant_id))
    assert found is not None
    return found


async def test_a_grant_is_read_back_as_it_was_issued(journal: Journal) -> None:
    at = await tell(journal, issued("grant_1"))
    found = await grant(journal)
    assert (found.contract, found.contract_digest) == (CONTRACT, "c" * 64)
    assert (found.requester, found.requester_type) == ("agent-7", PrincipalType.AGENT)
    assert (found.arguments, found.issuer) == ({"amount": {"$max": 5}}, ALICE)
    assert (found.max_uses, found.uses, found.reason) == (2, 0, "often")
    assert (found.issued_at, found.expires_at) == (at, LATER)
    assert (found.status(NOW), found.status(LATER)) == (GrantStatus.ACTIVE, GrantStatus.EXPIRED)


async def test_uses_are_counted_and_the_last_one_of_a_step_is_known(journal: Journal) -> None:
    story = Story("a")
    await tell(journal, *story.until_started("x", "y"), issued("grant_1"))
    at = await tell(journal, used(story, "x", "grant_1"), used(story, "x", "grant_1", 3))
    found = await grant(journal)
    assert (found.uses, found.status(NOW)) == (2, GrantStatus.USED_UP)
    last = await journal.read(lambda records: records.grant_use("exec_a", "step_x"))
    assert last is not None
    assert (last.grant_id, last.attempt, last.at) == ("grant_1", 3, at)
    assert await journal.read(lambda records: records.grant_use("exec_a", "step_y")) is None


async def test_a_use_too_many_is_refused_with_its_whole_unit(journal: Journal) -> None:
    story = Story("a")
    await tell(journal, *story.until_started("x"), issued("grant_1", maxUses=1))
    with pytest.raises(ValueError, match=r"grant\.used"):
        await tell(journal, used(story, "x", "grant_1"), used(story, "x", "grant_1", 2))
    assert (await grant(journal)).uses == 0


async def test_a_grant_is_revoked_once(journal: Journal) -> None:
    await tell(journal, issued("grant_1"))
    at = await tell(journal, revoked("grant_1"))
    found = await grant(journal)
    assert (found.status(NOW), found.revoked_at) == (GrantStatus.REVOKED, at)
    assert (found.revoked_by, found.revoke_reason) == ("bob", "doubts")
    with pytest.raises(ValueError, match=r"grant\.revoked"):
        await tell(journal, revoked("grant_1"))


async def test_active_grants_are_those_that_can_be_used_now(journal: Journal) -> None:
    story = Story("a")
    await tell(journal, *story.until_started("x"), issued("used", maxUses=1), issued("gone"))
    await tell(journal, issued("late"), issued("soon", expiresAt="2026-03-01T11:00:00.000000Z"))
    await tell(journal, issued("past", expiresAt=NOW), issued("theirs", "beta"))
    await tell(journal, issued("other", contract="support.ticket.read@1.0.0"))
    await tell(journal, used(story, "x", "used"), revoked("gone"))

    found = await journal.read(lambda records: records.active_grants(WORKSPACE, CONTRACT, NOW))
    assert [item.id for item in found] == ["soon", "late"]

    async def listed(active: bool | None, page: Page) -> tuple[list[str], int]:
        which = GrantFilter(WORKSPACE, NOW, active)
        items, total = await journal.read(lambda records: records.grants(which, page))
        return [item.id for item in items], total

    assert await listed(True, Page(2)) == (["other", "soon"], 3)
    assert await listed(True, Page(2, 2)) == (["late"], 3)
    assert await listed(False, Page(9)) == (["past", "used", "gone"], 3)
    assert (await listed(None, Page(9)))[1] == 6

    async def behind(grant_id: str, active: bool | None) -> list[str]:
        one = await journal.read(lambda records: records.grant(WORKSPACE, grant_id))
        assert one is not None
        which = GrantFilter(WORKSPACE, NOW, active, (one.issued_at, one.id))
        items, _ = await journal.read(lambda records: records.grants(which, Page(9)))
        return [item.id for item in items]

    assert await behind("soon", True) == ["late"]
    assert await behind("used", None) == ["gone"]
    assert await behind("used", False) == ["gone"]
    assert await journal.read(lambda records: records.grant(WORKSPACE, "theirs")) is None
