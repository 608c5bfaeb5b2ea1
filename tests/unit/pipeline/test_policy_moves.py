"""A policy that changes while a command is on its way: it is recorded under the one in force."""

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest

from gateway.model.entry import EntryType, NewEntry
from gateway.model.json import JsonObject
from gateway.model.policy import Edit
from gateway.model.ports import Tx
from gateway.model.problem import ProblemError
from gateway.pipeline import Admitted, Command
from gateway.policy import PolicyRevision, apply_edits, build_revision
from tests.unit.pipeline.desk import Desk
from tests.unit.runtime.loop_world import person

pytestmark = pytest.mark.anyio

ALICE = person("alice")
DENY = "p, user:alice, *, shop.add, call, deny"
OTHER = "p, user:bob, *, shop.add, call, deny"


def revised(before: PolicyRevision, row: str) -> PolicyRevision:
    content = apply_edits(before.content, [Edit("access.csv", add=row)]).content
    return build_revision(content, before.registry, Path())


async def put_in_force(desk: Desk, revision: PolicyRevision) -> None:
    """What an activation does: the record first, then this process."""

    def unit(tx: Tx) -> None:
        body = {"revision": revision.revision, "source": "changeset"}
        tx.append(NewEntry(EntryType.POLICY_ACTIVATED, "", body))

    await desk.journal.write(unit)
    desk.policies.adopt(revision)


def prepare(desk: Desk, changes: list[PolicyRevision]) -> None:
    """Let policy change, once for each of ``changes``, after a command's access was decided."""

    async def change(_: Admitted) -> None:
        if changes:
            await put_in_force(desk, changes.pop(0))

    add: Callable[[Admitted, Tx], JsonObject] = partial(Desk._add, desk)  # type: ignore[assignment]  # it also refuses
    work: Callable[[Admitted], Awaitable[None]] = change
    desk.pipeline.bindings["shop.add@1.0.0"] = Command(add, work)


async def test_a_command_is_denied_by_the_rule_that_came_meanwhile(desk: Desk) -> None:
    await put_in_force(desk, desk.policies.current)
    prepare(desk, [revised(desk.policies.current, DENY)])
    with pytest.raises(ProblemError) as refused:
        await desk.call(ALICE, "add", {"text": "a"})
    assert refused.value.problem.code == "FORBIDDEN"
    assert desk.applied == []
    assert await desk.facts() == []
    (denied,) = await desk.entries(EntryType.CALL_DENIED)
    assert denied.body["decision"]["policyRevision"] == desk.policies.revision


async def test_a_command_is_recorded_with_the_revision_in_force(desk: Desk) -> None:
    await put_in_force(desk, desk.policies.current)
    later = revised(desk.policies.current, OTHER)
    prepare(desk, [later])
    await desk.call(ALICE, "add", {"text": "a"})
    assert desk.applied == ["a"]
    (done,) = await desk.entries(EntryType.CALL_COMPLETED)
    assert done.body["decision"]["policyRevision"] == later.revision


async def test_a_policy_that_keeps_changing_is_told(desk: Desk) -> None:
    await put_in_force(desk, desk.policies.current)
    rows = [f"p, user:bob{n}, *, shop.add, call, deny" for n in range(3)]
    changes = [revised(desk.policies.current, row) for row in rows]
    prepare(desk, changes)
    with pytest.raises(ProblemError) as refused:
        await desk.call(ALICE, "add", {"text": "a"})
    assert (refused.value.problem.code, refused.value.problem.retryable) == (
        "SERVICE_UNAVAILABLE",
        True,
    )
    assert desk.applied == []


async def test_where_the_record_moved_on_alone_nothing_is_decided(desk: Desk) -> None:
    """Another process changed policy, and this one has not adopted it."""
    await put_in_force(desk, desk.policies.current)
    looks = []

    async def refresh() -> None:
        looks.append(1)

    desk.policies.watched_by(refresh)
    desk.policies.observe(desk.policies.revision)
    later = revised(desk.policies.current, OTHER)

    def unit(tx: Tx) -> None:
        body = {"revision": later.revision, "source": "files"}
        tx.append(NewEntry(EntryType.POLICY_ACTIVATED, "", body))

    await desk.journal.write(unit)
    with pytest.raises(ProblemError) as refused:
        await desk.call(ALICE, "add", {"text": "a"})
    assert refused.value.problem.code == "SERVICE_UNAVAILABLE"
    assert looks == [1]
    assert desk.applied == []


async def test_an_action_that_had_to_wait_is_decided_as_it_is_then(desk: Desk) -> None:
    """Its turn of the rate limit is waited for; meanwhile another revision comes into force."""
    await put_in_force(desk, desk.policies.current)
    later = revised(desk.policies.current, "p, user:alice, *, shop.read, call, deny")

    class Slow:
        async def take(self, *_: object) -> None:
            await put_in_force(desk, later)

    desk.pipeline.limiter = Slow()  # type: ignore[assignment]  # all that is asked of it
    with pytest.raises(ProblemError) as refused:
        await desk.call(ALICE, "read", {"id": "1"})
    assert refused.value.problem.code == "FORBIDDEN"
    assert desk.actions.made("read") == []


async def test_an_action_is_not_performed_under_a_policy_that_is_known_to_be_over(
    desk: Desk,
) -> None:
    await put_in_force(desk, desk.policies.current)

    async def refresh() -> None:
        pass

    desk.policies.watched_by(refresh)
    desk.policies.observe(desk.policies.revision)
    later = revised(desk.policies.current, OTHER).revision

    class Slow:
        async def take(self, *_: object) -> None:
            desk.policies.observe(later)

    desk.pipeline.limiter = Slow()  # type: ignore[assignment]  # all that is asked of it
    with pytest.raises(ProblemError) as refused:
        await desk.call(ALICE, "read", {"id": "1"})
    assert refused.value.problem.code == "SERVICE_UNAVAILABLE"
    assert desk.actions.made("read") == []
